"""A stand-in that plays the answers of the four sources over real HTTP, all at one address."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from vectorwatch.logs.service import build_app
from vectorwatch.logs.settings import LogsSettings
from vectorwatch.settings import load

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
PATHS = {
    "logstash": "/_node/stats",
    "filebeat": "/stats",
    "kibana": "/api/status",
    "elasticsearch": "/logs-*/_search",
}
SOURCES = tuple(PATHS)


def answers_of(version: str) -> dict[str, Any]:
    """Return what each source answers; of Elasticsearch the answers to one search after the other."""
    return {name: json.loads((FIXTURES / version / f"{name}.json").read_text()) for name in SOURCES}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recorded_answers() -> Callable[[str], dict[str, Any]]:
    return answers_of


class Sources:
    """The answers by source, which a test may change, and the requests that came."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.requests: dict[str, list[Mapping[str, str]]] = {name: [] for name in SOURCES}
        self.searches: list[dict[str, Any]] = []
        self.url = ""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def answer(request: Request, _next: object) -> Response:
            name = next((name for name in SOURCES if PATHS[name] == request.url.path), None)
            if name is None:
                return Response("no such path", 404)
            self.requests[name].append(dict(request.headers))
            found = self.answers[name]
            if name == "elasticsearch":
                self.searches.append(await request.json())
                found = (
                    found if isinstance(found, Response) else found[min(len(self.searches), len(found)) - 1]
                )
            if isinstance(found, Response):
                # The same answer serves many requests.
                return Response(found.body, found.status_code, media_type=found.media_type)
            return Response(json.dumps(found), media_type="application/json")

        return app


@pytest.fixture
def play(serve: Callable[[FastAPI], str]) -> Callable[..., Sources]:
    """Play `answers`; return what plays them."""

    def start(answers: Mapping[str, Any]) -> Sources:
        sources = Sources(answers)
        sources.url = serve(sources.app())
        return sources

    return start


@pytest.fixture
def start_exporter(serve: Callable[[FastAPI], str]) -> Callable[..., Callable[..., str]]:
    """Start the exporter for the sources at `url`; return what scrapes it."""

    def start(url: str, **variables: object) -> Callable[..., str]:
        environ = {f"VECTORWATCH_LOGS_{name.upper()}_URL": url for name in SOURCES}
        environ |= {f"VECTORWATCH_LOGS_{name.upper()}": str(value) for name, value in variables.items()}
        base = serve(build_app(load(LogsSettings, environ=environ)))

        def scrape(timeout_seconds: float | None = None) -> str:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout_seconds)} if timeout_seconds else {}
            return httpx.get(f"{base}/metrics", headers=headers, timeout=60).raise_for_status().text

        return scrape

    return start
