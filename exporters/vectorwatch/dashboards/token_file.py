"""The token of a Grafana, from a file: an argument or a variable would show it to others on the machine."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from vectorwatch.errors import ConfigError

_HOW = "make one in Grafana for a service account with the role Editor"


def read_token(path: Path | None) -> str:
    """Return the token in `path`. Raises ConfigError."""
    if path is None:
        raise ConfigError(
            f"dashboards: no token; {_HOW}, write it into a file and name that with --token-file"
        )
    try:
        token = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise ConfigError(f"dashboards: --token-file: cannot read {path}: {error.strerror}") from None
    if not token:
        raise ConfigError(f"dashboards: --token-file: {path} is empty; {_HOW} and write it there")
    if not re.fullmatch(r"[!-~]+", token):
        raise ConfigError(
            f"dashboards: --token-file: {path} holds more than a token; {_HOW} and write that alone"
        )
    return token


def is_open_to_all(path: Path) -> bool:
    """Tell whether every user of the machine may read `path`."""
    return bool(path.stat().st_mode & stat.S_IROTH)
