"""The web application: all routes, the optimizer, and an orderly end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from vectorwatch.demo.engine import routes_collections, routes_points, routes_search, routes_service
from vectorwatch.demo.engine.catalogue import Catalogue
from vectorwatch.demo.engine.endpoint import refuse_stranger, serve_action, serve_openly
from vectorwatch.demo.engine.node import Node
from vectorwatch.demo.engine.optimizer import Optimizer
from vectorwatch.demo.engine.settings import Settings

# `points/query` before `points/{id}`: the first route that fits answers.
_ACTIONS = (
    *routes_service.ACTIONS,
    *routes_search.ACTIONS,
    *routes_points.ACTIONS,
    *routes_collections.ACTIONS,
)


def create_app(settings: Settings) -> Starlette:
    """Open the data folder and return the application. Raises VectorwatchError when the folder is in use."""
    catalogue = Catalogue(settings.data)
    node = Node(catalogue, settings.api_key)
    optimizer = Optimizer(catalogue.list_collections, settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        optimizer.start()
        yield
        await run_in_threadpool(optimizer.stop)
        await run_in_threadpool(catalogue.close)

    async def answer_unknown(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return refuse_stranger(node, request) or Response(status_code=status)

    open_routes = [serve_openly(path, answer) for path, answer in routes_service.OPEN_ROUTES.items()]
    routes = [serve_action(node, method, template, action) for method, template, action in _ACTIONS]
    return Starlette(
        routes=open_routes + routes,
        lifespan=lifespan,
        exception_handlers={404: answer_unknown, 405: answer_unknown},
    )
