"""The measures of one state; a scenario has no formulas of its own."""
