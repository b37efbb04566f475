"""`vectorwatch exporter` and `vectorwatch probe`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import CONFIG


@click.group()
def exporter() -> None:
    """Expose one kind of server to Prometheus."""


@exporter.command("qdrant")
@CONFIG
def exporter_qdrant(config: Path | None) -> None:
    """Expose Qdrant collections, shards, indexes and aliases."""
    from vectorwatch.qdrant.service import run

    run(config)


@exporter.command("dragonfly")
@CONFIG
def exporter_dragonfly(config: Path | None) -> None:
    """Expose DragonflyDB, Valkey or Redis."""
    from vectorwatch.dragonfly.service import run

    run(config)


@exporter.command("gpu")
@CONFIG
def exporter_gpu(config: Path | None) -> None:
    """Expose NVIDIA GPUs through NVML."""
    from vectorwatch.gpu.service import run

    run(config)


@exporter.command("logs")
@CONFIG
def exporter_logs(config: Path | None) -> None:
    """Expose Logstash, Filebeat, Kibana and the events that arrive in Elasticsearch."""
    from vectorwatch.logs.service import run

    run(config)


@click.group()
def probe() -> None:
    """Measure from outside what no server says of itself."""


@probe.command("hnsw")
@CONFIG
def probe_hnsw(config: Path | None) -> None:
    """Measure search latency and recall of Qdrant collections."""
    from vectorwatch.hnsw.service import run

    run(config)
