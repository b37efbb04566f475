"""Everything that requests share: the collections, the key, the counters, and when and as what we started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import uuid4

from vectorwatch.demo.engine.catalogue import Catalogue
from vectorwatch.demo.engine.traffic import Traffic

REPORTED_VERSION = "1.19.0"
"""The server whose REST answers we follow; clients decide by it what they may ask."""


@dataclass(frozen=True)
class Node:
    catalogue: Catalogue
    api_key: str | None = field(default=None, repr=False)
    traffic: Traffic = field(default_factory=Traffic)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    identity: str = field(default_factory=lambda: str(uuid4()))

    @property
    def peer_id(self) -> int:
        """Return a number as Qdrant gives each node."""
        return int(self.identity[:8], 16)


def describe_version() -> dict[str, str]:
    """Return the answer to `GET /`: the version that clients need, and words that tell what this is."""
    engine = version("qdrant-edge-py")
    return {
        "title": "qdrant - vector search engine (embedded stand-in of Vectorwatch, not a Qdrant server)",
        "version": REPORTED_VERSION,
        "commit": f"stand-in-qdrant-edge-py-{engine}",
    }
