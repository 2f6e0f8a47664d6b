"""The one gate: what may leave the agency, under disclosure control.

It draws nothing and writes no file.
"""
