"""The template of the route, wherever routers and mounts put it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from vectorwatch.instrument import instrument
from vectorwatch.instrument.endpoint import UNMATCHED, Endpoints

Ask = Callable[..., Awaitable[httpx.Response]]


async def page(request: Request) -> Response:
    return PlainTextResponse("ok")


class Page(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("ok")


async def foreign(scope: Any, receive: Any, send: Any) -> None:
    scope["endpoint"] = object()
    await PlainTextResponse("ok")(scope, receive, send)


def router_of_routers() -> APIRouter:
    inner = APIRouter(prefix="/documents")

    @inner.get("/{document}")
    async def document(document: str) -> str:
        return document

    outer = APIRouter(prefix="/tenants/{tenant}")
    outer.include_router(inner)
    return outer


def fastapi_app(folder: Path) -> FastAPI:
    app = FastAPI()
    shared = router_of_routers()
    app.include_router(shared, prefix="/v1")
    app.include_router(shared, prefix="/v2")
    inner = FastAPI()

    @inner.get("/things/{thing}")
    async def thing(thing: int) -> int:
        return thing

    inner.add_route("/plain/{name}", page)
    app.mount("/inner", inner)
    app.mount("/files", StaticFiles(directory=folder))
    app.mount("/foreign", foreign)
    app.add_route("/plain/{name}", page)

    @app.get("/nested/{path:path}")
    async def nested(path: str) -> str:
        return path

    return app


def starlette_app(folder: Path) -> Starlette:
    return Starlette(
        routes=[
            Route("/plain/{name:int}", page),
            Route("/class", Page),
            Mount("/team/{team}", routes=[Route("/", page), Mount("/deep", routes=[Route("/{name}", page)])]),
            Mount("/files", StaticFiles(directory=folder)),
            Mount("/foreign", foreign),
            Mount("/api", fastapi_app(folder)),
            Host("other.example", Router([Route("/host/{name}", page)])),
        ]
    )


CASES = [
    (fastapi_app, "/v1/tenants/a/documents/1", "/v1/tenants/{tenant}/documents/{document}"),
    (fastapi_app, "/v2/tenants/a/documents/1", "/v2/tenants/{tenant}/documents/{document}"),
    (fastapi_app, "/inner/things/1", "/inner/things/{thing}"),
    (fastapi_app, "/inner/plain/1", "/inner/plain/{name}"),
    (fastapi_app, "/plain/1", "/plain/{name}"),
    (fastapi_app, "/inner/nothing", UNMATCHED),
    (fastapi_app, "/files/there.txt", "/files/{path}"),
    (fastapi_app, "/files/gone.txt", "/files/{path}"),
    (fastapi_app, "/foreign/x", UNMATCHED),
    (fastapi_app, "/nested/a/b/c", "/nested/{path}"),
    (fastapi_app, "/openapi.json", "/openapi.json"),
    (starlette_app, "/plain/1", "/plain/{name}"),
    (starlette_app, "/plain/text", UNMATCHED),
    (starlette_app, "/class", "/class"),
    (starlette_app, "/team/a/", "/team/{team}/"),
    (starlette_app, "/team/a/deep/b", "/team/{team}/deep/{name}"),
    (starlette_app, "/files/there.txt", "/files/{path}"),
    (starlette_app, "/api/v2/tenants/a/documents/1", "/api/v2/tenants/{tenant}/documents/{document}"),
    (starlette_app, "/api/inner/things/1", "/api/inner/things/{thing}"),
]


@pytest.mark.parametrize(
    ("build", "path", "template"), CASES, ids=lambda case: getattr(case, "__name__", case)
)
async def test_the_endpoint_is_the_whole_template(
    ask: Ask,
    value: Callable[..., float],
    tmp_path: Path,
    build: Callable[[Path], Any],
    path: str,
    template: str,
) -> None:
    (tmp_path / "there.txt").write_text("here")
    app = build(tmp_path)
    instrument(app, service="test", configure_logs=False)
    labels = {"method": "GET", "endpoint": template}
    before = value("http_request_duration_seconds_count", **labels)
    await ask(app, path)
    assert value("http_request_duration_seconds_count", **labels) == before + 1


async def test_a_route_of_a_host_is_found(ask: Ask, value: Callable[..., float], tmp_path: Path) -> None:
    app = starlette_app(tmp_path)
    instrument(app, service="test", configure_logs=False)
    labels = {"method": "GET", "endpoint": "/host/{name}", "status": "200"}
    before = value("http_requests_total", **labels)
    await ask(app, "/host/1", headers={"Host": "other.example"})
    assert value("http_requests_total", **labels) == before + 1


async def test_a_route_added_later_is_found(ask: Ask, value: Callable[..., float], tmp_path: Path) -> None:
    app = fastapi_app(tmp_path)
    instrument(app, service="test", configure_logs=False)
    await ask(app, "/plain/1")

    @app.get("/later/{name}")
    async def later(name: str) -> str:
        return name

    labels = {"method": "GET", "endpoint": "/later/{name}", "status": "200"}
    before = value("http_requests_total", **labels)
    await ask(app, "/later/1")
    assert value("http_requests_total", **labels) == before + 1


async def test_the_root_path_of_a_proxy_is_no_part_of_the_template(
    ask: Ask, value: Callable[..., float]
) -> None:
    app = FastAPI()
    app.include_router(router_of_routers(), prefix="/v1")
    app.include_router(router_of_routers(), prefix="/v2")
    instrument(app, service="test", configure_logs=False)
    labels = {"method": "GET", "endpoint": "/v2/tenants/{tenant}/documents/{document}", "status": "200"}
    before = value("http_requests_total", **labels)
    await ask(app, "/behind/v2/tenants/a/documents/1", root_path="/behind")
    assert value("http_requests_total", **labels) == before + 1
    assert (await ask(app, "/behind/metrics", root_path="/behind")).status_code == 200


def test_endpoints_of_others_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vectorwatch.instrument.endpoint._MOST_FOREIGN", 3)
    endpoints = Endpoints(Starlette())
    strangers = [object() for _ in range(10)]
    assert {endpoints.find({"endpoint": one}, "/") for one in strangers * 2} == {UNMATCHED}
    assert len(endpoints._foreign) <= 3
