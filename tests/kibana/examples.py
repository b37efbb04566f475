"""A document of each kind that the pipeline stores, by the dataset of its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SERVICE = {"name": "rag-api", "environment": "production", "version": "1.4.0"}
_OPERATION = {
    "service": _SERVICE,
    "operation_type": "query_api",
    "operation": "search",
    "collection_name": "docs",
    "trace": {"id": TRACE},
    "span": {"id": "00f067aa0ba902b7"},
    "http": {"request": {"id": "r-1"}, "route": "/ask"},
    "correlation_id": "c-1",
}
_CONTAINER = {"id": "f" * 64, "name": "vectorwatch-qdrant-1", "image": {"name": "qdrant/qdrant"}}


def list_examples(now: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield dataset and document, all of the moment `now` (ISO 8601)."""
    for dataset, document in _EXAMPLES:
        streams = {"type": "logs", "dataset": dataset, "namespace": "default"}
        yield dataset, {"@timestamp": now, "data_stream": streams, **document}


_EXAMPLES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (
        "application",
        {
            **_OPERATION,
            "message": "search took 1.5 s",
            "log": {"level": "info", "logger": "app.search"},
            "duration_ms": 1500.5,
            "cache_hit": False,
        },
    ),
    (
        "application",
        {
            **_OPERATION,
            "message": "answered from the cache",
            "log": {"level": "warning", "logger": "app.search"},
            "duration_ms": 4.25,
            "cache_hit": True,
        },
    ),
    (
        "application",
        {
            **_OPERATION,
            "message": "no answer from the model",
            "log": {"level": "error", "logger": "app.model"},
            "http": {"request": {"id": "r-1"}, "route": "/ask", "response": {"status_code": 502}},
            "error": {"type": "TimeoutError", "message": "30 s without a byte"},
            "tags": ["error", "query_api"],
        },
    ),
    (
        "container",
        {
            "message": "panic: no space left on device",
            "log": {"level": "critical", "logger": "qdrant"},
            "service": {"name": "qdrant"},
            "container": _CONTAINER,
            "error": {"type": "panic"},
            "stream": "stderr",
        },
    ),
    (
        "security",
        {
            "message": "security event: authentication_failure",
            "log": {"level": "warning"},
            "service": _SERVICE,
            "event": {
                "kind": "alert",
                "category": ["authentication"],
                "action": "authentication_failure",
                "outcome": "failure",
                "risk_score": 90.0,
            },
            "source": {"ip": "203.0.113.9"},
            "user": {"id": "u-1", "name": "alice"},
            "tags": ["security"],
        },
    ),
    *(
        (
            "alerts",
            {
                "message": "CacheDown: The cache does not answer.",
                "log": {"level": "critical" if status == "firing" else "info"},
                "service": {"name": "alert-inbox"},
                "alert": {
                    "name": "CacheDown",
                    "severity": "critical",
                    "status": status,
                    "fingerprint": "a1b2c3d4e5f60718",
                    "channel": "slack",
                    "summary": "The cache does not answer.",
                    "runbook_url": "http://prometheus.example.com/runbooks/CacheDown.md",
                    "dashboard_url": "http://grafana.example.com/d/vw-cache",
                },
            },
        )
        for status in ("firing", "resolved")
    ),
    (
        "dead_letter",
        {
            "message": "refused by Elasticsearch: failed to parse field [@timestamp]",
            "log": {"level": "error"},
            "service": _SERVICE,
            "error": {"message": "status: 400, failed to parse field [@timestamp] of type [date]"},
            "event": {"original": '{"@timestamp": "yesterday"}'},
            "attributes": {"data_stream": "logs-application-default"},
        },
    ),
)
