"""Real TLS: a private authority, a wrong name, a client certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import trustme
import uvicorn
from cryptography.hazmat.primitives import serialization
from fastapi import FastAPI, Request
from pydantic import ValidationError

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.http_client import JsonClient
from vectorwatch.serve.http_target import HttpTarget

KEY = "k3y"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture
def tls_server(
    authority: trustme.CA, poll: Callable[..., None], tmp_path: Path
) -> Iterator[Callable[..., int]]:
    """Start a server with a certificate for `name`; with `ca_file` it demands one of the client."""
    ended: list[tuple[uvicorn.Server, threading.Thread]] = []
    app = FastAPI()

    @app.get("/")
    async def answer(request: Request) -> dict[str, str | None]:
        return {"key": request.headers.get("api-key")}

    def start(name: str = "127.0.0.1", demand_of_client: Path | None = None) -> int:
        issued = authority.issue_cert(name)
        file = tmp_path / "server.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(str(file))
        config = uvicorn.Config(
            app,
            log_config=None,
            timeout_graceful_shutdown=1,
            ssl_certfile=file,
            ssl_ca_certs=str(demand_of_client) if demand_of_client else None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if demand_of_client else ssl.CERT_NONE,
        )
        server, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        ended.append((server, thread))
        poll(lambda: server.started, "the TLS server started")
        return int(listener.getsockname()[1])

    yield start
    for server, thread in ended:
        server.should_exit = True
        thread.join(30)


async def get(target: HttpTarget) -> object:
    async with aiohttp.ClientSession() as session:
        return await JsonClient(session, target.url, target.headers(), target.tls()).get("/")


async def reason_of(target: HttpTarget) -> Reason:
    with pytest.raises(TargetError) as caught:
        await get(target)
    return caught.value.reason


async def test_a_private_authority_is_trusted_when_named(
    tls_server: Callable[..., int], ca_file: Path
) -> None:
    url = f"https://127.0.0.1:{tls_server()}"
    assert await get(HttpTarget(url=url, ca_file=ca_file, api_key=KEY)) == {"key": KEY}
    assert await reason_of(HttpTarget(url=url)) is Reason.TLS
    assert await get(HttpTarget(url=url, insecure_skip_verify=True)) == {"key": None}


async def test_a_certificate_for_another_name_is_refused(
    tls_server: Callable[..., int], ca_file: Path
) -> None:
    url = f"https://127.0.0.1:{tls_server('qdrant.example')}"
    assert await reason_of(HttpTarget(url=url, ca_file=ca_file)) is Reason.TLS


async def test_a_client_certificate_is_shown_when_demanded(
    tls_server: Callable[..., int], ca_file: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    url = f"https://127.0.0.1:{tls_server(demand_of_client=ca_file)}"
    issued = authority.issue_cert("exporter@vectorwatch.invalid")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    known = HttpTarget(url=url, ca_file=ca_file, cert_file=certificate, key_file=key)
    assert await get(known) == {"key": None}
    assert await reason_of(HttpTarget(url=url, ca_file=ca_file)) in (Reason.TLS, Reason.CONNECT)


async def test_skipping_the_check_still_shows_the_client_certificate(
    tls_server: Callable[..., int], ca_file: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    url = f"https://127.0.0.1:{tls_server(demand_of_client=ca_file)}"
    file = tmp_path / "client.pem"
    authority.issue_cert("exporter@vectorwatch.invalid").private_key_and_cert_chain_pem.write_to_path(
        str(file)
    )
    target = HttpTarget(url=url, insecure_skip_verify=True, cert_file=file, key_file=file)
    assert await get(target) == {"key": None}


async def test_tls_files_that_are_spoilt_later_are_a_tls_reason(ca_file: Path) -> None:
    target = HttpTarget(url="https://127.0.0.1:1", ca_file=ca_file)
    ca_file.write_text("not a certificate")
    assert await reason_of(target) is Reason.TLS


def test_tls_files_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises(ValidationError, match="`ca_file`: not PEM that can be used"):
        HttpTarget(url="https://127.0.0.1:1", ca_file=file)


def test_an_encrypted_key_is_refused_and_nobody_is_asked(authority: trustme.CA, tmp_path: Path) -> None:
    issued = authority.issue_cert("exporter@vectorwatch.invalid")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    private = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    with pytest.raises(ValidationError, match="`cert_file`: not PEM that can be used, an encrypted key"):
        HttpTarget(url="https://127.0.0.1:1", cert_file=certificate, key_file=key)


async def test_a_rotated_key_takes_effect_and_a_lost_one_is_an_auth_reason(
    tls_server: Callable[..., int], ca_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")
    target = HttpTarget(url=f"https://127.0.0.1:{tls_server()}", ca_file=ca_file, api_key_file=file)
    assert await get(target) == {"key": "first"}
    file.write_text("second\n")
    assert await get(target) == {"key": "second"}
    file.unlink()
    assert await reason_of(target) is Reason.AUTH
