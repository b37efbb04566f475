"""A DNS server that never answers holds up what it was asked for and nothing else."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import aiodns
import aiohttp
import pytest

from vectorwatch.errors import TargetError
from vectorwatch.serve.http_client import JsonClient
from vectorwatch.serve.names import resolve

HANGING_NAMES = 40
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def silent_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every resolver ask a UDP port that is open and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        original = aiodns.DNSResolver.__init__

        def ask_the_silent_one(self: aiodns.DNSResolver, *_: object, **__: object) -> None:
            original(self, nameservers=["127.0.0.1"], udp_port=port, timeout=60, tries=1)

        monkeypatch.setattr(aiodns.DNSResolver, "__init__", ask_the_silent_one)
        yield


async def hang_many(ask: Callable[[str], Awaitable[object]]) -> list[asyncio.Task[object]]:
    tasks = [
        asyncio.create_task(asyncio.wait_for(ask(f"h{number}.example.org"), 120))
        for number in range(HANGING_NAMES)
    ]
    await asyncio.sleep(0.1)  # not a wait for readiness: by now they would have filled any pool of threads
    assert not any(task.done() for task in tasks)
    return tasks


async def cancel(tasks: list[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_http_targets_that_can_be_reached_do_not_wait(
    silent_dns: None, raw_server: Callable[..., int]
) -> None:
    async with aiohttp.ClientSession() as session:

        def ask(host: str, port: int = 6333) -> Awaitable[object]:
            return JsonClient(session, f"http://{host}:{port}").get("/")

        hanging = await hang_many(ask)
        assert await asyncio.wait_for(ask("127.0.0.1", raw_server(ANSWER)), 30) == {}
        started = time.monotonic()
        await cancel(hanging)
        assert time.monotonic() - started < 20


async def test_an_address_is_not_asked_for(silent_dns: None) -> None:
    hanging = await hang_many(lambda host: resolve(host, 6379))
    assert await asyncio.wait_for(resolve("127.0.0.1", 6379), 30) == ["127.0.0.1"]
    assert await asyncio.wait_for(resolve("::1", 6379), 30) == ["::1"]
    await cancel(hanging)


async def test_the_hosts_file_is_read() -> None:
    assert set(await resolve("localhost", 6379)) & {"127.0.0.1", "::1"}


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(OSError, match=r"."):
        await resolve("no.such.host.invalid", 6379)


async def test_a_name_that_nobody_knows_is_a_connect_reason() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TargetError) as caught:
            await JsonClient(session, "http://no.such.host.invalid:6333").get("/")
    assert caught.value.reason.value == "connect"
