"""Which route answered a request, as its template: `/items/{id}`, never `/items/17`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import compile_path
from starlette.types import Scope

UNMATCHED = "unmatched"
"""The endpoint of what no route answers, a redirect to the path with or without its last slash included."""

# Applications mounted inside may leave endpoints of their own; so many of them are known as not ours.
_MOST_FOREIGN = 1_000


@dataclass(frozen=True)
class _Place:
    """One place at which an endpoint can be reached."""

    template: str
    path: re.Pattern[str]


@dataclass
class _Endpoint:
    function: Any
    """Kept, so that its `id` is no other object's."""
    places: list[_Place] = field(default_factory=list)


class Endpoints:
    """The templates of an application's routes, those of routers and mounted applications included.

    Starlette and FastAPI leave in the scope the function that answered (`scope["endpoint"]`), not the whole
    template; one look-up by its identity finds that. Routes added later are found when they first answer.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._by_id: dict[int, _Endpoint] = {}
        self._routes = -1
        self._foreign: dict[int, Any] = {}

    def find(self, scope: Scope, path: str) -> str:
        """Return the template of what answered a request for `path`, the root path of the server left out."""
        function = scope.get("endpoint")
        if function is None:
            return UNMATCHED
        found = self._by_id.get(id(function))
        if found is None:
            found = self._find_new(function)
            if found is None:
                return UNMATCHED
        if len(found.places) == 1:
            return found.places[0].template
        return next((place.template for place in found.places if place.path.match(path)), UNMATCHED)

    def match(self, path: str) -> str:
        """Return the template of the first route for `path`; for what has left no endpoint in the scope.

        That is a middleware that answers by itself, or passes a copy of the scope on.
        """
        if self._routes != len(self._app.routes):
            self._read()
        places = (place for endpoint in self._by_id.values() for place in endpoint.places)
        return next((place.template for place in places if place.path.match(path)), UNMATCHED)

    def _find_new(self, function: Any) -> _Endpoint | None:
        if id(function) in self._foreign:
            return None
        self._read()
        found = self._by_id.get(id(function))
        if found is None:
            if len(self._foreign) >= _MOST_FOREIGN:
                self._foreign.clear()
            self._foreign[id(function)] = function
        return found

    def _read(self) -> None:
        by_id: dict[int, _Endpoint] = {}
        for function, template in walk(self._app.routes, ""):
            pattern, formatted, _ = compile_path(template)
            endpoint = by_id.setdefault(id(function), _Endpoint(function))
            endpoint.places.append(_Place(formatted, pattern))
        self._by_id = by_id
        self._routes = len(self._app.routes)


def walk(routes: Iterable[Any], prefix: str) -> Iterator[tuple[Any, str]]:
    """Yield each endpoint with its template."""
    for route in _flatten(routes):
        path = getattr(route, "path", None) or ""
        inner = getattr(route, "routes", None)
        if inner:
            yield from walk(inner, prefix + path)
            continue
        endpoint = getattr(route, "endpoint", None)
        if endpoint is not None:
            yield endpoint, prefix + path
        elif inner is not None and getattr(route, "app", None) is not None:
            # A mount of something that shows no routes, such as static files: the mount is all that is known.
            yield route.app, f"{prefix}{path}/{{path:path}}"


def _flatten(routes: Iterable[Any]) -> Iterable[Any]:
    """Return the routes with FastAPI's included routers resolved; each then has its whole path.

    FastAPI nests included routers since 0.137 and offers the function that resolves them since 0.137.2.
    """
    try:
        from fastapi.routing import iter_route_contexts
    except ImportError:  # Starlette alone, or a FastAPI that copies the routes of included routers
        return routes
    return iter_route_contexts(list(routes))
