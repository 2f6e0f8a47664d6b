"""What a study file says, held against the data: every problem at once, with its line.

It computes nothing.
"""
