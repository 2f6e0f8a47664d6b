"""What a run says, in a reader's words.

It computes nothing of its own.
"""
