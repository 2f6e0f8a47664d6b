"""Text, numbers, codes and sheets as they are really written in official files.

It knows no producer.
"""
