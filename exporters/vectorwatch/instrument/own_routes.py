"""The routes that `instrument` adds: metrics and health."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from .endpoint import walk
from .errors import SetupError
from .exposition import answer_metrics
from .health import Health, Status

Answer = Callable[[Request], Awaitable[Response]]
_METHODS = ("GET", "HEAD")


class OwnRoutes(BaseRoute):
    """One route for all of them, so that a request of the application passes one comparison and not four."""

    def __init__(self, health: Health, metrics_path: str, health_path: str) -> None:
        self.path = metrics_path or health_path
        self.name = "vectorwatch"
        self.metrics_path = metrics_path
        self._health = health
        self._answers: dict[str, Answer] = {}
        if metrics_path:
            self._answers[metrics_path] = answer_metrics
        self._parts = f"{health_path}/" if health_path else "\0"
        if health_path:
            self._answers[health_path] = self._answer_health
            self._answers[f"{health_path}/detailed"] = self._answer_detailed

    def has(self, path: str) -> bool:
        """Tell whether `path` is one of these; below health only the parts that there are."""
        return path in self._answers or (
            path.startswith(self._parts) and self._health.has(path[len(self._parts) :])
        )

    def find_taken(self, app: Starlette) -> str:
        """Return one of these paths that the application has a route for already, or an empty text."""
        paths = {template for _, template in walk(app.routes, "")}
        paths.update(getattr(route, "path", "") for route in app.routes if route is not self)  # mounts
        return min((path for path in paths if "{" not in path and self.has(path)), default="")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match by the whole path."""
        if scope["type"] == "http" and self.has(path_inside(scope)):
            return Match.FULL, {"endpoint": self}
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Refuse: no page of the application links here."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that matches."""
        if scope["method"] not in _METHODS:
            answer: Response = PlainTextResponse(
                "Only GET and HEAD.\n", status_code=405, headers={"Allow": ", ".join(_METHODS)}
            )
        else:
            path = path_inside(scope)
            answer = await self._answers.get(path, self._answer_part)(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer_health(self, _request: Request) -> Response:
        return _as_json(*await self._health.report())

    async def _answer_detailed(self, _request: Request) -> Response:
        return _as_json(*await self._health.report(detailed=True))

    async def _answer_part(self, request: Request) -> Response:
        name = path_inside(request.scope)[len(self._parts) :]
        return _as_json(*await self._health.report_part(name))


def _as_json(status: Status, answer: dict[str, Any]) -> Response:
    return ReportResponse(
        answer, status_code=503 if status is Status.ERROR else 200, headers={"Cache-Control": "no-store"}
    )


class ReportResponse(JSONResponse):
    """JSON of what checks return: whatever they put in, a report comes out."""

    def render(self, content: Any) -> bytes:
        """Write `content`; what JSON does not know, NaN too, is written as text."""
        known = json.loads(json.dumps(content, default=str), parse_constant=str)
        return json.dumps(known, separators=(",", ":")).encode()


def path_inside(scope: Scope) -> str:
    """Return the path of a request without the root path under which a proxy puts the application."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :] or "/"
    return path


def add_routes(app: Starlette, routes: OwnRoutes) -> None:
    """Put `routes` first, so that no catch-all hides them. Raises SetupError where a path is taken."""
    check_paths(app, routes)
    app.router.routes.insert(0, routes)


def check_paths(app: Starlette, routes: OwnRoutes) -> None:
    """Raise SetupError where `routes` would hide a route of the application."""
    taken = routes.find_taken(app)
    if taken:
        option = "metrics_path" if taken == routes.metrics_path else "health_path"
        raise SetupError(
            f'{option}: the application has a route `{taken}` already; name another, or none: {option}=""'
        )
