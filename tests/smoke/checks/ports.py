"""Nothing listens on anything but 127.0.0.1."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.smoke.stage import CheckError, Stage
from vectorwatch.demo.ports import HOST

_LISTENING = "0A"


def only_loopback(stage: Stage) -> str:
    """See that published ports are bound to 127.0.0.1, both as the engine and as the kernel says."""
    published = {
        name: port for name, container in stage.project.containers().items() for port in container.published
    }
    if not published:
        raise CheckError("no port is published at all")
    for name, port in published.items():
        if port.address != HOST:
            raise CheckError(f"{name}: port {port.port} is published on {port.address}")
    _refuse_others({port.port for port in published.values()})
    for port in published.values():
        socket.create_connection((port.address, port.port), timeout=10).close()
    return f"{HOST} alone: {', '.join(sorted(published))}"


def _refuse_others(ports: set[int]) -> None:
    for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if path.is_file():
            for address, port in read_listeners(path.read_text()):
                if port in ports and address != HOST:
                    raise CheckError(f"something listens on port {port} of {address}")


def read_listeners(table: str) -> Iterator[tuple[str, int]]:
    """Yield address and port of the listening sockets in a `/proc/net/tcp` or `tcp6`."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTENING:
            yield _read_address(address), int(port, 16)


def _read_address(text: str) -> str:
    # Words of 32 bits, each in the byte order of the machine.
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
