"""What a study file may say, as validated objects.

It opens no data.
"""
