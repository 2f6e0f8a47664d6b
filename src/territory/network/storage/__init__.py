"""A network or a search as files, checked when they are read back."""
