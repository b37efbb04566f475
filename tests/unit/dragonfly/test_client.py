"""The client alone, against players on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from vectorwatch.dragonfly.client import Client
from vectorwatch.dragonfly.target import RedisTarget
from vectorwatch.errors import Reason, TargetError

from .stand_in import Player, answers, bulk

INFO = bulk("# Server\r\nredis_version:7.4.0\r\n")
Play = Callable[..., Player]


@asynccontextmanager
async def client_of(port: int, *, slowlog: bool = True, **settings: object) -> AsyncIterator[Client]:
    url = {"url": f"redis://127.0.0.1:{port}"}
    client = Client(RedisTarget.model_validate(url | settings), slowlog=slowlog)
    try:
        yield client
    finally:
        client.close()
        await asyncio.sleep(0)  # lets the closed transport say so before the loop ends


async def test_a_scrape_is_one_write_on_a_kept_connection(play: Play) -> None:
    player = play(answers(INFO))
    async with client_of(player.port) as client:
        for _ in range(3):
            answer = await client.read()
            assert answer.ping_seconds is not None
            assert 0 < answer.ping_seconds < 60
    assert player.received == ["PING", "INFO ALL", "SLOWLOG LEN", "SLOWLOG GET 1"] * 3
    assert player.connections == 1


async def test_without_slowlog_it_is_not_asked_for(play: Play) -> None:
    player = play(answers(INFO))
    async with client_of(player.port, slowlog=False) as client:
        assert (await client.read()).slowlog is None
    assert player.received == ["PING", "INFO ALL"]


async def test_a_connection_that_was_closed_meanwhile_is_opened_again(play: Play) -> None:
    player = play(answers(INFO), exchanges=1)
    async with client_of(player.port) as client:
        for _ in range(3):
            await client.read()
    assert player.connections == 3


async def test_scrapes_at_once_do_not_share_a_connection(play: Play) -> None:
    player = play(answers(INFO))
    async with client_of(player.port) as client:
        read = await asyncio.gather(*(client.read() for _ in range(5)))
        assert {answer.info for answer in read} == {"# Server\r\nredis_version:7.4.0\r\n"}
        await client.read()
    assert player.connections == 5


async def test_a_cancelled_scrape_leaves_no_answer_to_the_next(play: Play) -> None:
    player = play(answers(INFO, PING=b""))
    async with client_of(player.port) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.read()
        player.table["PING"] = b"+PONG\r\n"
        assert (await client.read()).problem is None
    assert player.connections == 2


async def test_the_password_is_sent_once_a_connection_and_read_again_after_a_refusal(
    play: Play, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    player = play(answers(INFO, AUTH=b"-WRONGPASS no\r\n") | {"AUTH mon second": b"+OK\r\n"})
    async with client_of(player.port, username="mon", password_file=str(file)) as client:
        with pytest.raises(TargetError) as caught:
            await client.read()
        assert caught.value.reason is Reason.AUTH
        file.write_text("second\n")
        await client.read()
        await client.read()
    assert [command for command in player.received if command.startswith("AUTH")] == [
        "AUTH mon first",
        "AUTH mon second",
    ]


async def test_a_password_alone_is_the_default_user_s(play: Play) -> None:
    player = play(answers(INFO, AUTH=b"+OK\r\n"))
    async with client_of(player.port, password="pw") as client:
        await client.read()
    assert player.received[0] == "AUTH pw"


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (b"-DENIED Redis is running in protected mode\r\n", Reason.AUTH),
        (b"-ERR max number of clients reached\r\n", Reason.CONNECT),
        (b"-LOADING Redis is loading\r\n", Reason.LOADING),
        (b"+PONG\r\n", Reason.DECODE),
        (b"+PONG\r\n$500\r\n# Server\r\n", Reason.DECODE),
        (b"+PONG\r\n" * 5, Reason.DECODE),
        (b"", Reason.CONNECT),
    ],
    ids=["protected mode", "full", "loading", "half", "cut bulk", "too many", "nothing"],
)
async def test_a_server_that_hangs_up_early_says_why(
    raw_server: Callable[..., int], replies: bytes, reason: Reason
) -> None:
    async with client_of(raw_server(replies)) as client:
        with pytest.raises(TargetError) as caught:
            await client.read()
    assert caught.value.reason is reason


async def test_bytes_that_nobody_asked_for_end_the_connection(play: Play) -> None:
    player = play(answers(INFO) | {"SLOWLOG GET 1": b"*0\r\n+STALE\r\n"})
    async with client_of(player.port) as client:
        with pytest.raises(TargetError) as caught:
            await client.read()
        assert caught.value.reason is Reason.DECODE
        player.table["SLOWLOG GET 1"] = b"*0\r\n"
        await client.read()
    assert player.connections == 2


async def test_an_answer_in_single_bytes_is_put_together(play: Play) -> None:
    player = play(answers(INFO), drip=True)
    async with client_of(player.port) as client:
        assert (await client.read()).info == "# Server\r\nredis_version:7.4.0\r\n"


async def test_a_unix_socket_is_read(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "dragonfly.sock"
    play(answers(INFO), path=path)
    async with client_of(0, url=f"unix://{path}") as client:
        assert (await client.read()).slowlog is not None


async def test_a_unix_socket_that_is_not_there_is_no_connection(tmp_path: Path) -> None:
    async with client_of(0, url=f"unix://{tmp_path}/none.sock") as client:
        with pytest.raises(TargetError) as caught:
            await client.read()
    assert caught.value.reason is Reason.CONNECT


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70, "a..b"])
async def test_a_host_that_has_no_address_is_no_connection(host: str) -> None:
    async with client_of(0, url=f"redis://{host}:6379") as client:
        with pytest.raises(TargetError) as caught:
            await client.read()
    assert caught.value.reason is Reason.CONNECT
