"""The expectations file: servers, their collections and aliases. An unknown key is an error with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.http_target import HttpTarget, check_http_url
from vectorwatch.settings import Section, Settings, load

Distance = Literal["Cosine", "Dot", "Euclid", "Manhattan"]
IndexType = Literal["bool", "datetime", "float", "geo", "integer", "keyword", "text", "uuid"]
Status = Literal["green", "yellow", "grey", "red"]


class Likeness(Section):
    """As many points as another collection, which need not be expected itself."""

    server: str | None = Field(None, description="Name in this file; without one the same server.")
    collection: str | None = Field(None, description="Without one the collection of the same name.")
    within_percent: float = Field(1.0, ge=0, le=100, description="How far apart, of the larger number.")

    @model_validator(mode="after")
    def _check_other(self) -> Likeness:
        if self.server is None and self.collection is None:
            raise ValueError("name a `server`, a `collection` or both to compare with")
        return self


class Points(Section):
    """How many points, counted exactly."""

    min: int | None = Field(None, ge=0)
    max: int | None = Field(None, ge=0)
    like: Likeness | None = None

    @model_validator(mode="after")
    def _check_range(self) -> Points:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}; no number fits")
        return self


class Vector(Section):
    """A dense vector."""

    size: int = Field(ge=1)
    distance: Distance


class CollectionExpectation(Section):
    """What is expected of one collection; what is left out is not checked, but for `status`."""

    status: list[Status] = Field(["green"], min_length=1, description="Any of these is well.")
    points: Points | None = None
    vector: Vector | None = Field(None, description="The vector without a name.")
    vectors: dict[str, Vector] = Field({}, description="Vectors by name.")
    sparse_vectors: list[str] = Field([], description="Names.")
    payload_indexes: dict[str, IndexType] = Field({}, description="Type by payload field.")
    replication_factor: int | None = Field(None, ge=1)
    indexed_min_percent: float | None = Field(None, ge=0, le=100, description="Vectors in the index.")
    counts_within_percent: float = Field(
        5.0, ge=0, le=100, description="How far Qdrant's own counts, which are approximate, may be apart."
    )

    @property
    def all_vectors(self) -> dict[str, Vector]:
        """Return dense vectors by name; the one without a name is ``""``, as in Qdrant."""
        return {**({"": self.vector} if self.vector else {}), **self.vectors}


class ServerExpectation(HttpTarget):
    """A server, how it is reached, and what is expected of it."""

    peers: list[str] = Field([], description="Base URLs of the other nodes of its cluster.")
    collections: dict[str, CollectionExpectation] = Field({}, description="By name; no aliases.")
    aliases: dict[str, str] = Field({}, description="Collection by alias.")

    @model_validator(mode="after")
    def _check_peers(self) -> ServerExpectation:
        for peer in self.peers:
            check_http_url(peer)
        return self


class Expectations(Settings):
    """The file. It has no environment: what is expected stands in one place."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_VERIFY_")

    servers: dict[str, ServerExpectation] = Field({}, description="By a name that you choose.")

    @model_validator(mode="after")
    def _check_servers(self) -> Expectations:
        if not self.servers:
            raise ValueError("no `servers`; `vectorwatch verify --write` shows a file")
        if problem := next(self._find_strangers(), None):
            raise ValueError(problem)
        return self

    def _find_strangers(self) -> Iterator[str]:
        for server, expected in self.servers.items():
            for name, collection in expected.collections.items():
                like = collection.points.like if collection.points else None
                if like is None:
                    continue
                where = f"`servers.{server}.collections.{name}.points.like`"
                if like.server is not None and like.server not in self.servers:
                    yield f"{where}: no server `{like.server}`; there are {', '.join(self.servers)}"
                if (like.server or server, like.collection or name) == (server, name):
                    yield f"{where}: that is the collection itself; name another"


def read_expectations(path: Path) -> Expectations:
    """Return what the file expects. Raises ConfigError with every mistake."""
    return load(Expectations, config_file=path, environ={})
