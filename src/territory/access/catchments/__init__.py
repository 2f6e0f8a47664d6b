"""Floating catchment areas: the steps of the formulas, and sums that any order of parts gives alike."""
