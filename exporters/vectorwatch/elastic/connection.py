"""How a program of ours reaches Elasticsearch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vectorwatch.errors import ConfigError

from .client import Server


@dataclass(frozen=True)
class Connection:
    """An address, and a folder with the passwords of its users and, for https, the authority in `ca.crt`."""

    url: str
    secrets: Path

    def read_password(self, secret: str) -> str:
        """Return a password. Raises ConfigError for one that is not there."""
        return read_password(self.secrets / secret)

    def open(self, user: str, password: str) -> Server:
        """Return the server for one user. Raises ConfigError."""
        ca_file = self.secrets / "ca.crt" if self.url.startswith("https:") else None
        return Server("Elasticsearch", self.url, user=user, password=password, ca_file=ca_file)


def read_password(path: Path) -> str:
    """Return the password in a file that `setup` makes. Raises ConfigError for one that is not there."""
    try:
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = (error.strerror or "").lower() if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"cannot read {path}: {cause}; `docker compose up setup` makes it") from None
    if not password:
        raise ConfigError(f"{path} is empty; remove it, and `docker compose up setup` makes it anew")
    return password
