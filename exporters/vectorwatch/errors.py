"""The errors a user can meet.

VectorwatchError          exit 1
├── ConfigError           exit 2, one line for each problem
└── TargetError           a monitored server could not be read; carries a closed `Reason`
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Reason(StrEnum):
    """Why a target could not be read: the only values of any `reason` label about targets."""

    CONNECT = "connect"
    """No connection: refused, no route, unknown host, closed without an answer."""
    TIMEOUT = "timeout"
    """No complete answer before the scrape's deadline."""
    TLS = "tls"
    """Certificate not trusted, expired, for another name, or no TLS at all."""
    AUTH = "auth"
    """Credentials missing, unreadable or refused."""
    HTTP_STATUS = "http_status"
    """An HTTP status that is not a success."""
    DECODE = "decode"
    """An answer that is not what this server says: HTML, cut JSON, wrong types."""
    TOO_LARGE = "too_large"
    """An answer above the size limit; it was not read to its end."""
    LOADING = "loading"
    """The server is up but still reads its data set."""
    PARTIAL = "partial"
    """The server answers, but some of its parts could not be read."""
    UNAVAILABLE = "unavailable"
    """The device or driver is not there."""
    INTERNAL = "internal"
    """A defect of the exporter; its log has the traceback."""


class VectorwatchError(Exception):
    """Something a user should read as one line."""

    exit_code = 1


class ConfigError(VectorwatchError):
    """Settings that cannot be used; holds every problem found."""

    exit_code = 2

    def __init__(self, problems: Iterable[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class TargetError(VectorwatchError):
    """A target that could not be read; `reason` becomes a label, the text goes to the log."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)
