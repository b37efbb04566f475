"""Routes about the node itself."""

from __future__ import annotations

from typing import Any

import pydantic_core
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from vectorwatch.demo.engine.endpoint import Action, Call
from vectorwatch.demo.engine.errors import BadRequest
from vectorwatch.demo.engine.exposition import render_metrics
from vectorwatch.demo.engine.node import describe_version
from vectorwatch.demo.engine.telemetry import collect_telemetry


async def answer_version(_: Request) -> Response:
    return Response(pydantic_core.to_json(describe_version()), media_type="application/json")


async def answer_health(_: Request) -> Response:
    return PlainTextResponse("healthz check passed")


async def answer_readiness(_: Request) -> Response:
    # Collections are loaded before the port opens.
    return PlainTextResponse("all shards are ready")


def _read_cluster(_: Call) -> dict[str, Any]:
    return {"status": "disabled"}


def _read_issues(_: Call) -> dict[str, Any]:
    return {"issues": []}


def _read_telemetry(call: Call) -> dict[str, Any]:
    level = call.query.get("details_level", "0")
    if not level.isdecimal():
        raise BadRequest(f"details_level: invalid digit found in `{level}`")
    return collect_telemetry(call.node, int(level))


def _read_metrics(call: Call) -> Response:
    return PlainTextResponse(render_metrics(call.node))


OPEN_ROUTES = {
    "/": answer_version,
    "/healthz": answer_health,
    "/livez": answer_health,
    "/readyz": answer_readiness,
}
ACTIONS: list[tuple[str, str, Action]] = [
    ("GET", "/cluster", _read_cluster),
    ("GET", "/issues", _read_issues),
    ("GET", "/telemetry", _read_telemetry),
    ("GET", "/metrics", _read_metrics),
]
