"""The addresses for load balancers, scripts and people."""

from __future__ import annotations

from time import monotonic
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse

from vectorwatch import __version__

from .answer import ComponentHealth, DetailedHealth, Health, State, Unknown
from .checker import Checker, Report
from .history import History
from .matrix import COMPONENTS, find
from .page import HEADERS, PAGE

_UNAVAILABLE = 503


def health_routes(checker: Checker) -> APIRouter:
    """Return `/health`, `/health/detailed`, `/health/{component}`, `/history` and the page."""
    router = APIRouter()
    start = monotonic()

    def heading(report: Report) -> dict[str, Any]:
        return {
            "status": report.status,
            "timestamp": report.timestamp,
            "version": __version__,
            "uptime_seconds": round(monotonic() - start, 3),
            "problem": report.problem,
        }

    @router.get(
        "/health", responses={_UNAVAILABLE: {"model": Health, "description": "A required part fails"}}
    )
    async def health(response: Response) -> Health:
        """Tell the state of all, and of each component; 503 if a required one is unhealthy."""
        report = await checker.report()
        response.status_code = _code(report.status)
        return Health(**heading(report), components={one.component: one.status for one in report.components})

    @router.get(
        "/health/detailed",
        responses={_UNAVAILABLE: {"model": DetailedHealth, "description": "A required part fails"}},
    )
    async def detailed(response: Response) -> DetailedHealth:
        """Tell everything: reasons, metrics, alerts, checks; 503 as `/health`."""
        report = await checker.report()
        response.status_code = _code(report.status)
        return DetailedHealth(
            **heading(report),
            components={one.component: one for one in report.components},
            metrics={
                f"{one.component}.{field}": value
                for one in report.components
                for field, value in one.metrics.items()
            },
            alerts=list(report.alerts),
        )

    @router.get(
        "/health/{component}",
        response_model=ComponentHealth,
        responses={
            404: {"model": Unknown, "description": "No such component"},
            _UNAVAILABLE: {"model": ComponentHealth, "description": "The component is unhealthy"},
        },
    )
    async def one_component(component: str, response: Response) -> ComponentHealth | JSONResponse:
        """Tell the state of one component; 503 if it is unhealthy."""
        wanted = find(component)
        if wanted is None:
            known = ", ".join(one.name for one in COMPONENTS)
            return JSONResponse({"detail": f"there is no such component; known are {known}"}, 404)
        report = await checker.report()
        found = next(one for one in report.components if one.component == wanted.name)
        response.status_code = _code(found.status)
        return found

    @router.get("/history")
    async def history() -> History:
        """Tell the last day of the most telling numbers."""
        return await checker.history()

    @router.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        """Show all of it to people."""
        return HTMLResponse(PAGE, headers=HEADERS)

    return router


def _code(state: State) -> int:
    return _UNAVAILABLE if state is State.UNHEALTHY else 200
