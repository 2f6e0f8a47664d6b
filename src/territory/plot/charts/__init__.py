"""Charts: bars, dots, trade-offs."""
