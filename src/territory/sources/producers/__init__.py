"""One folder of readers per producer of official files.

A reader gives a validated table or one error with every problem; it computes no indicator.
"""
