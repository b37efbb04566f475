"""A stand-in that plays the recorded answers of a Qdrant server over real HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = sorted(path.parent.name for path in FIXTURES.glob("*/routes.json"))


def routes_of(folder: str) -> dict[str, Any]:
    routes: dict[str, Any] = json.loads((FIXTURES / folder / "routes.json").read_text())
    return routes


@pytest.fixture
def recorded_routes() -> Callable[[str], dict[str, Any]]:
    return routes_of


@pytest.fixture(params=RECORDED)
def recorded(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def play(serve: Callable[[FastAPI], str]) -> Callable[..., str]:
    """Serve `routes` (path to JSON, or to a `Response`); `api_key` is then demanded; return the base URL."""

    def start(routes: dict[str, Any], api_key: str | None = None) -> str:
        app = FastAPI()

        # No route: their patterns match no line feed, and a collection's name may hold one.
        @app.middleware("http")
        async def answer(request: Request, _next: object) -> Response:
            path = request.scope["raw_path"].decode()
            if path == "/readyz":
                return Response("all shards are ready")
            if api_key and path != "/" and request.headers.get("api-key") != api_key:
                return Response("Must provide an API key or an Authorization bearer token", 401)
            found = routes.get(path)
            if isinstance(found, Response):
                return found
            if found is None:
                return Response('{"status":{"error":"Not found"},"time":0}', 404)
            return Response(json.dumps(found), media_type="application/json")

        return serve(app)

    return start


@pytest.fixture
def start_engine(
    start_program: Callable[..., Any], free_port: Callable[[], int], tmp_path: Path
) -> Callable[[Path], str]:
    """Run the embedded engine, which then demands the API key of the given file; return its base URL."""

    def start(key: Path) -> str:
        url = f"http://127.0.0.1:{(port := free_port())}"
        argv = [sys.executable, "-m", "vectorwatch.demo.engine", "--host", "127.0.0.1", "--port", str(port)]
        start_program(
            [*argv, "--data", str(tmp_path / "data"), "--api-key-file", str(key)], ready_url=f"{url}/readyz"
        )
        return url

    return start
