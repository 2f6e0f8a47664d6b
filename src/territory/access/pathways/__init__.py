"""Paths of care: professionals within reach, recruitment, coordination."""
