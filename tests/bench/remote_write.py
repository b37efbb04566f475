"""Samples of the past for a Prometheus, in its own protocol: protobuf in a block of snappy, not compressed.

Fields as in prompb/remote.proto and prompb/types.proto of Prometheus, the block as in snappy's
format_description.txt.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import httpx

_MOST_BYTES = 8_000_000
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def push(url: str, series: Iterable[tuple[bytes, bytes]]) -> None:
    """Send series, each as its labels and its samples, to a Prometheus; raises httpx.HTTPStatusError."""
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        waiting, size = list[bytes](), 0
        for labels, samples in series:
            waiting.append(b"\x0a" + varint(len(labels) + len(samples)) + labels + samples)
            size += len(waiting[-1])
            if size > _MOST_BYTES:
                _send(client, b"".join(waiting))
                waiting, size = [], 0
        if waiting:
            _send(client, b"".join(waiting))


def _send(client: httpx.Client, message: bytes) -> None:
    # One literal: its tag says that four bytes of length, less one, follow.
    block = varint(len(message)) + b"\xfc" + struct.pack("<I", len(message) - 1) + message
    answer = client.post("/api/v1/write", content=block, headers=_HEADERS)
    if answer.is_error:
        raise SystemExit(
            f"bench: Prometheus refuses the history ({answer.status_code}): {answer.text.strip()}"
        )


def encode_labels(labels: Mapping[str, str]) -> bytes:
    """Return the labels of a series, `__name__` among them."""
    return b"".join(_field(1, _text(1, name) + _text(2, labels[name])) for name in sorted(labels))


def encode_samples(values: Sequence[float], milliseconds: Sequence[int]) -> bytes:
    """Return samples, each with its Unix time."""
    return b"".join(
        b"\x12\x10\x09" + struct.pack("<d", value) + _timestamp(moment)
        for value, moment in zip(values, milliseconds, strict=True)
    )


@lru_cache(maxsize=10_000)
def _timestamp(milliseconds: int) -> bytes:
    """Return the field of a time; six bytes long until 2109, as the length before it says."""
    return b"\x10" + varint(milliseconds)


def varint(number: int) -> bytes:
    """Return a number seven bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())
