"""A Prometheus with about 100,000 active series, our rules and hours of history, for whatever asks it.

A first one scrapes the stand-in servers of `fleet` for minutes and evaluates the rules, which gives all
series there is. A second one then gets a history of just these, and scrapes and evaluates from there on.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.bench import fleet
from tests.bench.measure import free_port, running
from tests.bench.remote_write import encode_labels, encode_samples, push
from vectorwatch.demo.tools import ensure_tools

REPOSITORY = Path(__file__).parents[2]
SCRAPE_SECONDS = 15
HISTORY_SECONDS = 6 * 3600
_COARSE_SECONDS = 60
"""Between samples that are older than the history of all: only what rules look back to longer has any."""
_SLICE_SECONDS = 3000
"""Prometheus takes no sample that is an hour older than the newest that it has."""
_FIRST_SECONDS = 330
"""Until the rules that read other rules, and windows of five minutes, have had their time."""
_ORIGIN_SECONDS = 32 * 86400
_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Series:
    """One series that the first Prometheus had."""

    name: str
    labels: bytes
    value: float


@dataclass(frozen=True)
class Loaded:
    """A running Prometheus, which can be told what to do besides answering."""

    folder: Path
    url: str
    pid: int
    client: httpx.Client
    fleet_port: int

    def run(self, *, scrapes: bool, rules: bool) -> None:
        """Scrape the fleet or not, and evaluate the rules or not, from now on."""
        _configure(self.folder, self.url, self.fleet_port if scrapes else 0, rules=rules)
        self.client.post("/-/reload").raise_for_status()
        if scrapes:
            self._wait_until_all_are_up()

    def processor_seconds(self) -> float:
        """Return the processor time of the program so far: unlike the clock, it leaves other programs out."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of the API; end if it is an error."""
        answer = self.client.get(f"/api/v1/{path}", params=parameters).json()
        if answer["status"] != "success":
            raise SystemExit(f"bench: Prometheus says {answer['error']}: {parameters}")
        return answer["data"]

    def targets(self) -> int:
        return len(self.get("targets", state="active")["activeTargets"])

    def head_series(self) -> int:
        return int(self.get("status/tsdb")["headStats"]["numSeries"])

    def _wait_until_all_are_up(self) -> None:
        end = time.monotonic() + _READY_SECONDS
        while True:
            targets = self.get("targets", state="active")["activeTargets"]
            down = [target for target in targets if target["health"] != "up"]
            if targets and not down:
                return
            if time.monotonic() > end:
                raise SystemExit(f"bench: {len(down)} of {len(targets)} targets are not up: {down[:1]}")
            time.sleep(1)


@cache
def loaded() -> Loaded:
    """Return the Prometheus, which all measurements of a run share; it ends with this program."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vectorwatch-bench-")))
    origin, port = time.time() - _ORIGIN_SECONDS, free_port()
    server = [sys.executable, "-m", "tests.bench.fleet", str(port), str(origin)]
    stack.enter_context(running(server, port))
    with ExitStack() as short:
        first = _start(short, folder / "first", port)
        first.run(scrapes=True, rules=True)
        _say(f"scraping {sum(kind.instances for kind in fleet.KINDS.values())} targets")
        time.sleep(_FIRST_SECONDS)
        series = _snapshot(first, origin)
        needed = _spans(first)
    shutil.rmtree(folder / "first")
    second = _start(stack, folder / "second", port)
    started = time.monotonic()
    samples = _fill(second.url, series, needed, origin)
    _say(
        f"{samples / 1e6:.0f} million samples of {len(series):,} series in {time.monotonic() - started:.0f} s"
    )
    second.run(scrapes=True, rules=True)
    return second


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def _start(stack: ExitStack, folder: Path, fleet_port: int) -> Loaded:
    """Start a Prometheus that does nothing yet."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder.mkdir()
    _configure(folder, url, 0, rules=False)
    argv = [
        str(ensure_tools(["prometheus"])["prometheus"]),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=40d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
    ]
    process = stack.enter_context(running(argv, port))
    client = stack.enter_context(httpx.Client(base_url=url, timeout=300, trust_env=False))
    end = time.monotonic() + _READY_SECONDS
    while client.get("/-/ready").is_error:
        if time.monotonic() > end:
            raise SystemExit("bench: Prometheus does not get ready")
        time.sleep(0.2)
    return Loaded(folder, url, process.pid, client, fleet_port)


