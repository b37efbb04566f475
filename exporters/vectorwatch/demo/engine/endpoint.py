"""From a function on a `Call` to an HTTP endpoint: key, thread pool, Qdrant's envelope, errors, counters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from time import perf_counter
from typing import Any

import pydantic_core
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.errors import BadBody, Refusal
from vectorwatch.demo.engine.fields import Fields, parse_json
from vectorwatch.demo.engine.node import Node
from vectorwatch.demo.engine.traffic import COUNTED_ENDPOINTS

_LARGEST_BODY_BYTES = 32 * 1024 * 1024
"""Qdrant's `max_request_size_mb`."""


@dataclass(frozen=True)
class Call:
    """One request to a route."""

    node: Node
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> Fields:
        """Return the JSON object in the body. Raises BadBody."""
        return Fields(parse_json(self.body))

    @property
    def collection_name(self) -> str:
        return self.path["collection_name"]

    @property
    def collection(self) -> Collection:
        """Return the collection that the path names, itself or by an alias. Raises NotFound."""
        return self.node.catalogue.find(self.collection_name)

    @property
    def wait(self) -> bool:
        return self.query.get("wait", "false").lower() == "true"


Action = Callable[[Call], Any]
"""Returns what becomes `result`, or a whole Response; raises Refusal."""


def serve_action(node: Node, method: str, template: str, action: Action) -> Route:
    """Return a route that runs `action` in a thread: the engine blocks, other requests must not."""

    async def endpoint(request: Request) -> Response:
        start = perf_counter()
        response = refuse_stranger(node, request) or await _answer(node, request, action, start)
        if template in COUNTED_ENDPOINTS:
            node.traffic.record(method, template, response.status_code, perf_counter() - start)
        return response

    return Route(template, endpoint, methods=[method])


def serve_openly(template: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return a route without a key and without a thread, so that it answers while all threads are busy."""
    return Route(template, answer, methods=["GET"])


def refuse_stranger(node: Node, request: Request) -> Response | None:
    """Return Qdrant's plain 401 unless the request carries the key, in `api-key` or as a bearer token."""
    if node.api_key is None:
        return None
    authorization = request.headers.get("authorization", "")
    given = request.headers.get("api-key") or authorization.removeprefix("Bearer ")
    if not given:
        return PlainTextResponse("Must provide an API key or an Authorization bearer token", 401)
    if not compare_digest(given.encode(), node.api_key.encode()):
        return PlainTextResponse("Invalid API key or JWT", 401)
    return None


async def _answer(node: Node, request: Request, action: Action, start: float) -> Response:
    try:
        call = Call(node, request.path_params, request.query_params, await _read_body(request))
        result = await run_in_threadpool(action, call)
    except ClientDisconnect:
        return Response(status_code=499)
    except Refusal as refusal:
        return _wrap({"status": {"error": str(refusal)}}, start, refusal.status, refusal.headers)
    if isinstance(result, Response):
        return result
    return _wrap({"result": result, "status": "ok"}, start, 200, {})


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY_BYTES:
            raise BadBody(f"JSON payload is larger than allowed (limit: {_LARGEST_BODY_BYTES} bytes)")
    return bytes(body)


def _wrap(content: dict[str, Any], start: float, status: int, headers: Mapping[str, str]) -> Response:
    body = pydantic_core.to_json(content | {"time": perf_counter() - start}, inf_nan_mode="null")
    return Response(body, status, dict(headers), media_type="application/json")
