"""The ports of the demo: the documented ones, or free ones so that a second demo fits beside the first."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from vectorwatch.errors import VectorwatchError

HOST = "127.0.0.1"

DEFAULT_PORTS: Mapping[str, int] = {
    "qdrant": 6333,
    "dragonfly": 6379,
    "qdrant-exporter": 9441,
    "dragonfly-exporter": 9442,
    "hnsw-probe": 9443,
    "gpu-exporter": 9445,
    "inbox": 9446,
    "inbox-smtp": 1025,
    "status": 9448,
    "benchmark": 9449,
    "demo-app": 8000,
    "prometheus": 9090,
    "alertmanager": 9093,
}
"""By service; `dragonfly` is whatever speaks its protocol (the embedded Valkey here)."""

JAEGER_PORTS: Mapping[str, int] = {
    "jaeger": 16686,
    "jaeger-query-grpc": 16685,
    "jaeger-otlp": 4318,
    "jaeger-otlp-grpc": 4317,
    "jaeger-metrics": 8888,
    "jaeger-spanmetrics": 8889,
    "jaeger-health": 13133,
}
"""Taken only where there is a Jaeger to run."""

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortTakenError(VectorwatchError):
    """Ports that other programs hold; nothing was started."""


def name_host(service: str) -> str:
    """Return by which name the configuration calls whoever has the port of `service`."""
    return "jaeger" if service in JAEGER_PORTS else service.removesuffix("-smtp")


def choose_ports(kind: str, wanted: Mapping[str, int] = DEFAULT_PORTS) -> dict[str, int]:
    """Return a port for each service: as `wanted` (`default`) or `free`.

    Raises PortTakenError, VectorwatchError.
    """
    if kind == "free":
        return dict(zip(wanted, find_free_ports(len(wanted)), strict=True))
    if kind != "default":
        raise VectorwatchError(f"demo: PORTS is `{kind}`; write `default` or `free`")
    refuse_taken(wanted)
    return dict(wanted)


def refuse_taken(ports: Mapping[str, int]) -> None:
    """Raise PortTakenError when another program listens on one of `ports`, naming all of them in one line."""
    taken = [f"{port} (wanted by {service})" for service, port in ports.items() if not _is_free(port)]
    if taken:
        noun, verb = ("port", "is") if len(taken) == 1 else ("ports", "are")
        raise PortTakenError(
            f"demo: {noun} {', '.join(taken)} {verb} in use;"
            " stop what uses it or run `make demo PORTS=free`; nothing was started"
        )


def find_free_ports(count: int, randomness: random.Random | None = None) -> list[int]:
    """Return `count` distinct free ports.

    They lie below the range from which the kernel takes ports for outgoing connections, so that no client
    of a service started first can sit on the port of a service started later.
    """
    randomness = randomness or random.Random()
    candidates = list(range(15_000, _read_ephemeral_start()))
    randomness.shuffle(candidates)
    free: list[int] = []
    with ExitStack() as held:
        for port in candidates:
            if len(free) == count:
                return free
            listener = held.enter_context(socket.socket())
            if _bind(listener, port):
                free.append(port)
    raise VectorwatchError(f"demo: fewer than {count} free ports on {HOST}")


def _read_ephemeral_start() -> int:
    try:
        return max(int(_EPHEMERAL.read_text().split()[0]), 16_000)
    except (OSError, ValueError):
        return 32_768


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        return _bind(listener, port)


def _bind(listener: socket.socket, port: int) -> bool:
    # A port in TIME_WAIT is no obstacle to the services, which all set this option too.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1)
    except OSError:
        return False
    return True
