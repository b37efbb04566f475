"""Searches: Qdrant's JSON to the engine's requests.

Offered: nearest by vector or by id, MMR, fusion of prefetches, order_by, a random sample, and no query at
all. Refused with 400: recommend, discover, context, formula, feedback, groups, inference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import qdrant_edge as edge

from vectorwatch.demo.engine.errors import BadBody, BadRequest, WrongInput, from_engine
from vectorwatch.demo.engine.fields import Fields, require
from vectorwatch.demo.engine.filters import PointId, read_filter, read_point_id
from vectorwatch.demo.engine.points import VectorReader, read_content_selection

DEFAULT_LIMIT = 10
"""Qdrant's, for queries, prefetches and scrolls without `limit`."""

FetchVector = Callable[[PointId, str], Any]
"""Returns the stored vector of a point id and a vector name, ready for the engine; raises NotFound."""


@dataclass
class QueryReader:
    """Reads the queries of one request."""

    configuration: Mapping[str, Any]
    fetch_vector: FetchVector
    _excluded: list[PointId] = field(default_factory=list)

    @from_engine
    def read_query(self, body: Fields) -> edge.QueryRequest:
        """Return the engine's request for `POST points/query`."""
        query = self._read_scoring(body)
        payload, vector = read_content_selection(body, payload=False)
        return edge.QueryRequest(
            limit=read_limit(body),
            offset=body.integer("offset"),
            query=query,
            prefetches=self._read_prefetches(body),
            with_vector=vector,
            with_payload=payload,
            filter=self._exclude_queried_points(read_filter(body.any("filter"))),
            score_threshold=body.number("score_threshold"),
            params=read_search_params(body),
        )

    def _read_prefetches(self, body: Fields) -> list[edge.Prefetch] | None:
        written = body.one_or_many("prefetch")
        return [self._read_prefetch(Fields(one, "prefetch")) for one in written] if written else None

    def _read_prefetch(self, body: Fields) -> edge.Prefetch:
        return edge.Prefetch(
            limit=read_limit(body),
            query=self._read_scoring(body),
            prefetches=self._read_prefetches(body),
            params=read_search_params(body),
            filter=read_filter(body.any("filter")),
            score_threshold=body.number("score_threshold"),
        )

    def _read_scoring(self, body: Fields) -> Any:
        written = body.any("query")
        using = body.text("using") or ""
        if written is None:
            return None
        if not isinstance(written, dict) or "indices" in written:
            return edge.Query.Nearest(self._read_vector(written, using), using=using)
        fields = Fields(written, "query")
        for name, read in _SCORINGS.items():
            if name in fields:
                return read(fields)
        if "nearest" in fields:
            return self._read_nearest(fields, using)
        raise BadRequest(
            f"query: {', '.join(written) or 'an empty object'} is not offered by the embedded engine"
        )

    def _read_nearest(self, fields: Fields, using: str) -> Any:
        vector = self._read_vector(fields.any("nearest"), using)
        mmr = fields.fields("mmr")
        if mmr is None:
            return edge.Query.Nearest(vector, using=using)
        diversity = mmr.number("diversity")
        candidates = mmr.integer("candidates_limit", minimum=1) or DEFAULT_LIMIT * 10
        # Qdrant's `diversity` is the share that relevance loses: lambda = 1 - diversity, 0.5 by default.
        return edge.Mmr(vector, 1.0 - (0.5 if diversity is None else diversity), candidates, using=using)

    def _read_vector(self, written: Any, using: str) -> Any:
        if isinstance(written, int | str):
            point_id = read_point_id(written)
            self._excluded.append(point_id)
            return self.fetch_vector(point_id, using)
        return VectorReader(self.configuration).read(written, using)

    def _exclude_queried_points(self, wanted: edge.Filter | None) -> edge.Filter | None:
        # A point searched for by its id would always find itself first; Qdrant leaves it out as well.
        if not self._excluded:
            return wanted
        must: list[Any] = [] if wanted is None else [wanted]
        return edge.Filter(must=must, must_not=[edge.HasIdCondition(set(self._excluded))])


@from_engine
def read_scroll(body: Fields) -> edge.ScrollRequest:
    """Return the engine's request for `POST points/scroll`."""
    payload, vector = read_content_selection(body, payload=True)
    offset = body.any("offset")
    return edge.ScrollRequest(
        offset=None if offset is None else read_point_id(offset),
        limit=read_limit(body),
        filter=read_filter(body.any("filter")),
        with_payload=payload,
        with_vector=vector,
        order_by=_read_order(body) if "order_by" in body else None,
    )


def read_limit(body: Fields) -> int:
    """Return `limit`, at least 1."""
    return body.integer("limit", minimum=1) or DEFAULT_LIMIT


def read_search_params(body: Fields) -> edge.SearchParams | None:
    """Return the engine's search parameters, None without `params`."""
    params = body.fields("params")
    if params is None:
        return None
    quantization, acorn = params.fields("quantization"), params.fields("acorn")
    return edge.SearchParams(
        hnsw_ef=params.integer("hnsw_ef"),
        exact=params.flag("exact") or False,
        quantization=None if quantization is None else _read_quantization(quantization),
        indexed_only=params.flag("indexed_only") or False,
        acorn=None
        if acorn is None
        else edge.AcornSearchParams(acorn.flag("enable") or False, acorn.number("max_selectivity")),
    )


def modernize_search(body: Fields) -> Fields:
    """Return the body of `points/query` that asks the same as the body of the older `points/search`."""
    vector = require(body.any("vector"), "vector")
    query: dict[str, Any] = {key: value for key, value in body.raw.items() if key != "vector"}
    if isinstance(vector, dict):
        named = Fields(vector, "vector")
        return Fields(query | {"query": require(named.any("vector"), "vector"), "using": named.text("name")})
    return Fields(query | {"query": vector})


def _read_quantization(fields: Fields) -> edge.QuantizationSearchParams:
    return edge.QuantizationSearchParams(
        ignore=fields.flag("ignore") or False,
        rescore=fields.flag("rescore"),
        oversampling=fields.number("oversampling"),
    )


def _read_order(fields: Fields) -> edge.OrderBy:
    written = fields.any("order_by")
    if isinstance(written, str):
        return edge.OrderBy(key=written)
    order = Fields(written, "order_by")
    direction = (order.text("direction") or "asc").capitalize()
    if direction not in ("Asc", "Desc"):
        raise BadBody(f"order_by.direction: unknown variant `{direction.lower()}`, expected `asc` or `desc`")
    return edge.OrderBy(
        key=require(order.text("key"), "key"),
        direction=getattr(edge.Direction, direction),
        start_from=order.any("start_from"),
    )


def _read_fusion(fields: Fields) -> Any:
    kind = fields.text("fusion")
    if kind not in ("rrf", "dbsf"):
        raise BadBody(f"unknown variant `{kind}`, expected `rrf` or `dbsf`")
    return edge.Fusion.Rrf(k=2) if kind == "rrf" else edge.Fusion.Dbsf()


def _read_rrf(fields: Fields) -> Any:
    rrf = require(fields.fields("rrf"), "rrf")
    return edge.Fusion.Rrf(k=rrf.integer("k", minimum=1) or 2, weights=rrf.array("weights"))


def _read_sample(fields: Fields) -> Any:
    if fields.text("sample") != "random":
        raise WrongInput("sample: expected `random`")
    return edge.Sample.Random


_SCORINGS: dict[str, Callable[[Fields], Any]] = {
    "order_by": _read_order,
    "fusion": _read_fusion,
    "rrf": _read_rrf,
    "sample": _read_sample,
}
