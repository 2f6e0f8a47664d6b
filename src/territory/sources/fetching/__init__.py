"""Official files brought in, checked and kept as downloaded; none is read."""
