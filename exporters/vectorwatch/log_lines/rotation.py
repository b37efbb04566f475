"""A log file that rotates by itself, for hosts where nobody collects stdout."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

FILE_BYTES = 100_000_000
FILES = 5
"""A log file grows to 100 MB and five older ones are kept, as the requirements say."""


def open_log_file(path: Path) -> logging.Handler:
    """Return a handler that appends to `path`, whose folder is made when missing. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return logging.handlers.RotatingFileHandler(
        path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
    )
