"""Elasticsearch's stand-in behind real TLS, and what a set-up run has at hand."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.unit.elastic.elasticsearch_stand_in import ElasticsearchStandIn, serve
from vectorwatch.elastic.connection import Connection
from vectorwatch.elastic.logins import LOGINS

PASSWORD = "first"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def secrets(tmp_path: Path, authority: trustme.CA) -> Path:
    """The volume `elastic_setup_secrets`."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    (folder / "elastic_password").write_text(PASSWORD)
    for login in LOGINS:
        (folder / login.secret).write_text(f"of-{login.user}")
    return folder


@pytest.fixture
def elasticsearch(tls: ssl.SSLContext) -> Iterator[ElasticsearchStandIn]:
    with serve(ElasticsearchStandIn.with_password(PASSWORD), tls) as stand_in:
        yield stand_in


@pytest.fixture
def connection(elasticsearch: ElasticsearchStandIn, secrets: Path) -> Connection:
    return Connection(elasticsearch.url, secrets)
