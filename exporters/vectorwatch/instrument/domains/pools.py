"""Pools that the application keeps itself: HTTP clients, model clients; for SQLAlchemy see `database`."""

from __future__ import annotations

from vectorwatch.instrument.metric import Gauge

from .limits import names

_POOL_TYPES = names()
SIZE = Gauge(
    "vital_connection_pool_size",
    "Connections that the pool may open; workers are added up.",
    {"pool_type": _POOL_TYPES},
    multiprocess="livesum",
)
ACTIVE = Gauge(
    "vital_active_connections",
    "Connections in use; workers are added up.",
    {"pool_type": _POOL_TYPES},
    multiprocess="livesum",
)


def connection_pool(pool_type: str, *, size: int | None = None, active: int | None = None) -> None:
    """Set size and use of a pool; what is left out stays as it was."""
    if size is not None:
        SIZE.set(size, pool_type)
    if active is not None:
        ACTIVE.set(active, pool_type)
