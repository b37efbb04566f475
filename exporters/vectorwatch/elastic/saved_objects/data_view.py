"""The data views: which streams one looks at together, and how their fields are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .addresses import JAEGER

_PLAIN = {"id": "number", "params": {"pattern": "0"}}
"""A number without separators: a status, an offset, an id."""


def _duration(unit: str) -> Mapping[str, Any]:
    return {
        "id": "duration",
        "params": {
            "inputFormat": unit,
            "outputFormat": "humanizePrecise",
            "outputPrecision": 1,
            "useShortSuffix": True,
        },
    }


def _link(template: str, *, new_tab: bool = True) -> Mapping[str, Any]:
    return {
        "id": "url",
        "params": {
            "type": "a",
            "urlTemplate": template,
            "labelTemplate": "{{value}}",
            "openLinkInCurrentTab": not new_tab,
        },
    }


def _lines_with(field: str) -> Mapping[str, Any]:
    """Return a link to all lines that have the same value."""
    state = f"(index:vw-logs,query:(language:kuery,query:'{field}:\"{{{{value}}}}\"'))"
    return _link(f"/app/discover#/?_a={state}", new_tab=False)


FORMATS: Mapping[str, Mapping[str, Any]] = {
    "alert.dashboard_url": _link("{{rawValue}}"),
    "alert.runbook_url": _link("{{rawValue}}"),
    "correlation_id": _lines_with("correlation_id"),
    "duration_ms": _duration("milliseconds"),
    "event.duration": _duration("nanoseconds"),  # ECS
    "event.risk_score": {"id": "number", "params": {"pattern": "0"}},
    "http.request.id": _lines_with("http.request.id"),
    "http.response.status_code": _PLAIN,
    "log.offset": _PLAIN,
    "log.origin.file.line": _PLAIN,
    "process.pid": _PLAIN,
    "trace.id": _link(f"{JAEGER}/trace/{{{{value}}}}"),
}
"""How fields are shown, in every data view: it has the field or not."""


@dataclass(frozen=True)
class DataView:
    """Streams that one looks at together."""

    id: str
    title: str
    pattern: str
    about: str


LOGS = DataView("vw-logs", "Logs", "logs-*", "Everything that was logged, all streams.")
SECURITY = DataView(
    "vw-logs-security", "Security events", "logs-security-*", "Events of authentication, access and risk."
)
ALERTS = DataView(
    "vw-logs-alerts", "Alert history", "logs-alerts-*", "A document for each alert of each notification."
)
DEAD_LETTERS = DataView(
    "vw-logs-dead-letter",
    "Dead letters",
    "logs-dead_letter-*",
    "What Elasticsearch refused, as text, and why.",
)

DATA_VIEWS = (LOGS, SECURITY, ALERTS, DEAD_LETTERS)
