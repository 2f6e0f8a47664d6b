"""From ways to a directed graph with durations: simplification, turns, speeds, the index of segments."""
