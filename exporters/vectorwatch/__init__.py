"""Vectorwatch: monitoring for AI search in production."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("vectorwatch")
except PackageNotFoundError:  # run from a source tree that nobody installed
    __version__ = "0+uninstalled"
