"""Whether a server lives, asked of real ones and of broken ones."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from vectorwatch.status.ping import ping_http, ping_redis

OK = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (b"200 OK", ""),
        (b"401 Unauthorized", ""),
        (b"302 Found", ""),
        (b"503 Service Unavailable", "HTTP status 503"),
    ],
)
async def test_any_answer_but_an_error_of_its_own_is_life(
    raw_server: Callable[..., int], status: bytes, problem: str
) -> None:
    target = f"127.0.0.1:{raw_server(OK % status)}"
    async with aiohttp.ClientSession() as session:
        check = await ping_http(session, target, "/readyz", 30)
    assert (check.target, check.answers, check.problem) == (target, not problem, problem)


async def test_http_that_fails_says_why(raw_server: Callable[..., int], free_port: Callable[[], int]) -> None:
    cases = {
        f"127.0.0.1:{free_port()}": "no connection",
        f"http://127.0.0.1:{raw_server(b'', hold=True)}": "no answer within 0.5 s",
        f"127.0.0.1:{raw_server(b'+PONG', hold=False)}": "no sensible answer",
        f"https://127.0.0.1:{raw_server(OK % b'200 OK')}": "no TLS there",
    }
    async with aiohttp.ClientSession() as session:
        found = {target: (await ping_http(session, target, "/", 0.5)).problem for target in cases}
    assert found == cases


@pytest.mark.parametrize("flags", [(), ("--requirepass", "secret")])
async def test_a_cache_lives_also_when_it_wants_a_password(
    start_valkey: Callable[..., Any], flags: tuple[str, ...]
) -> None:
    server = start_valkey(*flags)
    assert (await ping_redis(f"127.0.0.1:{server.port}", 30)).answers
    assert (await ping_redis(f"redis://127.0.0.1:{server.port}", 30)).answers


async def test_a_cache_that_speaks_tls_only_is_asked_with_it(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert"))
    server = await _serve_pong(tmp_path)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert (await ping_redis(f"rediss://127.0.0.1:{port}", 30)).answers


async def _serve_pong(folder: Path) -> asyncio.Server:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "cert", folder / "key")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"+PONG\r\n")
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"-LOADING the data set\r\n", "it is still loading its data"),
        (b"HTTP/1.1 400 Bad Request\r\n", "it does not answer PING"),
        (b"", "it does not answer PING"),
        (b"-NOAUTH no\r\n", ""),
    ],
)
async def test_a_cache_that_fails_says_why(
    raw_server: Callable[..., int], content: bytes, problem: str
) -> None:
    assert (await ping_redis(f"127.0.0.1:{raw_server(content)}", 30)).problem == problem


async def test_a_cache_that_hangs_or_is_not_there(
    raw_server: Callable[..., int], free_port: Callable[[], int]
) -> None:
    assert (await ping_redis(f"127.0.0.1:{raw_server(hold=True)}", 0.5)).problem == "no answer within 0.5 s"
    assert (await ping_redis(f"127.0.0.1:{free_port()}", 30)).problem == "no connection"
    assert (await ping_redis("unix:///nowhere.sock", 30)).problem == "no connection"
    tls = await ping_redis(f"rediss://127.0.0.1:{raw_server(b'-ERR no TLS', hold=True)}", 30)
    assert tls.problem == "no TLS there"
