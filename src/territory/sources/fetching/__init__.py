"""Official files brought in, checked and kept as downloaded.

It reads none of them.
"""
