"""What the Logstash pipeline makes of the golden events, on a real server: it takes every document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.logs.opensearch.documents import create
from vectorwatch.elastic.client import Server

GOLDEN = Path(__file__).parents[1] / "golden"

pytestmark = pytest.mark.usefixtures("streams")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_document_of_the_pipeline_is_stored(opensearch: Server, path: Path) -> None:
    for document in json.loads(path.read_text(encoding="utf-8"))["documents"]:
        source = {name: value for name, value in document.items() if name not in ("_index", "_id")}
        (fate,) = create(opensearch, document["_index"], [json.dumps(source)])
        assert (fate.status, fate.reason) == (201, "")