def _configure(folder: Path, url: str, fleet_port: int, *, rules: bool) -> None:
    times = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    configuration: dict[str, Any] = {"global": times}
    if fleet_port:
        itself = {"targets": [url.removeprefix("http://")], "labels": {"instance": "prometheus:9090"}}
        configuration["scrape_configs"] = [
            {"job_name": "prometheus", "static_configs": [itself]},
            *fleet.scrape_configs(fleet_port),
        ]
    if rules:
        configuration["rule_files"] = [str(REPOSITORY / "prometheus" / "rules" / "*.yml")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")


def _snapshot(prometheus: Loaded, origin: float) -> list[Series]:
    """Return every series with what its value is an hour after the origin."""
    found = prometheus.get("query", query='{__name__!=""}')["result"]
    series = []
    for row in found:
        name, (moment, text) = row["metric"]["__name__"], row["value"]
        if name not in ("ALERTS", "ALERTS_FOR_STATE"):
            grown = fleet.value_at(name, 1, moment - origin)
            series.append(Series(name, encode_labels(row["metric"]), float(text) / grown))
    return series


# ── What the rules look back to ──────────────────────────────────────────────────────────────────────────


Span = tuple[float, float]
"""From how many seconds ago until how many."""


def _spans(prometheus: Loaded) -> Mapping[str, list[Span]]:
    """Return by name of a metric where rules look beyond the history that all series get."""
    spans: dict[str, list[Span]] = {}
    for path in sorted((REPOSITORY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                tree = prometheus.get("parse_query", query=rule["expr"])
                for name, (farthest, nearest) in _looks(tree, 0, 0):
                    if farthest > HISTORY_SECONDS:
                        spans.setdefault(name, []).append((farthest + _SLICE_SECONDS, nearest - 3600))
    return spans


def _looks(tree: Any, offset: float, window: float) -> Iterator[tuple[str, Span]]:
    """Yield each metric of a parsed expression with how far back its samples are read."""
    if isinstance(tree, list):
        for item in tree:
            yield from _looks(item, offset, window)
    if not isinstance(tree, dict):
        return
    offset += tree.get("offset", 0) / 1000
    window += tree.get("range", 0) / 1000
    if "matchers" in tree:
        yield tree["name"], (offset + window, offset)
    for value in tree.values():
        yield from _looks(value, offset, window)


# ── History ──────────────────────────────────────────────────────────────────────────────────────────────


def _fill(url: str, series: Sequence[Series], spans: Mapping[str, list[Span]], origin: float) -> int:
    """Push the history, oldest first; return how many samples it has."""
    now = time.time() // SCRAPE_SECONDS * SCRAPE_SECONDS
    farthest = max((far for name in spans for far, _ in spans[name]), default=0)
    count = 0
    for begin, end, spacing in _slices(now, farthest):
        if spacing == _COARSE_SECONDS:
            names = {
                name
                for name, looks in spans.items()
                if any(begin < now - near and end > now - far for far, near in looks)
            }
            chosen = [one for one in series if one.name in names]
        else:
            chosen = list(series)
        moments = [begin + step * spacing for step in range(round((end - begin) / spacing))]
        push(url, _encode(chosen, moments, origin))
        count += len(chosen) * len(moments)
    return count


def _slices(now: float, farthest: float) -> Iterator[tuple[float, float, int]]:
    """Yield begin, end and spacing of each slice, oldest first."""
    start = now - HISTORY_SECONDS
    coarse = max(0, round((farthest - HISTORY_SECONDS) / _SLICE_SECONDS))
    for number in range(coarse, 0, -1):
        yield start - number * _SLICE_SECONDS, start - (number - 1) * _SLICE_SECONDS, _COARSE_SECONDS
    begin = start
    while begin < now:
        end = min(begin + _SLICE_SECONDS, now)
        yield begin, end, SCRAPE_SECONDS
        begin = end


def _encode(
    series: Sequence[Series], moments: Sequence[float], origin: float
) -> Iterator[tuple[bytes, bytes]]:
    """Yield labels and samples; series that go alike share what is encoded."""
    milliseconds = [round(moment * 1000) for moment in moments]
    # A name as long as it needs to be to say how the value goes.
    written: dict[tuple[str, float], bytes] = {}
    for one in series:
        key = (re.sub(r".*_|.*:.*", "", one.name), one.value)
        if key not in written:
            values = [fleet.value_at(one.name, one.value, moment - origin) for moment in moments]
            written[key] = encode_samples(values, milliseconds)
        yield one.labels, written[key]
