"""Parse RESP2, the Redis protocol, from a buffer; pure, bounded in size and depth.

redis-py reads any length that a server announces, so that a lying server could fill our memory; it also
costs 5 MiB of memory and a quarter more time per round trip.
Source: redis.io/docs/latest/develop/reference/protocol-spec.
"""

from __future__ import annotations

from dataclasses import dataclass

from vectorwatch.errors import Reason, TargetError

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""INFO ALL is 5 to 30 kB; Dragonfly adds a line for every unknown command that a client ever sent."""
_MAX_LINE_BYTES = 64 * 1024
_MAX_ELEMENTS = 1024
_MAX_DEPTH = 4
_TLS_ALERT = 0x15


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error that the server sent instead of an answer; its text may hold anything."""

    text: str


Reply = bytes | int | None | ErrorReply | list["Reply"]


def encode_command(*words: str) -> bytes:
    """Return one command as an array of bulk strings."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def parse_reply(buffer: bytearray, start: int = 0, depth: int = 0) -> tuple[Reply, int] | None:
    """Return the reply at `start` and the position after it, or None while it is incomplete.

    Raises TargetError: decode when it is not RESP2, too_large, tls when the server speaks TLS.
    """
    if start >= len(buffer):
        return None
    kind = buffer[start]
    if kind not in b"+-:$*":
        raise _unknown(kind)
    end = buffer.find(b"\r\n", start)
    if end < 0 or end - start > _MAX_LINE_BYTES:
        if len(buffer) - start > _MAX_LINE_BYTES:
            raise TargetError(Reason.TOO_LARGE, f"a line of the answer has more than {_MAX_LINE_BYTES} bytes")
        return None
    line, after = bytes(buffer[start + 1 : end]), end + 2
    if kind == ord("+"):
        return line, after
    if kind == ord("-"):
        return ErrorReply(line.decode(errors="replace")), after
    number = _parse_integer(line)
    if kind == ord(":"):
        return number, after
    if kind == ord("$"):
        return _parse_bulk(buffer, after, number)
    return _parse_array(buffer, after, number, depth)


def _parse_bulk(buffer: bytearray, start: int, length: int) -> tuple[bytes | None, int] | None:
    if length == -1:
        return None, start
    if length > MAX_ANSWER_BYTES:
        raise TargetError(Reason.TOO_LARGE, f"the answer has {length} bytes, more than {MAX_ANSWER_BYTES}")
    end = start + length
    if length < 0:
        raise TargetError(Reason.DECODE, "the answer is not RESP: a negative length")
    if len(buffer) < end + 2:
        return None
    if buffer[end : end + 2] != b"\r\n":
        raise TargetError(Reason.DECODE, "the answer is not RESP: a string is longer than it says")
    return bytes(buffer[start:end]), end + 2


def _parse_array(buffer: bytearray, start: int, length: int, depth: int) -> tuple[Reply, int] | None:
    if length == -1:
        return None, start
    if length > _MAX_ELEMENTS:
        raise TargetError(Reason.TOO_LARGE, f"an array of {length} elements, more than {_MAX_ELEMENTS}")
    if length < 0 or depth >= _MAX_DEPTH:
        raise TargetError(Reason.DECODE, "the answer is not what SLOWLOG says: a negative or too deep array")
    elements: list[Reply] = []
    position = start
    for _ in range(length):
        parsed = parse_reply(buffer, position, depth + 1)
        if parsed is None:
            return None
        element, position = parsed
        elements.append(element)
    return elements, position


def _parse_integer(line: bytes) -> int:
    digits = line.removeprefix(b"-")
    # int() alone would also take spaces, underscores and a number of a million digits.
    if not digits.isdigit() or len(digits) > 19:
        raise TargetError(Reason.DECODE, "the answer is not RESP: no integer where one must be")
    return int(line)


def _unknown(kind: int) -> TargetError:
    if kind == _TLS_ALERT:
        return TargetError(Reason.TLS, "the server speaks TLS; write the URL as `rediss://host:port`")
    return TargetError(Reason.DECODE, "the answer is not RESP: no Redis-protocol server listens there")
