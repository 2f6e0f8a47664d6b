"""French as it is written: numbers, plurals, typography, place names.

Words only: it knows no table, no study and no document.
"""
