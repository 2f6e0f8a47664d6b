"""French as it is written: numbers, plurals, typography, place names; words only, no table, study or document."""
