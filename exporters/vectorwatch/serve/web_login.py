"""The login of Prometheus and Alertmanager, which ask for it where WEB_LOGIN=1 (docker-compose.yml)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from vectorwatch.settings import read_secret

WEB_USER = "vectorwatch"


def login_headers(password_file: Path | None) -> Mapping[str, str]:
    """Return the request headers of the login (RFC 7617); none without a file, which is read at each use.

    Raises TargetError(auth) when the file cannot be read any more.
    """
    password = read_secret(None, password_file)
    return {"Authorization": f"Basic {encode_login(password)}"} if password else {}


def encode_login(password: str) -> str:
    """Return the credentials of the login as RFC 7617 sends them."""
    return b64encode(f"{WEB_USER}:{password}".encode()).decode()
