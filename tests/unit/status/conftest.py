"""A real Prometheus with a few rules, and the status API in front of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI, Response

from vectorwatch.demo.ports import HOST
from vectorwatch.demo.tools import ensure_tools
from vectorwatch.settings import load
from vectorwatch.status.service import build_app
from vectorwatch.status.settings import StatusSettings

WATCHDOG = {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}}
CRITICAL = {
    "alert": "QdrantDown",
    "expr": "vector(7) > 2.5",
    "labels": {"severity": "critical", "component": "qdrant", "instance": "q:6333"},
    "annotations": {
        "summary": "Short.",
        "description": "It is {{ $value }}.",
        "runbook_url": "http://x/r.md",
    },
}
WARNING = {
    "alert": "CacheSlow",
    "expr": "vector(1)",
    "labels": {"severity": "warning", "component": "cache"},
    "annotations": {"summary": "The cache is slow."},
}
INFO = {
    "alert": "GpuUnderused",
    "expr": "vector(1)",
    "labels": {"severity": "info", "component": "gpu"},
    "annotations": {"summary": "Idle."},
}
FOREIGN = {
    "alert": "OrdersDown",
    "expr": "vector(1)",
    "labels": {"severity": "critical", "component": "shop"},
    "annotations": {"summary": "No orders."},
}


@pytest.fixture
def start_prometheus(
    tmp_path: Path, free_port: Callable[[], int], start_program: Callable[..., Any], poll: Callable[..., None]
) -> Callable[..., str]:
    """Start a real Prometheus with alert rules and targets by job; return its URL when all rules have run."""

    def start(*rules: dict[str, Any], targets: dict[str, str] | None = None) -> str:
        address = f"{HOST}:{free_port()}"
        groups = [{"name": "all", "rules": list(rules)}] if rules else []
        (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [target]}]}
            for job, target in (targets or {}).items()
        ]
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": jobs,
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        program = ensure_tools(["prometheus"])["prometheus"]
        flags = (f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address={address}")
        argv = [str(program), f"--config.file={tmp_path / 'prometheus.yml'}", *flags]
        start_program(argv, ready_url=f"http://{address}/-/ready")
        url = f"http://{address}"

        def is_done() -> bool:
            alerts = httpx.get(f"{url}/api/v1/alerts", trust_env=False).json()["data"]["alerts"]
            firing = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
            up = httpx.get(f"{url}/api/v1/query", params={"query": "up"}, trust_env=False).json()
            return firing >= {rule["alert"] for rule in rules} and len(up["data"]["result"]) == len(jobs)

        poll(is_done, "the rules have run and the targets were read")
        return url

    return start


@pytest.fixture
def play_metrics(serve: Callable[[FastAPI], str]) -> Callable[[str], str]:
    """Serve an exposition; return its host and port."""

    def play(text: str) -> str:
        app = FastAPI()

        @app.get("/metrics")
        async def metrics() -> Response:
            return Response(text, media_type="text/plain; version=0.0.4")

        return serve(app).removeprefix("http://")

    return play


@pytest.fixture
def start_status(serve: Callable[[FastAPI], str]) -> Callable[..., str]:
    """Start the API for a Prometheus; return its URL."""

    def start(prometheus: str, **variables: object) -> str:
        environ = {"VECTORWATCH_STATUS_PROMETHEUS_URL": prometheus, "VECTORWATCH_STATUS_FRESH_SECONDS": "0"}
        environ |= {f"VECTORWATCH_STATUS_{name.upper()}": str(value) for name, value in variables.items()}
        return serve(build_app(load(StatusSettings, environ=environ)))

    return start


@pytest.fixture
def list_targets(tmp_path: Path) -> Callable[..., Path]:
    """Write a list of targets as Prometheus reads it."""

    def write(name: str, *addresses: str) -> Path:
        path = tmp_path / f"{name}.yml"
        path.write_text(yaml.safe_dump([{"targets": list(addresses)}]))
        return path

    return write


@pytest.fixture
def rule() -> dict[str, dict[str, Any]]:
    """Alert rules that fire at once, by what they are."""
    return {
        "watchdog": WATCHDOG,
        "critical": CRITICAL,
        "warning": WARNING,
        "info": INFO,
        "foreign": FOREIGN,
    }
