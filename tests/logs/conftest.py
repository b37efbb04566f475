"""What the tests of the log half share: one Ruby process, and whether OpenSearch can be had."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.logs.opensearch.build import OpenSearchError, build
from tests.logs.pipeline.golden import write_names
from tests.logs.pipeline.model import Model, Ruby, find_ruby


@pytest.fixture(scope="session")
def opensearch_is_here() -> None:
    """Leave out what asks a real OpenSearch where it cannot be had; one that does not start is a failure.

    Java and Maven are optional, as Go is: neither PyPI nor Debian has the server.
    """
    try:
        build()
    except OpenSearchError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ruby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruby]:
    """A Ruby that runs the scripts of logstash/ruby/."""
    if not find_ruby():
        sentence = "no `ruby` here, so no script of Logstash runs (Debian: apt-get install ruby)"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with Ruby(write_names(tmp_path_factory.mktemp("container-names"))) as process:
        yield process


@pytest.fixture(scope="session")
def main(ruby: Ruby) -> Model:
    return Model("main", ruby)


@pytest.fixture(scope="session")
def dead_letters(ruby: Ruby) -> Model:
    return Model("dead_letters", ruby)
