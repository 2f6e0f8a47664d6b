"""Runs already made: read back, compared, verified."""
