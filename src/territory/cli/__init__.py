"""The command line, in French."""

from territory.cli.commands import app, main

__all__ = ["app", "main"]
