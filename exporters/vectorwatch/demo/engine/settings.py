"""What the embedded Qdrant is told at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vectorwatch.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """Where to listen, where to keep data, and how eagerly to optimize."""

    host: str
    port: int
    """0 takes any free port."""
    data: Path
    api_key: str | None = field(default=None, repr=False)
    settle_seconds: float = 0.5
    """Quiet time after a write before an index is built, so that a bulk load is indexed once."""
    patience_seconds: float = 10.0
    """Longest wait for such quiet: a steady stream of writes must not put indexing off for ever."""


def read_settings(host: str, port: int, data: Path, api_key_file: Path | None = None) -> Settings:
    """Return settings with the key read from its file. Raises ConfigError."""
    if not 0 <= port <= 65535:
        raise ConfigError(f"engine: --port: `{port}` is no port; write a number from 0 to 65535")
    return Settings(host, port, data, None if api_key_file is None else _read_key(api_key_file))


def _read_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"engine: --api-key-file: cannot read `{path}`: {cause}") from error
    if not key:
        raise ConfigError(f"engine: --api-key-file: `{path}` is empty; write the key into it")
    return key
