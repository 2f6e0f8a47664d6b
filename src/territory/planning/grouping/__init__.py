"""Which establishments or communes to group, contiguous and of a critical size."""
