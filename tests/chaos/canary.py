"""Data that each store has acknowledged, and whether it is still there.

Of each kind: how one is written, which returns its id only when the store said that it has it, and which of
many ids are gone.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.chaos.client import PRINTED, ask, read_printed
from tests.chaos.outcome import Loss
from tests.chaos.scene import Scene
from tests.smoke.checks.logs import list_loggers
from tests.smoke.command import CommandError
from tests.smoke.stage import CheckError
from vectorwatch.demo.jaeger_api import find_spans, make_trace_id, send_span

_TIMEOUT_SECONDS = 5.0
_EXEC_SECONDS = 15.0
_SENT = "chaos-sent"
_LOOK_SECONDS = 1.0
_SAMPLES = "up[2m]"


@dataclass(frozen=True)
class Kind:
    """A kind of data; `patience_seconds` is how long it may be on its way after all is well."""

    name: str
    keeper: str
    """The service that acknowledges it."""
    write: Callable[[Scene], str]
    find: Callable[[Scene, Sequence[str]], Iterable[str]]
    """Returns those of the ids that are still there."""
    patience_seconds: float = 15.0


@dataclass(frozen=True)
class Record:
    """One thing that was acknowledged."""

    kind: Kind
    identity: str
    moment: float
    """Of the clock `time.monotonic`."""


class Canary:
    """Writes data of every kind and remembers what was acknowledged."""

    def __init__(self, scene: Scene, kinds: Sequence[Kind]) -> None:
        self._scene = scene
        self._kinds = kinds
        self._records: list[Record] = []

    @property
    def count(self) -> int:
        """Return how many acknowledged things are remembered."""
        return len(self._records)

    def write(self, last: str = "") -> set[str]:
        """Write one of each kind, that of the service `last` at the end; return which were refused."""
        kinds = [kind for kind in self._kinds if kind.keeper != last]
        own = [kind for kind in self._kinds if kind.keeper == last]
        with ThreadPoolExecutor(len(self._kinds)) as pool:
            refused = {
                kind.name for kind, ok in zip(kinds, pool.map(self._write, kinds), strict=True) if not ok
            }
        return refused | {kind.name for kind in own if not self._write(kind)}

    def find_lost(self, broken: float) -> list[Loss]:
        """Wait until everything is there; return what is not, and forget it. `broken` is when it broke."""
        losses = []
        for kind in self._kinds:
            if lost := self._find_lost(kind):
                self._records = [record for record in self._records if record not in lost]
                ages = [round(broken - record.moment, 1) for record in lost]
                losses.append(Loss(kind.name, kind.keeper, len(lost), max(ages)))
        return losses

    def _write(self, kind: Kind) -> bool:
        try:
            identity = kind.write(self._scene)
        except (httpx.HTTPError, OSError, CheckError, CommandError, LookupError, ValueError):
            return False
        self._records.append(Record(kind, identity, time.monotonic()))
        return True

    def _find_lost(self, kind: Kind) -> list[Record]:
        records = [record for record in self._records if record.kind is kind]
        deadline = time.monotonic() + kind.patience_seconds
        while missing := self._find_missing(kind, records):
            if time.monotonic() > deadline:
                break
            time.sleep(_LOOK_SECONDS)
        return missing

    def _find_missing(self, kind: Kind, records: list[Record]) -> list[Record]:
        try:
            found = set(kind.find(self._scene, [record.identity for record in records]))
        except (httpx.HTTPError, OSError, CheckError, CommandError, LookupError, ValueError):
            return records
        return [record for record in records if record.identity not in found]


def _notify(scene: Scene) -> str:
    alert = {
        "status": "firing",
        "labels": {"alertname": "ChaosCanary", "severity": "info"},
        "annotations": {},
    }
    alert["startsAt"] = datetime.now(UTC).isoformat()
    body = {"version": "4", "status": "firing", "receiver": "chaos", "groupKey": "chaos", "alerts": [alert]}
    answer = _post(scene.stage.project.url("inbox") + "/webhook", body)
    return str(answer.headers["X-Notification-Id"])


def _find_notifications(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    for identity in ids:
        answer = httpx.get(
            f"{scene.stage.project.url('inbox')}/api/notifications/{identity}",
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )
        if answer.status_code == httpx.codes.OK and "ChaosCanary" in answer.text:
            yield identity


def _silence(scene: Scene) -> str:
    now = datetime.now(UTC)
    body = {
        "matchers": [{"name": "chaos", "value": secrets.token_hex(4), "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=12)).isoformat(),
        "createdBy": "chaos",
        "comment": "must survive",
    }
    return str(_post(scene.stage.project.url("alertmanager") + "/api/v2/silences", body).json()["silenceID"])


def _find_silences(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    return [silence["id"] for silence in scene.stage.get("alertmanager", "/api/v2/silences").json()]


def _send_span(scene: Scene) -> str:
    trace = make_trace_id()
    send_span(scene.stage.project.url("jaeger-otlp"), trace, service="chaos", name="GET /chaos")
    return trace


def _find_traces(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    return [trace for trace in ids if find_spans(scene.stage.project.url("jaeger"), trace)]


def _send_line(scene: Scene) -> str:
    identity = secrets.token_hex(8)
    _post(
        scene.stage.project.url("logstash"),
        {"level": "info", "message": "sent", "logger": identity, "service": {"name": _SENT}},
    )
    return identity


def _find_lines(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    return list_loggers(scene.stage, _SENT)


def _print_line(scene: Scene) -> str:
    """Return the newest of the lines that the client has printed by itself."""
    return read_printed(scene.stage.project, scene.client)[-1]


def _find_printed(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    """Return the ids, unless any line before them is missing."""
    printed, found = read_printed(scene.stage.project, scene.client), list_loggers(scene.stage, PRINTED)
    upto = {identity: printed.index(identity) for identity in ids}
    first = next((number for number, one in enumerate(printed) if one not in found), len(printed))
    return [identity for identity, number in upto.items() if number < first]


def _put_point(scene: Scene) -> str:
    identity = str(secrets.randbelow(2**40))
    return _expect(ask(scene.stage.project, scene.client, "put-point", identity), "completed", identity)


def _find_points(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    return map(str, json.loads(ask(scene.stage.project, scene.client, "points", *ids)))


def _put_key(scene: Scene) -> str:
    identity = f"chaos:{secrets.token_hex(6)}"
    return _expect(ask(scene.stage.project, scene.client, "put-key", identity), "+OK", identity)


def _find_keys(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    found: list[str] = json.loads(ask(scene.stage.project, scene.client, "keys", *ids))
    return found


def _read_samples(scene: Scene) -> str:
    """Return all samples of `up` in the last two minutes, and the moment: what is there is acknowledged."""
    now = f"{time.time():.3f}"
    return json.dumps([now, _query_samples(scene, now)])


def _find_samples(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    for identity in ids:
        moment, samples = json.loads(identity)
        now = _query_samples(scene, moment)
        if all(
            set(map(tuple, values)) <= set(map(tuple, now.get(key, ()))) for key, values in samples.items()
        ):
            yield identity


def _accept_baseline(scene: Scene) -> str:
    """Make the newest figures the baseline, as a person does; return when, in seconds since 1970."""
    _run_in_benchmark(scene, "vectorwatch", "benchmark", "accept")
    return repr(_read_baseline(scene))


def _find_baselines(scene: Scene, ids: Sequence[str]) -> Iterable[str]:
    """Return the moments that are not later than that of the file: a baseline replaces the one before."""
    newest = _read_baseline(scene)
    return [identity for identity in ids if float(identity) <= newest]


def _read_baseline(scene: Scene) -> float:
    document = json.loads(_run_in_benchmark(scene, "cat", "/var/lib/vectorwatch/baseline.json"))
    return max(float(entry["taken_at"]) for entry in document["benchmarks"])


def _run_in_benchmark(scene: Scene, *command: str) -> str:
    container = scene.containers["benchmark"].id
    return scene.docker.run("exec", container, *command, timeout_seconds=_EXEC_SECONDS)


def _query_samples(scene: Scene, moment: str) -> Mapping[str, list[list[Any]]]:
    answer = scene.stage.get("prometheus", "/api/v1/query", query=_SAMPLES, time=moment).json()
    found = {json.dumps(one["metric"], sort_keys=True): one["values"] for one in answer["data"]["result"]}
    if not found:
        raise LookupError("no samples")
    return found


def _post(url: str, body: Mapping[str, Any]) -> httpx.Response:
    return httpx.post(url, json=body, timeout=_TIMEOUT_SECONDS, trust_env=False).raise_for_status()


def _expect(said: str, wanted: str, identity: str) -> str:
    if said != wanted:
        raise ConnectionError(said)
    return identity


KINDS: Sequence[Kind] = (
    Kind("samples of the last two minutes", "prometheus", _read_samples, _find_samples),
    Kind("silence", "alertmanager", _silence, _find_silences),
    Kind("notification", "inbox", _notify, _find_notifications),
    Kind("span", "jaeger", _send_span, _find_traces, 30.0),
    Kind("line sent to Logstash", "logstash", _send_line, _find_lines, 150.0),
    Kind("line that a container printed", "filebeat", _print_line, _find_printed, 150.0),
    Kind("point of Qdrant", "qdrant", _put_point, _find_points),
    Kind("baseline of the benchmarks", "benchmark", _accept_baseline, _find_baselines),
    Kind("key of the cache", "dragonfly", _put_key, _find_keys, 5.0),
)
