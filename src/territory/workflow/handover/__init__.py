"""Everything that is handed over, written whole or not at all."""
