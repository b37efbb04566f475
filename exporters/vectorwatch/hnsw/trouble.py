"""Why a measurement failed, in a closed list."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import NamedTuple

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import StatusError

# `CollectionError::strict_mode` in Qdrant's `lib/collection/src/operations/types.rs` writes "{error}. Help:
# {solution}"; `lib/storage/src/content_manager/errors.rs` made 403 of it up to 1.14, and 400 since 1.15.
_STRICT_MODE_STATUSES = (400, 403)
_STRICT_MODE_MARK = ". Help: "


class Trouble(StrEnum):
    """The values of `reason` in `hnsw_errors_total`."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    TLS = "tls"
    AUTH = "auth"
    HTTP_STATUS = "http_status"
    DECODE = "decode"
    TOO_LARGE = "too_large"
    INTERNAL = "internal"
    STRICT_MODE = "strict_mode"
    """The collection's strict mode forbids what a measurement needs."""
    RATE_LIMITED = "rate_limited"
    """HTTP 429: the collection's `read_rate_limit`, or a proxy's."""
    NOT_FOUND = "not_found"
    """A configured collection or vector does not exist."""
    NO_VECTORS = "no_vectors"
    """The collection has points, but none with this vector that passes the filter."""


class Failure(NamedTuple):
    """What went wrong: the trouble becomes a label, the text goes to the log."""

    trouble: Trouble
    text: str


# A refused connection or key costs the engine nothing, so that recovery is noticed in the next round.
COSTS_NOTHING = frozenset({Trouble.CONNECT, Trouble.TLS, Trouble.AUTH, Trouble.NOT_FOUND})
# Nothing but an edit of the collection or of our settings ends these.
LASTS_LONG = frozenset({Trouble.STRICT_MODE})
# No other collection of the server can be reached either.
CONCERNS_ALL = frozenset({Trouble.CONNECT, Trouble.TLS})

_BY_STATUS = {401: Trouble.AUTH, 404: Trouble.NOT_FOUND, 408: Trouble.TIMEOUT, 429: Trouble.RATE_LIMITED}
_REASONS = {
    Trouble.STRICT_MODE: Reason.HTTP_STATUS,
    Trouble.RATE_LIMITED: Reason.HTTP_STATUS,
    Trouble.NOT_FOUND: Reason.PARTIAL,
    Trouble.NO_VECTORS: Reason.PARTIAL,
}


def classify(error: TargetError) -> Trouble:
    """Return the trouble behind `error`."""
    if isinstance(error, StatusError):
        if error.status in _STRICT_MODE_STATUSES and _STRICT_MODE_MARK in _description(error.content):
            return Trouble.STRICT_MODE
        return _BY_STATUS.get(error.status, Trouble(error.reason.value))
    if isinstance(error, NoVectorsError):
        return Trouble.NO_VECTORS
    known = error.reason.value in set(Trouble)
    return Trouble(error.reason.value) if known else Trouble.HTTP_STATUS


def reason_of(trouble: Trouble) -> Reason:
    """Return the kernel's reason for `hnsw_scrape_failed`."""
    return _REASONS.get(trouble) or Reason(trouble.value)


class NoVectorsError(TargetError):
    """A sample of stored vectors that came back empty."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PARTIAL, message)


def _description(content: bytes) -> str:
    """Return `status.error` of Qdrant's envelope, empty for anything else."""
    try:
        status = json.loads(content)["status"]
        return str(status["error"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
