"""Estimated travel times where there is no map, with their doubt."""
