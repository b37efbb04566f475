"""The smoke test's stand-in for Logstash runs the same scripts as the model, for thousands of lines."""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.logs.pipeline.model import MAPPINGS, ROOT, VECTORWATCH, Event, Model
from tests.smoke.images.logstash.pipeline import Filters
from tests.smoke.images.logstash.plan import Plan, read_plan

_LINES = (
    '{"level":"WARN","message":"at postgres://a:hunter2@db"}',
    '{"message":"x","level":"info","service":{"name":"api"}}',
    "",
    '192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /health HTTP/1.1" 200 2 "-" "curl"',
)


def _read_main() -> list[Any]:
    """Return the steps of the pipeline `main`, with the folders of this checkout."""
    files = sorted((ROOT / "logstash" / "pipeline" / "main").glob("*.conf"))
    plan: Plan = read_plan(files, {"LOGSTASH_WRITER_PASSWORD": "pen"})
    text = json.dumps(plan.steps)
    text = text.replace(MAPPINGS, str(ROOT / "elasticsearch" / "component-templates"))
    steps: list[Any] = json.loads(text.replace(VECTORWATCH, str(ROOT / "logstash")))
    return steps


def test_it_makes_the_same_documents_as_the_model_and_counts_them(main: Model) -> None:
    fields = {
        "@timestamp": "2026-01-01T00:00:00Z",
        "@version": "1",
        "container": {"id": "ab"},
        "fields": {"log_type": "container"},
        "log": {"offset": 7},
    }
    events: list[dict[str, Any]] = [
        {"fields": {**fields, "message": line}, "metadata": {"arrived_by": "beats"}} for line in _LINES
    ]
    filters = Filters(_read_main())
    try:
        done = filters.run(events)
        counts = filters.counts
    finally:
        filters.close()
    for event in events:
        expected = main.run(Event(copy.deepcopy(event["fields"]), dict(event["metadata"])))
        for document in expected:
            twin = next(one for one in done if one["metadata"]["id"] == document.metadata["id"])
            document.fields["event"]["ingested"] = twin["fields"]["event"]["ingested"]
            assert (twin["fields"], twin["metadata"]) == (document.fields, document.metadata)
    assert len(done) == 2
    assert counts["read"] == (4, 4)
    assert counts["drop_empty_lines"] == (1, 0)
    assert counts["drop_health_checks"] == (1, 0)
