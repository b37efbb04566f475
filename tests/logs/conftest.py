"""What the tests of the log half share."""

from __future__ import annotations

import pytest

from tests.logs.opensearch.build import OpenSearchError, build


@pytest.fixture(scope="session")
def opensearch_is_here() -> None:
    """Leave out what asks a real OpenSearch where it cannot be had; one that does not start is a failure.

    Java and Maven are optional, as Go is: neither PyPI nor Debian has the server.
    """
    try:
        build()
    except OpenSearchError as error:
        pytest.skip(str(error))
