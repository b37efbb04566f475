"""Whatever JSON comes, the readers return the engine's objects or refuse; nothing else leaves them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vectorwatch.demo.engine.configuration import complete_configuration, patch_configuration
from vectorwatch.demo.engine.engine_config import build_engine_config
from vectorwatch.demo.engine.errors import Refusal
from vectorwatch.demo.engine.fields import Fields, parse_json
from vectorwatch.demo.engine.filters import count_conditions, read_filter
from vectorwatch.demo.engine.payload_index import read_index
from vectorwatch.demo.engine.points import read_points
from vectorwatch.demo.engine.queries import QueryReader, modernize_search, read_scroll

WORDS = re.findall(
    r"\w+",
    """
    query nearest using filter must should must_not min_should conditions min_count key
    match value any except text range gte lt params hnsw_ef exact quantization oversampling
    acorn limit offset with_payload with_vector include exclude prefetch fusion rrf k
    weights sample order_by direction start_from points batch ids id vector vectors payloads
    payload indices values nested has_id is_empty geo_radius center lon lat radius type
    keyword size distance Dot hnsw_config m optimizers_config indexing_threshold
    quantization_config scalar product compression x16 turbo bits strict_mode_config enabled
    sparse_vectors index modifier multivector_config
    """,
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=4)
    | st.just([1.0, 0.0])
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
CONFIGURATION = complete_configuration(Fields({"vectors": {"size": 2, "distance": "Dot"}}))


@given(ANY_JSON)
@settings(max_examples=400, deadline=None)
def test_readers_return_or_refuse(value: Any) -> None:
    with suppress(Refusal):
        read_filter(value)
    with suppress(Refusal):
        read_index(value)
    assert count_conditions(value) >= 0
    with suppress(Refusal):
        body = Fields(value)
        for read in (_read_query, _read_search, read_scroll, _read_points, _build, _patch):
            with suppress(Refusal):
                read(body)


@given(st.sampled_from(["query", "filter", "params", "prefetch", "with_payload", "order_by"]), ANY_JSON)
@settings(max_examples=400, deadline=None)
def test_one_odd_field_in_a_search_is_read_or_refused(name: str, value: Any) -> None:
    body = Fields({"query": [1.0, 0.0], "limit": 3, name: value})
    for read in (_read_query, read_scroll):
        with suppress(Refusal):
            read(body)


@given(st.binary(max_size=40))
def test_bytes_are_json_or_refused(body: bytes) -> None:
    with suppress(Refusal):
        parse_json(body)


def _read_query(body: Fields) -> object:
    return QueryReader(CONFIGURATION, lambda _id, _name: [1.0, 0.0]).read_query(body)


def _read_search(body: Fields) -> object:
    return _read_query(modernize_search(body))


def _read_points(body: Fields) -> object:
    return read_points(body, CONFIGURATION)


def _build(body: Fields) -> object:
    return build_engine_config(complete_configuration(body))


def _patch(body: Fields) -> object:
    return build_engine_config(patch_configuration(CONFIGURATION, body))
