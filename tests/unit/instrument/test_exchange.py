"""What the messages of a request say of it; test_middleware.py shows it with whole applications."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from vectorwatch.instrument.exchange import Conversation, Exchange, accept_id


async def nothing(*_: object) -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def gone(_: object) -> None:
    raise ConnectionResetError


START = {"type": "http.response.start", "status": 200}
MORE = {"type": "http.response.body", "body": b"x", "more_body": True}
LAST = {"type": "http.response.body", "body": b"x"}
FILE = {"type": "http.response.pathsend", "path": "/x"}


@pytest.mark.parametrize(
    ("messages", "error", "status"),
    [
        ([START, LAST], None, 200),
        ([START, FILE], None, 200),
        ([START, LAST], RuntimeError(), 200),
        ([START, MORE], RuntimeError(), 500),
        ([START, MORE], None, 500),
        ([{**START, "status": 503}, MORE], RuntimeError(), 503),
        ([], RuntimeError(), 500),
        ([], None, 500),
        ([START], asyncio.CancelledError(), 499),
    ],
)
async def test_the_status_is_what_the_client_got(
    messages: list[dict[str, Any]], error: BaseException | None, status: int
) -> None:
    exchange = Exchange({"headers": []}, nothing, nothing)  # type: ignore[arg-type]
    for message in messages:
        await exchange.send(message)
    assert exchange.status(error) == status


async def test_a_client_that_is_gone_before_the_end_is_499_and_after_it_is_not() -> None:
    early, late = (Exchange({"headers": []}, nothing, nothing) for _ in range(2))  # type: ignore[arg-type]
    await early.receive()
    for exchange in (early, late):
        await exchange.send(START)
        await exchange.send(LAST)
    await late.receive()
    assert (early.status(None), late.status(None)) == (499, 200)


async def test_a_server_that_says_the_client_is_gone_is_believed() -> None:
    exchange = Exchange({"headers": []}, nothing, gone)
    with pytest.raises(ConnectionResetError):
        await exchange.send(START)
    assert exchange.status(ConnectionResetError()) == 499
    assert exchange.is_left(ConnectionResetError())


@pytest.mark.parametrize(
    ("kinds", "error", "status"),
    [
        (["websocket.accept"], None, 101),
        (["websocket.accept", "websocket.close"], None, 101),
        (["websocket.accept"], WebSocketDisconnect(), 101),
        (["websocket.accept"], RuntimeError(), 500),
        (["websocket.close"], None, 403),
        (["websocket.http.response.start"], None, 401),
        ([], WebSocketDisconnect(), 499),
        ([], None, 500),
    ],
)
async def test_the_status_of_a_websocket_is_that_of_its_handshake(
    kinds: list[str], error: BaseException | None, status: int
) -> None:
    conversation = Conversation({"headers": []}, nothing, nothing)  # type: ignore[arg-type]
    for kind in kinds:
        await conversation.send({"type": kind, "status": 401})
    assert conversation.status(error) == status


@pytest.mark.parametrize(("length", "size"), [(b"12", 12), (b"-1", 0), (b"x", 0), (b"9" * 5_000, 0)])
def test_a_length_that_is_none_is_no_size(length: bytes, size: int) -> None:
    scope = {"headers": [(b"content-length", length)]}
    assert Exchange(scope, nothing, nothing).body_bytes == size  # type: ignore[arg-type]


def test_ids_are_ascii_and_short() -> None:
    assert accept_id(b"0af7651916cd43dd8448eb211c80319c") == "0af7651916cd43dd8448eb211c80319c"
    assert [accept_id(bad) for bad in (b"", b"a b", b"a\nb", b"\xe4", b"a@example.com", b"x" * 129)] == [
        ""
    ] * 6
