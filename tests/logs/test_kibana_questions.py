"""A real OpenSearch node answers what each panel and saved search of Kibana asks, and no answer is empty.

What Kibana itself would ask is played by `tests/kibana/asking.py`; what OpenSearch lacks of Elasticsearch
stands in `opensearch/shim.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kibana.asking import ask, find_empty
from tests.kibana.examples import list_examples
from tests.kibana.kql import parse, to_query
from tests.kibana.objects import Lens, read_boards, read_lenses
from vectorwatch.elastic.saved_objects.boards import BOARDS
from vectorwatch.elastic.saved_objects.search import ERRORS, SEARCHES, Search

from .opensearch.server import start
from .opensearch.templates import put_templates

VIEWS = {board.id: board.view.pattern for board in BOARDS}
PANELS = [(VIEWS[board["id"]], board["id"], lens) for board in read_boards() for lens in read_lenses(board)]


@pytest.fixture(scope="module")
def node(opensearch_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A node that holds the examples."""
    with (
        start(tmp_path_factory.mktemp("opensearch")) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        put_templates(client)
        _fill(client)
        yield client


def _fill(client: httpx.Client) -> None:
    now = datetime.now(UTC).isoformat()
    for number, (dataset, document) in enumerate(list_examples(now)):
        stored = client.post(f"/logs-{dataset}-default/_create/{number}?refresh=true", json=document)
        assert stored.status_code == 201, stored.text


def _search(node: httpx.Client, pattern: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = node.post(f"/{pattern}/_search", json=body)
    assert answer.is_success, answer.text
    found: Mapping[str, Any] = answer.json()
    assert found["_shards"]["failed"] == 0, answer.text
    return found


@pytest.mark.parametrize(
    ("pattern", "lens"),
    [pytest.param(pattern, lens, id=f"{board}-{lens.name}") for pattern, board, lens in PANELS],
)
def test_a_panel_shows_something_in_each_column(node: httpx.Client, pattern: str, lens: Lens) -> None:
    assert find_empty(lens, _search(node, pattern, ask(lens))) == []


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.id)
def test_a_search_finds_something_in_its_order(node: httpx.Client, search: Search) -> None:
    field, direction = search.order
    body = {
        "query": to_query(parse(search.query)),
        "sort": [{field: {"order": direction, "unmapped_type": "boolean"}}],  # as Discover asks
        "size": 500,
    }
    found = _search(node, search.view.pattern, body)["hits"]["hits"]
    assert found
    shown = {name for hit in found for name in search.columns if _has(hit["_source"], name)}
    assert shown == set(search.columns)


def _has(document: Mapping[str, Any], name: str) -> bool:
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is not None


def test_a_column_without_a_value_is_found(node: httpx.Client) -> None:
    _, _, lens = next(panel for panel in PANELS if panel[2].kind == "lnsDatatable")
    nothing = Lens(lens.name, lens.kind, lens.columns, lens.order, lens.visualization, "service.name: nobody")
    assert find_empty(nothing, _search(node, "logs-*", ask(nothing))) == list(lens.order)


def test_alerts_and_dead_letters_are_no_errors_of_a_service(node: httpx.Client) -> None:
    found = _search(node, "logs-*", {"query": to_query(parse(ERRORS))})["hits"]["hits"]
    datasets = sorted(hit["_source"]["data_stream"]["dataset"] for hit in found)
    assert datasets == ["application", "container"]


def test_every_example_is_stored_in_its_stream(node: httpx.Client, tmp_path: Path) -> None:
    body = {"size": 0, "aggs": {"streams": {"terms": {"field": "data_stream.dataset", "size": 10}}}}
    buckets = _search(node, "logs-*", body)["aggregations"]["streams"]["buckets"]
    datasets = [dataset for dataset, _ in list_examples("2026-01-01T00:00:00Z")]
    assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == {
        dataset: datasets.count(dataset) for dataset in datasets
    }
