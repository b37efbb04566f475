"""One real node for all tests of this folder, with our templates as it takes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.logs.opensearch.server import start
from tests.logs.opensearch.shim import translate
from vectorwatch.demo.repository import find_repository
from vectorwatch.elastic.client import Server
from vectorwatch.elastic.definitions import Body, Definitions
from vectorwatch.elastic.retention import Retention


@pytest.fixture(scope="session")
def opensearch(opensearch_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running node, reached as our programs reach Elasticsearch; it has no users and asks for none."""
    with (
        start(tmp_path_factory.mktemp("opensearch")) as node,
        Server("OpenSearch", node.url, user="elastic", password="none") as server,
    ):
        yield server


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """What the set-up sends, in the form that OpenSearch takes."""
    read = Definitions.read(find_repository() / "elasticsearch", Retention.read("14d", "20GB"))

    def shim(bodies: dict[str, Body]) -> dict[str, Body]:
        return {name: translate(body) for name, body in bodies.items()}

    return Definitions(
        shim(dict(read.component_templates)),
        shim(dict(read.index_templates)),
        read.lifecycles,
        read.roles,
        read.mark,
        read.repositories,
    )


@pytest.fixture(scope="session")
def templates(opensearch: Server, definitions: Definitions) -> Definitions:
    """Put the templates; return them."""
    for name, body in definitions.component_templates.items():
        opensearch.put(f"/_component_template/{name}", body)
    for name, body in definitions.index_templates.items():
        opensearch.put(f"/_index_template/{name}", body)
    return definitions


@pytest.fixture
def streams(opensearch: Server, templates: Definitions) -> Iterator[None]:
    """Delete the data streams after a test."""
    yield
    opensearch.delete("/_data_stream/logs-*")
