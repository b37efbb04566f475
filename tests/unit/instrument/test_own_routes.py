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


def test_an_unknown_part_is_404_and_names_those_that_are_known(
    get: Callable[..., httpx.Response], instrumentation: Instrumentation
) -> None:
    async def fine() -> None:
        return None

    assert get("/health/x").json() == {"error": "There is no such component; known are: none yet."}
    instrumentation.health.add("store", fine)
    instrumentation.health.add("cache", fine)
    answer = get("/health/x")
    assert answer.status_code == 404
    assert answer.json() == {"error": "There is no such component; known are: cache, store."}


def test_only_get_and_head_are_answered(get: Callable[..., httpx.Response]) -> None:
    assert get("/health", "HEAD").status_code == 200
    answer = get("/health", "POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_only_one_step_below_health_is_ours() -> None:
    routes = OwnRoutes(Health("svc", ""), "/metrics", "/health")
    assert [routes.has(path) for path in ("/metrics", "/health", "/health/x", "/health/")] == [True] * 4
    assert [routes.has(path) for path in ("/metrics/x", "/healthy", "/health/x/y", "/")] == [False] * 4


@pytest.mark.parametrize(
    ("path", "root", "inside"),
    [("/a", "", "/a"), ("/api/a", "/api", "/a"), ("/api", "/api", "/"), ("/a", "/api", "/a")],
)
def test_the_root_path_is_taken_off(path: str, root: str, inside: str) -> None:
    assert path_inside({"path": path, "root_path": root}) == inside
