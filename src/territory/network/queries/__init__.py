"""What is asked of a road network: tables of times, isochrones.

It searches through `engine` only.
"""
