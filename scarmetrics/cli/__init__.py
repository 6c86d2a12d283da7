"""The command line: thin commands over the Python API."""

from scarmetrics.cli.app import main

__all__ = ["main"]
