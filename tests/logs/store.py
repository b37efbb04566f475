"""Documents of logs in a real OpenSearch, and what panels get when they ask for them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.dashboards.documents import Row, read_rows, to_request
from tests.dashboards.searches import Search
from tests.logs.opensearch.server import start
from tests.logs.opensearch.templates import put_templates

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ODD_SERVICE = "rag.api/v2"
"""A name with characters that mean something in a pattern."""
HOUR_MS = 3_600_000
GOLDEN = Path(__file__).parent / "golden"
"""Events and the documents that Logstash makes of them, all of one hour."""
GOLDEN_END_MS = 1_732_690_800_000  # 27 November 2024, 07:00 UTC
Body = dict[str, Any]


def line(dataset: str, service: str, level: str, message: str, seconds_ago: int, **more: Any) -> Body:
    """Return a document as logstash/ruby/shape.rb makes it."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds_ago))
    body = {
        "@timestamp": when,
        "message": message,
        "log": {"level": level},
        "service": {"name": service},
        "event": {"ingested": when},
        "data_stream": {"type": "logs", "dataset": dataset, "namespace": "default"},
    }
    for name, value in more.items():
        old = body.get(name)
        body[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return body


DOCUMENTS = (
    line("application", "demo-app", "info", "GET /search 200", 60, trace={"id": TRACE}, duration_ms=12.5),
    line(
        "application",
        "demo-app",
        "error",
        "search failed: connection refused",
        50,
        error={"type": "ConnectError", "message": "connection refused"},
        trace={"id": TRACE},
        http={"route": "/search", "response": {"status_code": 500}},
        duration_ms=2500.0,
    ),
    line("application", ODD_SERVICE, "critical", "out of memory", 45, error={"type": "MemoryError"}),
    line("application", ODD_SERVICE, "warning", "slow", 40, operation="index", duration_ms=61_000.0),
    line("container", "qdrant", "info", "Loaded collection articles_v1", 30, stream="stdout"),
    line(
        "security",
        "demo-app",
        "warning",
        "login refused",
        20,
        event={
            "category": ["authentication"],
            "action": "authentication_failure",
            "outcome": "failure",
            "risk_score": 30.0,
            "reason": "invalid_credentials",
        },
        user={"id": "u-1", "name": "eve"},
        source={"ip": "203.0.113.7"},
        tags=["security"],
    ),
    line(
        "alerts",
        "alert-inbox",
        "critical",
        "CacheDown: The cache does not answer.",
        10,
        alert={
            "name": "CacheDown",
            "severity": "critical",
            "status": "firing",
            "channel": "webhook",
            "summary": "The cache does not answer.",
        },
    ),
    line(
        "dead_letter",
        "unknown",
        "error",
        "refused by Elasticsearch: failed to parse field [duration_ms]",
        5,
        event={"original": '{"duration_ms":"long"}'},
        error={"message": "status: 400"},
        attributes={"data_stream": "logs-application-default"},
    ),
)


@dataclass(frozen=True)
class Store:
    """OpenSearch with the templates of this repository and the documents above."""

    url: str
    client: httpx.Client

    def ask(self, search: Search, end_ms: int | None = None) -> list[Row]:
        """Return what a panel shows of the hour before `end_ms`, or of the last one."""
        end_ms = end_ms or int(time.time() * 1000) + 1000
        answer = self.client.post(
            "/logs-*/_search",
            params={"ignore_unavailable": "true", "allow_no_indices": "true"},
            json=to_request(search, end_ms - HOUR_MS, end_ms, interval_ms=60_000),
        )
        assert answer.is_success, f"{search}: {answer.text}\n{search.lucene}"
        return read_rows(search, answer.json())


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Run OpenSearch with its data in `folder`, and fill it. Raises OpenSearchError."""
    with start(folder) as server, httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        put_templates(client)
        _fill(client)
        yield Store(server.url, client)


def _fill(client: httpx.Client) -> None:
    lines: list[Body] = []
    for document in (*DOCUMENTS, *read_golden()):
        stream = "-".join(document["data_stream"][part] for part in ("type", "dataset", "namespace"))
        lines += [{"create": {"_index": stream}}, document]
    text = "".join(json.dumps(one) + "\n" for one in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = client.post("/_bulk", params={"refresh": "true"}, content=text, headers=headers).json()
    assert not answer["errors"], answer


def read_golden() -> list[Body]:
    """Return the documents that Logstash makes of the golden events."""
    found = []
    for path in sorted(GOLDEN.glob("*.json")):
        for document in json.loads(path.read_text(encoding="utf-8"))["documents"]:
            body = {name: value for name, value in document.items() if not name.startswith("_")}
            found.append({**body, "event": {**body["event"], "ingested": body["@timestamp"]}})
    return found
