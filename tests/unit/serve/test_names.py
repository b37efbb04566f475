"""A DNS server that never answers holds up what it was asked for and nothing else."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import aiodns
import aiohttp
import pytest

from vectorwatch.errors import TargetError
from vectorwatch.serve.http_client import JsonClient
from vectorwatch.serve.names import FreshNames, resolve

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


class MovingServer(asyncio.DatagramProtocol):
    """Says of every name that it is at `address`, for the ten minutes that Docker's DNS server says."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        is_ipv4 = data[end - 4 : end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1" + (600).to_bytes(4) + b"\0\4" + socket.inet_aton(self.address)
        head = data[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_ipv4 else b"\0\0") + b"\0\0\0\0"
        assert self._transport is not None
        self._transport.sendto(head + data[12:end] + (answer if is_ipv4 else b""), addr)


async def test_a_container_that_comes_back_elsewhere_is_found_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = MovingServer("10.1.1.1")
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", 0)
    )
    original = aiodns.DNSResolver.__init__

    def ask_it(self: aiodns.DNSResolver, *_: object, **__: object) -> None:
        original(self, nameservers=["127.0.0.1"], udp_port=server.port)

    monkeypatch.setattr(aiodns.DNSResolver, "__init__", ask_it)
    names = FreshNames()
    try:
        before = await names.resolve("qdrant.test", 6333)
        server.address = "10.1.1.2"
        after = await names.resolve("qdrant.test", 6333)
    finally:
        transport.close()
    assert [(one["host"], one["port"]) for one in (*before, *after)] == [
        ("10.1.1.1", 6333),
        ("10.1.1.2", 6333),
    ]


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(OSError, match=r"."):
        await resolve("no.such.host.invalid", 6379)


async def test_a_name_that_nobody_knows_is_a_connect_reason() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TargetError) as caught:
            await JsonClient(session, "http://no.such.host.invalid:6333").get("/")
    assert caught.value.reason.value == "connect"
