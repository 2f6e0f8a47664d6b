"""A document as data, and its pages.

It knows no measure.
"""
