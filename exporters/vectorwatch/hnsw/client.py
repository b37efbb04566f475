"""The requests that the probe makes: they read, and each is paid for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient, StatusError
from vectorwatch.serve.span import Attribute, describe_server, open_span

from .answer import SearchAnswer, parse_count, parse_names, parse_scores, parse_vectors, server_seconds
from .budget import Clock
from .index import Index, parse_index
from .recall import PointId
from .settings import Ef
from .subject import Subject

_NOT_FOUND = 404


class Mode(StrEnum):
    """What a request was for."""

    ANN = "ann"
    EXACT = "exact"
    CHECK = "check"
    SAMPLE = "sample"
    STATE = "state"


Charge = Callable[[Mode, float], None]
"""Books a request and the engine's seconds that it took."""


@dataclass(frozen=True)
class SearchClient:
    """One Qdrant server. Every method raises TargetError."""

    http: JsonClient
    timeout_seconds: float
    clock: Clock
    charge: Charge

    async def names(self) -> list[str]:
        """Return the names of all collections, sorted."""
        document, _ = await self._ask(Mode.STATE, "GET", "/collections")
        return parse_names(document)

    async def index(self, collection: str) -> Index | None:
        """Return the state of a collection or alias, None when there is none of that name."""
        try:
            document, _ = await self._ask(Mode.STATE, "GET", _path(collection))
        except StatusError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return parse_index(document)

    async def matching(self, subject: Subject) -> int | None:
        """Return about how many points pass the subject's filter, None without a filter."""
        if subject.filter is None:
            return None
        body = {"filter": subject.filter, "exact": False}
        document, _ = await self._ask(Mode.STATE, "POST", f"{_path(subject.collection)}/points/count", body)
        return parse_count(document)

    async def sample(self, subject: Subject, limit: int) -> list[list[float]]:
        """Return up to `limit` stored vectors, drawn at random among what passes the filter."""
        name = subject.vector.name
        body = {"query": {"sample": "random"}, "limit": limit, "with_payload": False}
        body |= {"with_vector": [name] if name else True} | _filter(subject.filter)
        document, _ = await self._query(Mode.SAMPLE, subject, body)
        return parse_vectors(document, name, subject.vector.size)

    async def search(self, subject: Subject, vector: Sequence[float], ef: Ef, k: int) -> SearchAnswer:
        """Search through the graph."""
        params: dict[str, Any] = {} if ef == "default" else {"hnsw_ef": ef}
        if subject.quantization:
            params["quantization"] = subject.quantization
        return await self._search(Mode.ANN, subject, vector, k, params, subject.filter)

    async def search_exactly(self, subject: Subject, vector: Sequence[float]) -> SearchAnswer:
        """Compare `vector` with every point."""
        return await self._search(
            Mode.EXACT, subject, vector, subject.largest_k, {"exact": True}, subject.filter
        )

    async def score(self, subject: Subject, vector: Sequence[float], ids: list[PointId]) -> SearchAnswer:
        """Return the present true scores of `ids`, without those that are gone or filtered out."""
        conditions: list[Mapping[str, Any]] = [{"has_id": ids}]
        if subject.filter is not None:
            conditions.append(subject.filter)
        return await self._search(
            Mode.CHECK, subject, vector, len(ids), {"exact": True}, {"must": conditions}
        )

    async def _search(
        self,
        mode: Mode,
        subject: Subject,
        vector: Sequence[float],
        limit: int,
        params: Mapping[str, Any],
        conditions: Mapping[str, Any] | None,
    ) -> SearchAnswer:
        body: dict[str, Any] = {"query": list(vector), "limit": limit, "with_payload": False}
        if subject.vector.name:
            body["using"] = subject.vector.name
        body |= ({"params": params} if params else {}) | _filter(conditions)
        with open_span(
            f"search {subject.collection}", self._describe(mode, subject, limit, params), is_client=True
        ):
            document, seconds = await self._query(mode, subject, body)
            return SearchAnswer(parse_scores(document), seconds)

    def _describe(
        self, mode: Mode, subject: Subject, k: int, params: Mapping[str, Any]
    ) -> dict[str, Attribute]:
        """Return what a span says of a search, as OpenTelemetry's conventions for databases name it."""
        ef = params.get("hnsw_ef", "default")
        return {
            "db.system.name": "qdrant",
            "db.operation.name": "search",
            "db.collection.name": subject.collection,
            "vectorwatch.search.mode": mode.value,
            "vectorwatch.search.k": k,
            **describe_server(self.http.base_url),
            **({"vectorwatch.search.ef": ef} if mode is Mode.ANN else {}),
        }

    async def _query(self, mode: Mode, subject: Subject, body: Mapping[str, Any]) -> tuple[Any, float]:
        # The server gives up when we do; it takes whole seconds only.
        timeout = math.ceil(self.timeout_seconds)
        path = f"{_path(subject.collection)}/points/query?timeout={timeout}"
        return await self._ask(mode, "POST", path, body)

    async def _ask(
        self, mode: Mode, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[Any, float]:
        """Return the decoded answer and the seconds until it was here; charge it even when it fails."""
        document = None
        started = self.clock()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                document = await self.http.request(method, path, body)
        except TimeoutError as error:
            text = f"{path}: no complete answer within {self.timeout_seconds:g} s"
            raise TargetError(Reason.TIMEOUT, text) from error
        finally:
            elapsed = max(0.0, self.clock() - started)
            # A server cannot have worked longer than we waited, whatever it says.
            self.charge(mode, min(server_seconds(document) or elapsed, elapsed))
        return document, elapsed


def _path(collection: str) -> str:
    return f"/collections/{quote(collection, safe='')}"


def _filter(conditions: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if conditions is None else {"filter": conditions}
