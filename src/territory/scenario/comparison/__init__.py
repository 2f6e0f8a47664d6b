"""Two states side by side: what changes, for whom, and whether it can be told."""
