"""The map and the panel that are handled in Jupyter."""
