"""Seeded draws of what is not known, and what remains true in them."""
