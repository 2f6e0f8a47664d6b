"""What a study needs, read once: places, times, states, and the manifest of it."""
