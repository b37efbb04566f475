"""The search over real TLS: the stack's own authority, another one, and a file that is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
import uvicorn

from vectorwatch.errors import Reason, TargetError
from vectorwatch.logs.client import Client
from vectorwatch.logs.search import Findings
from vectorwatch.logs.settings import LogsSettings
from vectorwatch.settings import load


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def url(
    authority: trustme.CA,
    recorded_answers: Callable[[str], dict[str, Any]],
    play: Callable[..., Any],
    poll: Callable[..., None],
    tmp_path: Path,
) -> Iterator[str]:
    """Serve the recorded answers over TLS."""
    certificate = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    app = play(recorded_answers("9.5")).app()
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, ssl_certfile=certificate)
    )
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    poll(lambda: server.started, "the TLS server started")
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


async def search(url: str, ca_file: Path) -> Findings:
    environ = {"VECTORWATCH_LOGS_ELASTICSEARCH_URL": url, "VECTORWATCH_LOGS_CA_FILE": str(ca_file)}
    settings = load(LogsSettings, environ=environ)
    async with aiohttp.ClientSession() as session:
        return await Client(settings, session).arrivals(0, 0, 0)


async def test_the_authority_of_the_file_is_trusted(url: str, authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert (await search(url, tmp_path / "ca.pem")).window.total == 47


async def test_another_authority_is_a_tls_reason(url: str, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with pytest.raises(TargetError) as caught:
        await search(url, tmp_path / "other.pem")
    assert caught.value.reason is Reason.TLS


async def test_a_file_that_is_lost_after_the_start_is_a_tls_reason(
    url: str, authority: trustme.CA, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    environ = {"VECTORWATCH_LOGS_ELASTICSEARCH_URL": url, "VECTORWATCH_LOGS_CA_FILE": str(file)}
    settings = load(LogsSettings, environ=environ)
    file.unlink()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TargetError) as caught:
            await Client(settings, session).arrivals(0, 0, 0)
    assert caught.value.reason is Reason.TLS
