"""Lines find their way from a container to Elasticsearch: each once, also over restarts, secrets hidden."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import token_hex
from time import monotonic
from typing import Any

import httpx

from tests.smoke.command import CommandError
from tests.smoke.stage import CheckError, Stage, changed_settings, wait
from vectorwatch.demo.ports import HOST

_SETUPS = ("elasticsearch-setup", "kibana-setup")
_CHAIN = ("filebeat", "logstash", "elasticsearch", "container-names")
_SERVICE = "com.docker.compose.service"
_WAIT_SECONDS = 120.0
BURST_LINES = 10_000
_BURST_SECONDS = 10
_BURST_LIMIT_SECONDS = 600.0
_SEARCH = (
    "curl -sS --cacert config/secrets/ca.crt"
    """ --config <(printf 'user = "elastic:%s"' "$(<config/secrets/elastic_password)")"""
    """ -H 'Content-Type: application/json' -d "$0" 'https://127.0.0.1:9200/logs-*/_search'"""
)
"""So that the password is no argument of a program."""
_WRITE_LINE = """
import sys, time
print(sys.argv[1], flush=True)
while True:
    time.sleep(1)
    print("and on", flush=True)
"""
_WRITE_BURST = """
import json, sys, time
service, lines, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(lines):
    line = {"level": "info", "message": f"line {number}", "logger": str(number), "service": {"name": service}}
    print(json.dumps(line), flush=True)
    if number % (lines // 100) == 0:
        time.sleep(seconds / 100)
"""

Document = Mapping[str, Any]


def are_set_up(stage: Stage) -> str:
    """See that Elasticsearch and Kibana were set up, and that the last of several starts changed nothing."""
    containers = stage.project.containers()
    for name in _SETUPS:
        if containers[name].exit_code or containers[name].status != "exited":
            raise CheckError(f"{name} is {containers[name].status}, {containers[name].exit_code}", [name])
    said = [line.partition("|")[2].strip() for line in stage.project.logs(_SETUPS[0], 10_000).splitlines()]
    starts = [number for number, line in enumerate(said) if line.endswith("is ready")]
    if len(starts) < 2:
        raise CheckError("it has not run a second time", _SETUPS)
    last = said[starts[-1] + 1 :]
    if changed := [line for line in last if not line.endswith(": unchanged")]:
        raise CheckError(f"the last start of {_SETUPS[0]} still changed something: {changed}", _SETUPS)
    return f"{len(last)} definitions, all unchanged at start {len(starts)}"


def arrive(stage: Stage) -> str:
    """Write a line in a container and send two by HTTP and TCP; see each once, named, its secret hidden."""
    token, secret = token_hex(6), token_hex(12)
    name = f"smoke-line-{token}"
    message = f"opened postgres://smoke:{secret}@db"
    with _run(stage, name, _WRITE_LINE, json.dumps({"level": "WARN", "logger": token, "message": message})):
        wait(lambda: _explain_count(stage, "log.logger", token, 1), "the line", _CHAIN, _WAIT_SECONDS)
        (found,) = _search(stage, "log.logger", token)["hits"]["hits"]
        written = datetime.fromisoformat(found["_source"]["@timestamp"])
        seconds = (datetime.now(UTC) - written).total_seconds()
        see_fields(found["_source"], name, secret)
        # The first lines of a container may be faster than its name.
        wait(lambda: _explain_unnamed(stage, name), "the container's name", _CHAIN, _WAIT_SECONDS)
    send(stage, token)
    for way in ("http", "tcp"):
        see_sent(stage, f"smoke-{way}-{token}")
    return f"in Elasticsearch {seconds:.1f} s after it was written, secret hidden; also by HTTP and TCP"


def survive_restarts(stage: Stage) -> str:
    """Restart Logstash and Elasticsearch while lines are written; see each line once, and counted once."""
    service = f"smoke-burst-{token_hex(6)}"
    with burst(stage, service):
        start = monotonic()
        for name in ("logstash", "elasticsearch"):
            _see_more(stage, service, than=_count(stage, service))
            stage.project.compose("restart", name)
        wait(lambda: explain_burst(stage, service), "all lines", _CHAIN, _BURST_LIMIT_SECONDS)
        seconds = monotonic() - start
    counted = f'sum(log_events_total{{service_name="{service}"}})'
    wait(
        lambda: "" if stage.prometheus.query(f"{counted} == {BURST_LINES}") else f"no {counted}",
        f"{counted} == {BURST_LINES}",
        ("logs-exporter", "prometheus"),
        _WAIT_SECONDS,
    )
    if trouble := explain_burst(stage, service):  # a second copy may come late
        raise CheckError(trouble, _CHAIN)
    return (
        f"{BURST_LINES} lines, Logstash and Elasticsearch restarted meanwhile: each once, after"
        f" {seconds:.0f} s, and counted in Prometheus"
    )


def are_left_out(stage: Stage) -> str:
    """Switch the log half off as a user does, see that the rest goes on, and switch it on again."""
    project = stage.project
    with changed_settings(stage, "LOGS=0"):
        half = [name for name in stage.started if project.services[name].scale == 0]
        others = [name for name in stage.started if name not in half]
        start = monotonic()
        project.compose("--profile", "*", "up", "--detach", "--no-build", *stage.started, timeout_seconds=300)
        project.wait_healthy(others, start)
        if not half or (left := sorted(set(half) & project.containers().keys())):
            raise CheckError(f"with LOGS=0 still there: {', '.join(left) if half else 'all'}")
        off = monotonic() - start
        start = monotonic()
    seconds = monotonic() - start
    return f"{len(half)} services gone after {off:.0f} s, the others healthy; all again after {seconds:.0f} s"


@contextmanager
def burst(stage: Stage, service: str, seconds: int = _BURST_SECONDS) -> Iterator[None]:
    """Let a container write numbered lines for so long, and be gone after the block."""
    with _run(stage, service, _WRITE_BURST, service, str(BURST_LINES), str(seconds)):
        yield


@contextmanager
def _run(stage: Stage, name: str, script: str, *arguments: str) -> Iterator[None]:
    """Run a script in a container of its own, labelled and logged as the compose file's are."""
    docker, image = stage.project.docker, stage.project.services["setup"].image
    options = ["--network=none", f"--label={_SERVICE}={name}", "--log-driver=json-file"]
    options += [f"--log-opt=labels={_SERVICE}", "--entrypoint=python"]
    docker.run("run", "--detach", f"--name={name}", *options, image, "-c", script, *arguments)
    try:
        yield
    finally:
        docker.attempt("rm", "--force", name)


def send(stage: Stage, token: str) -> None:
    """Send a line by HTTP and one by TCP, whose service names end with `token`."""
    lines = {way: {"message": "sent", "service": {"name": f"smoke-{way}-{token}"}} for way in ("http", "tcp")}
    httpx.post(
        stage.project.url("logstash"), json=lines["http"], timeout=30, trust_env=False
    ).raise_for_status()
    with socket.create_connection((HOST, stage.project.port("logstash-tcp")), timeout=30) as connection:
        connection.sendall(json.dumps(lines["tcp"]).encode() + b"\n")


def see_sent(stage: Stage, service: str) -> None:
    """Wait until one line of a service is there. Raises CheckError."""
    wait(lambda: _explain_count(stage, "service.name", service, 1), service, _CHAIN, _WAIT_SECONDS)


def see_fields(document: Document, service: str, secret: str) -> None:
    """See that a line has its level and its service, and that its secret is hidden. Raises CheckError."""
    if secret in json.dumps(document):
        raise CheckError("the password in the line was not hidden", _CHAIN)
    seen = (document["log"]["level"], document["service"]["name"], "redacted" in document.get("tags", ()))
    if seen != ("warning", service, True):
        raise CheckError(f"level, service, whether redacted are {seen}", _CHAIN)


def _explain_unnamed(stage: Stage, name: str) -> str:
    found = _search(stage, "container.name", name, size=1)["hits"]["hits"]
    return "" if found else f"no line of container {name}"


def count_all(stage: Stage) -> int:
    """Return how many documents there are. Raises ConnectionError, CheckError."""
    return int(_ask(stage, {"match_all": {}}, size=0)["hits"]["total"]["value"])


def list_loggers(stage: Stage, service: str, most: int = 10_000) -> set[str]:
    """Return the values of `log.logger` in a service's lines. Raises ConnectionError, CheckError."""
    lines = {"lines": {"terms": {"field": "log.logger", "size": most}}}
    found = _search(stage, "service.name", service, size=0, aggs=lines)
    return {bucket["key"] for bucket in found["aggregations"]["lines"]["buckets"]}


def _search(stage: Stage, field: str, value: str, **more: object) -> dict[str, Any]:
    return _ask(stage, {"term": {field: value}}, **more)


def _ask(stage: Stage, query: Document, **more: object) -> dict[str, Any]:
    """Ask Elasticsearch in its own container."""
    body = json.dumps({"query": query, "track_total_hits": True, **more})
    try:
        said = stage.project.compose("exec", "-T", "elasticsearch", "bash", "-c", _SEARCH, body)
    except CommandError as error:
        raise ConnectionError(str(error)) from error  # it may be under way
    found: dict[str, Any] = json.loads(said)
    if "hits" not in found:
        raise CheckError(f"Elasticsearch says {said[:500]}", _CHAIN)
    return found


def _explain_count(stage: Stage, field: str, value: str, wanted: int) -> str:
    found = _search(stage, field, value, size=0)["hits"]["total"]["value"]
    return "" if found == wanted else f"{found} documents with {field} {value} instead of {wanted}"


def _count(stage: Stage, service: str) -> int:
    return int(_search(stage, "service.name", service, size=0)["hits"]["total"]["value"])


def _see_more(stage: Stage, service: str, than: int) -> None:
    wait(
        lambda: "" if _count(stage, service) >= min(than + 1, BURST_LINES) else f"still {than}",
        "lines go on",
        _CHAIN,
        _WAIT_SECONDS,
    )


def explain_burst(stage: Stage, service: str) -> str:
    """Return how many lines are missing, or an empty text. Raises CheckError when one is there twice."""
    lines = {"lines": {"terms": {"field": "log.logger", "size": 2 * BURST_LINES}}}
    found = _search(stage, "service.name", service, size=0, aggs=lines)
    total, different = found["hits"]["total"]["value"], len(found["aggregations"]["lines"]["buckets"])
    if total > different:
        raise CheckError(f"{total} documents of {different} lines: some are there twice", _CHAIN)
    return "" if different == BURST_LINES else f"{different} of {BURST_LINES} lines"
