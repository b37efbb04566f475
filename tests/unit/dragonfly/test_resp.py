from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorwatch.dragonfly.resp import ErrorReply, Reply, encode_command, parse_reply
from vectorwatch.errors import Reason, TargetError

REPLIES = {
    "simple": (b"+PONG\r\n", b"PONG"),
    "error": (b"-NOAUTH Authentication required.\r\n", ErrorReply("NOAUTH Authentication required.")),
    "integer": (b":-7\r\n", -7),
    "bulk": (b"$5\r\na\r\nbc\r\n", b"a\r\nbc"),
    "empty bulk": (b"$0\r\n\r\n", b""),
    "nil": (b"$-1\r\n", None),
    "nil array": (b"*-1\r\n", None),
    "array": (b"*2\r\n:1\r\n*1\r\n$1\r\nx\r\n", [1, [b"x"]]),
}


@pytest.mark.parametrize(("data", "reply"), REPLIES.values(), ids=REPLIES)
def test_each_kind_of_reply_is_read(data: bytes, reply: Reply) -> None:
    assert parse_reply(bytearray(data + b"+next\r\n")) == (reply, len(data))


@pytest.mark.parametrize("data", [data for data, _ in REPLIES.values()], ids=REPLIES)
def test_a_reply_that_is_not_complete_is_waited_for(data: bytes) -> None:
    for length in range(len(data)):
        assert parse_reply(bytearray(data[:length])) is None


LIES = {
    "HTML": (b"<html>", Reason.DECODE),
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\n", Reason.DECODE),
    "garbage": (b"\x00\xff\x00\xff", Reason.DECODE),
    "a TLS alert": (b"\x15\x03\x03\x00\x02\x02\x16", Reason.TLS),
    "RESP3": (b"%1\r\n+a\r\n+b\r\n", Reason.DECODE),
    "no number": (b"$abc\r\n", Reason.DECODE),
    "number with an underscore": (b":1_0\r\n", Reason.DECODE),
    "number of a million digits": (b":" + b"9" * 60_000 + b"\r\n", Reason.DECODE),
    "negative length": (b"$-2\r\n", Reason.DECODE),
    "negative array": (b"*-2\r\n", Reason.DECODE),
    "length that is too short": (b"$1\r\nabc\r\n", Reason.DECODE),
    "ten megabytes": (b"$10000000\r\n", Reason.TOO_LARGE),
    "line without an end": (b"+" + b"a" * 70_000, Reason.TOO_LARGE),
    "long line": (b"+" + b"a" * 70_000 + b"\r\n", Reason.TOO_LARGE),
    "endless array": (b"*1000000000\r\n", Reason.TOO_LARGE),
    "deep array": (b"*1\r\n" * 1000, Reason.DECODE),
}


@pytest.mark.parametrize(("data", "reason"), LIES.values(), ids=LIES)
def test_what_is_no_resp_is_refused_with_a_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(TargetError) as caught:
        parse_reply(bytearray(data))
    assert caught.value.reason is reason


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="+-:$*0123456789\r\nax", max_size=200).map(str.encode))
def test_any_bytes_give_a_reply_a_wait_or_a_target_error(data: bytes) -> None:
    try:
        parsed = parse_reply(bytearray(data))
    except TargetError as error:
        reason = error.reason
    else:
        assert parsed is None or 0 < parsed[1] <= len(data)
        return
    assert reason in {Reason.DECODE, Reason.TOO_LARGE, Reason.TLS}


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_an_encoded_command_is_read_back(words: list[str]) -> None:
    encoded = bytearray(encode_command(*words))
    assert parse_reply(encoded) == ([word.encode() for word in words], len(encoded))
