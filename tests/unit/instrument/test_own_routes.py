"""What `/health` and its like answer over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from vectorwatch.instrument import Instrumentation, instrument
from vectorwatch.instrument.health import Health
from vectorwatch.instrument.own_routes import OwnRoutes, path_inside


@pytest.fixture
def app() -> FastAPI:
    return FastAPI()


@pytest.fixture
def instrumentation(app: FastAPI) -> Instrumentation:
    return instrument(app, service="rag-api", version="1.2", configure_logs=False)


@pytest.fixture
def get(
    app: FastAPI, instrumentation: Instrumentation, serve: Callable[[FastAPI], str]
) -> Callable[..., httpx.Response]:
    url = serve(app)
    return lambda path, method="GET": httpx.request(method, url + path, trust_env=False)


def test_health_is_for_machines_and_people(
    get: Callable[..., httpx.Response], instrumentation: Instrumentation
) -> None:
    async def count() -> dict[str, Any]:
        return {"points": 78450, "folder": Path("/data")}

    instrumentation.health.add("vector_store", count)
    answer = get("/health")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["status"], body["version"]) == ("healthy", "1.2")
    assert body["components"] == {"vector_store": "healthy"}
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None
    part = get("/health/vector_store").json()
    assert (part["component"], part["metrics"]) == ("vector_store", {"points": 78450, "folder": "/data"})
    assert get("/health/detailed").json()["components"]["vector_store"] == part


def test_a_critical_part_that_fails_is_503_and_another_200(
    get: Callable[..., httpx.Response], instrumentation: Instrumentation
) -> None:
    async def fail() -> None:
        raise ConnectionError("refused")

    instrumentation.health.add("cache", fail, critical=False)
    assert (get("/health").status_code, get("/health").json()["status"]) == (200, "degraded")
    assert get("/health/cache").status_code == 503
    instrumentation.health.add("store", fail)
    assert (get("/health").status_code, get("/health/detailed").status_code) == (503, 503)
    assert get("/health").json()["status"] == "error"


def test_what_is_no_part_is_the_application_s(
    app: FastAPI, get: Callable[..., httpx.Response], instrumentation: Instrumentation
) -> None:
    @app.get("/health/live")
    async def live() -> str:
        return "mine"

    instrumentation.health.add("store", fine)
    assert get("/health/live").json() == "mine"
    assert get("/health/store").json()["component"] == "store"
    assert get("/health/x").status_code == 404


def test_a_detail_that_json_does_not_know_is_text(
    get: Callable[..., httpx.Response], instrumentation: Instrumentation
) -> None:
    async def measure() -> dict[str, Any]:
        return {"lag": float("nan"), "limits": [float("inf"), -float("inf")]}

    instrumentation.health.add("store", measure)
    assert get("/health/store").json()["metrics"] == {"lag": "NaN", "limits": ["Infinity", "-Infinity"]}


def test_only_get_and_head_are_answered(get: Callable[..., httpx.Response]) -> None:
    assert get("/health", "HEAD").status_code == 200
    answer = get("/health", "POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def fine() -> None:
    return None


def test_only_parts_are_ours_below_health() -> None:
    health = Health("svc", "")
    health.add("x", fine)
    routes = OwnRoutes(health, "/metrics", "/health")
    ours = ("/metrics", "/health", "/health/detailed", "/health/x")
    assert [routes.has(path) for path in ours] == [True] * 4
    others = ("/metrics/x", "/healthy", "/health/", "/health/y", "/health/x/y", "/")
    assert [routes.has(path) for path in others] == [False] * 6


@pytest.mark.parametrize(
    ("path", "root", "inside"),
    [
        ("/a", "", "/a"),
        ("/api/a", "/api", "/a"),
        ("/api", "/api", "/"),
        ("/a", "/api", "/a"),
        ("/apiary", "/api", "/apiary"),
        ("/api/a", "/api/", "/a"),
    ],
)
def test_the_root_path_is_taken_off(path: str, root: str, inside: str) -> None:
    assert path_inside({"path": path, "root_path": root}) == inside
