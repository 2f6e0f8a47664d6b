"""Accounts of a state: road, building, waiting. They are never added up."""
