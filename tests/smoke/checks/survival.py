"""What was there before `down` is there after `up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.smoke.checks.logs import count_all
from tests.smoke.checks.traces import JAEGER, send
from tests.smoke.stage import CheckError, Stage, wait
from vectorwatch.demo.jaeger_api import find_spans, make_trace_id

_KEEPERS = ("prometheus", "alertmanager", "inbox", "elasticsearch")
_LIMIT = "100"
"""Of notifications in one answer."""
_SAMPLE = 'up{job="prometheus"}'


@dataclass(frozen=True)
class Kept:
    """What must survive."""

    samples: Mapping[str, Any]
    """The value and the time of a sample of Prometheus."""
    silence: str
    notifications: Mapping[int, Any]
    trace: str
    """The id of a trace; empty without a Jaeger."""
    documents: int
    """How many log lines Elasticsearch holds."""


def of_data(stage: Stage) -> str:
    """Take the stack down and bring it up: samples, silences and notifications are still there."""
    before = note(stage)
    if not before.notifications:
        raise CheckError("the inbox has no notification that could survive", ("inbox",))
    stage.project.down()
    if left := stage.project.containers():
        raise CheckError(f"still there after `down`: {', '.join(left)}")
    seconds = max(stage.project.up(stage.started).values())
    wait(lambda: explain_lost(stage, before), "after `down` and `up`", _KEEPERS)
    kept = ["a sample", "a silence", *(["a trace"] if before.trace else [])]
    kept += [f"{len(before.notifications)} notifications", f"{before.documents} log lines"]
    return f"{', '.join(kept)}; healthy again after {seconds:.0f} s"


def note(stage: Stage, *, with_logs: bool = True) -> Kept:
    """Return what is there, a new silence and a new trace with it."""
    found = stage.get("prometheus", "/api/v1/query", query=_SAMPLE).json()["data"]["result"]
    if not found:
        raise CheckError(f"no sample of {_SAMPLE}", ("prometheus",))
    return Kept(
        found[0],
        _silence(stage),
        _list_notifications(stage),
        _trace(stage),
        count_all(stage) if with_logs else 0,
    )


def _trace(stage: Stage) -> str:
    if JAEGER in stage.absent:
        return ""
    trace = make_trace_id()
    send(stage, trace)
    return trace


def _silence(stage: Stage) -> str:
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "smoke", "value": "1", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=2)).isoformat(),
        "createdBy": "smoke",
        "comment": "must survive",
    }
    url = stage.project.url("alertmanager") + "/api/v2/silences"
    answer = httpx.post(url, json=silence, timeout=10, trust_env=False).raise_for_status()
    return str(answer.json()["silenceID"])


def _list_notifications(stage: Stage, **since: str) -> Mapping[int, Any]:
    answer = stage.get("inbox", "/api/notifications", limit=_LIMIT, **since)
    return {record["id"]: record for record in answer.json()}


def explain_lost(stage: Stage, before: Kept) -> str:
    """Return what of `before` is not there any more, or an empty text."""
    moment, value = before.samples["value"]
    found = stage.get("prometheus", "/api/v1/query", query=_SAMPLE, time=str(moment)).json()["data"]["result"]
    if not found or found[0]["value"] != [moment, value]:
        return f"the sample of {moment} is gone"
    silences = {silence["id"] for silence in stage.get("alertmanager", "/api/v2/silences").json()}
    if before.silence not in silences:
        return "the silence is gone"
    after = _list_notifications(stage, since=str(min(before.notifications, default=1) - 1))
    lost = [number for number, record in before.notifications.items() if after.get(number) != record]
    if lost:
        return f"notifications {lost} are gone or changed"
    if before.trace and not find_spans(stage.project.url(JAEGER), before.trace):
        return "the trace is gone"
    missing = before.documents - count_all(stage) if before.documents else 0
    return f"{missing} log lines are gone" if missing > 0 else ""
