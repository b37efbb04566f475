"""Version 2 of Lumberjack, what Filebeat and Logstash speak: both ends, as the stand-ins need them.

Frames as in https://github.com/logstash-plugins/logstash-input-beats/blob/main/PROTOCOL.md and go-lumber.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

VERSION = b"2"
_LONGEST = 256 * 2**20

Event = dict[str, Any]


class ProtocolError(Exception):
    """What came is not of the protocol, or ends in the middle."""


def write_window(events: Sequence[Event], *, compressed: bool = True) -> bytes:
    """Return a window of events, numbered from 1."""
    frames = b"".join(_write_event(number, event) for number, event in enumerate(events, 1))
    if compressed:
        packed = zlib.compress(frames, 3)
        frames = VERSION + b"C" + struct.pack(">I", len(packed)) + packed
    return VERSION + b"W" + struct.pack(">I", len(events)) + frames


def write_confirmation(number: int) -> bytes:
    """Return the frame that says: all up to `number` of this window are taken."""
    return VERSION + b"A" + struct.pack(">I", number)


def read_confirmation(stream: BinaryIO) -> int:
    """Return up to which event of a window the other end has taken them. Raises ProtocolError."""
    if _read(stream, 2) != VERSION + b"A":
        raise ProtocolError("no confirmation")
    return _read_number(stream)


def read_windows(stream: BinaryIO) -> Iterator[list[Event]]:
    """Yield the events of each window until the other end closes. Raises ProtocolError."""
    while kind := stream.read(2):
        if kind != VERSION + b"W":
            raise ProtocolError(f"a window begins with {kind!r}")
        count, events = _read_number(stream), list[Event]()
        while len(events) < count:
            events += _read_frame(stream)
        yield events


def _write_event(number: int, event: Event) -> bytes:
    content = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return VERSION + b"J" + struct.pack(">II", number, len(content)) + content


def _read_frame(stream: BinaryIO) -> list[Event]:
    kind = _read(stream, 2)
    if kind == VERSION + b"J":
        _read_number(stream)
        return [json.loads(_read(stream, _read_number(stream)).decode("utf-8", "replace"))]
    if kind == VERSION + b"C":
        return _unpack(zlib.decompress(_read(stream, _read_number(stream))))
    raise ProtocolError(f"unknown frame {kind!r}")


def _unpack(frames: bytes) -> list[Event]:
    events, place = [], 0
    while place < len(frames):
        if frames[place : place + 2] != VERSION + b"J":
            raise ProtocolError("a compressed frame holds no event")
        (length,) = struct.unpack_from(">I", frames, place + 6)
        place += 10 + length
        events.append(json.loads(frames[place - length : place].decode("utf-8", "replace")))
    return events


def _read_number(stream: BinaryIO) -> int:
    return int(struct.unpack(">I", _read(stream, 4))[0])


def _read(stream: BinaryIO, length: int) -> bytes:
    if length > _LONGEST:
        raise ProtocolError(f"a frame of {length} bytes")
    content = stream.read(length)
    if len(content) < length:
        raise ProtocolError("the other end has gone in the middle of a frame")
    return content
