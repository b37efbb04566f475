from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorwatch.errors import Reason, TargetError
from vectorwatch.qdrant.snapshot import (
    Collection,
    parse_aliases,
    parse_collection,
    parse_collection_cluster,
    parse_consensus,
    parse_issues,
    parse_names,
    parse_version,
)

Routes = Callable[[str], dict[str, Any]]


def collection_of(routes: dict[str, Any], path: str) -> Collection:
    return parse_collection("c", routes[path]["result"])


def test_named_vectors_inherit_and_override(recorded_routes: Routes) -> None:
    mixed = collection_of(recorded_routes("qdrant-1.19-features"), "/collections/mixed")
    title, body, tokens = mixed.vectors
    assert (title.size, title.m, title.ef_construct, title.quantization, title.on_disk) == (
        384,
        32,
        100,
        "scalar",
        True,
    )
    assert (body.m, body.quantization, body.distance) == (16, "binary", "Dot")
    assert tokens.kind == "multivector"


def test_a_sparse_collection_has_no_unindexed_ratio(recorded_routes: Routes) -> None:
    failed = collection_of(recorded_routes("qdrant-1.19-features"), "/collections/failed")
    assert [vector.kind for vector in failed.vectors] == ["sparse"]
    assert failed.unindexed_ratio is None
    assert (failed.points, failed.optimizer_ok, failed.status) == (None, False, "red")


@pytest.mark.parametrize(
    ("points", "indexed", "ratio"),
    [(1801323, 0, 1.0), (1000, 900, 0.1), (1000, 1100, 0.0), (0, 0, 0.0), (None, 5, None), (10, None, None)],
)
def test_the_unindexed_ratio_stays_between_0_and_1(
    recorded_routes: Routes, points: int | None, indexed: int | None, ratio: float | None
) -> None:
    answer = copy.deepcopy(recorded_routes("qdrant-1.15-grey")["/collections/faces"]["result"])
    answer |= {"points_count": points, "indexed_vectors_count": indexed}
    found = parse_collection("faces", answer).unindexed_ratio
    assert found == (None if ratio is None else pytest.approx(ratio))


def test_replicas_of_all_peers_are_counted(recorded_routes: Routes) -> None:
    routes = recorded_routes("qdrant-1.14-cluster")
    cluster = parse_collection_cluster("question", routes["/collections/question/cluster"]["result"])
    assert len(cluster.replicas) == 6
    assert [replica.peer for replica in cluster.replicas if replica.state == "Dead"] == ["434571113528785"]


def test_consensus_reads_the_doubled_key_and_nanoseconds(recorded_routes: Routes) -> None:
    consensus = parse_consensus(recorded_routes("qdrant-1.14-cluster")["/cluster"]["result"])
    assert consensus is not None
    assert (consensus.state, consensus.role, consensus.peers) == ("working", "Follower", 3)
    assert consensus.last_update == pytest.approx(1707753233.509658, abs=1e-3)
    assert consensus.send_failures == {"http://qdrant-2.qdrant-headless:6335/": 12}


def test_issues_of_unknown_kind_are_other() -> None:
    counts = parse_issues({"issues": [{"id": "UNINDEXED_FIELD/a/b"}, {"id": "NEW_KIND/x"}]})
    assert counts == {"unindexed_field": 1, "too_many_collections": 0, "other": 1}


@pytest.mark.parametrize("value", ["many", -1, 1.5, True, 2**64, [1]])
def test_a_count_that_is_none_is_refused(recorded_routes: Routes, value: object) -> None:
    answer = copy.deepcopy(recorded_routes("qdrant-1.15-grey")["/collections/faces"]["result"])
    answer["points_count"] = value
    with pytest.raises(TargetError) as caught:
        parse_collection("faces", answer)
    assert caught.value.reason is Reason.DECODE


def test_an_error_text_never_becomes_a_status(recorded_routes: Routes) -> None:
    answer = copy.deepcopy(recorded_routes("qdrant-1.15-grey")["/collections/faces"]["result"])
    answer["status"] = "Service internal error: disk is full"
    assert parse_collection("faces", answer).status == "other"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
MIXED = json.loads((Path(__file__).parent / "fixtures/qdrant-1.19-features/routes.json").read_text())[
    "/collections/mixed"
]["result"]


def result_or_reason(parse: Callable[[], Any]) -> Any:
    """Return what `parse` returns, or the reason of its TargetError; nothing else may leave it."""
    try:
        return parse()
    except TargetError as error:
        return error.reason


PARSERS: list[Callable[[Any], object]] = [
    parse_version,
    parse_names,
    parse_aliases,
    parse_issues,
    parse_consensus,
    lambda raw: parse_collection("c", raw),
    lambda raw: parse_collection_cluster("c", raw),
]


@pytest.mark.parametrize("parse", PARSERS)
@given(raw=JSON)
@settings(max_examples=100)
def test_any_json_parses_or_is_a_decode_error(parse: Callable[[Any], object], raw: Any) -> None:
    found = result_or_reason(lambda: parse(raw))
    assert not isinstance(found, Reason) or found is Reason.DECODE


@given(data=st.data())
@settings(max_examples=300)
def test_a_spoilt_collection_parses_or_is_a_decode_error(data: st.DataObject) -> None:
    """Replace one value anywhere in a whole answer by anything."""
    answer = copy.deepcopy(MIXED)
    spoilt = data.draw(JSON)
    node: Any = answer
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        if isinstance(node[key], dict) and node[key] and data.draw(st.booleans()):
            node = node[key]
        else:
            node[key] = spoilt
            break
    found = result_or_reason(lambda: parse_collection("mixed", answer).unindexed_ratio)
    assert found in (None, Reason.DECODE) or 0 <= found <= 1
