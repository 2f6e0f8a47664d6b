"""Every table and column declared once, as data.

No computation and no reading of files: what others check, label and format comes from here.
"""
