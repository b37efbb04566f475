"""Ways to ask a service whether it is ready; each answers within a second and never raises."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

Readiness = Callable[[], bool]

_TIMEOUT_SECONDS = 1.0


def answers_http(url: str) -> Readiness:
    """Ready when `GET url` (plain HTTP) gets a 2xx."""
    parts = urlsplit(url)

    def ask() -> bool:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", parts.path or "/")
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def answers_ping(host: str, port: int) -> Readiness:
    """Ready when a Redis-protocol server answers PING; a demand for a password is an answer too."""

    def ask() -> bool:
        try:
            with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    return ask


def accepts_tcp(host: str, port: int) -> Readiness:
    """Ready when a TCP connection is accepted."""

    def ask() -> bool:
        try:
            socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS).close()
        except OSError:
            return False
        return True

    return ask
