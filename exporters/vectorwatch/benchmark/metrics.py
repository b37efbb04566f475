"""The metrics of the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vectorwatch.serve.metric import Kind, Metric, Sink, Table

from .baseline import Baseline
from .figure import Subject
from .record import Measured, Record, Server

_LABELS = ("backend", "server", "collection", "benchmark")


@dataclass(frozen=True, slots=True)
class _Row:
    subject: Subject
    measured: Measured
    baseline: Baseline | None
    stale: bool


@dataclass(frozen=True, slots=True)
class _ServerRow:
    server: Server
    record: Record


def _runs(row: _ServerRow) -> dict[tuple[str, ...], float]:
    runs = row.record.runs
    return {(outcome,): float(runs[row.server, outcome]) for outcome in ("success", "failure")}


BENCHMARKS: Table[_Row] = Table(
    (
        Metric(
            "benchmark_duration_seconds",
            "Median time of a request in the last run, network included.",
            lambda row: row.measured.figure.seconds,
        ),
        Metric(
            "benchmark_requests", "Requests behind that median.", lambda row: row.measured.figure.requests
        ),
        Metric(
            "benchmark_baseline_seconds",
            "The same when the baseline was taken: median of its runs.",
            lambda row: row.baseline.seconds if row.baseline else None,
        ),
        Metric(
            "benchmark_baseline_spread_seconds",
            "How far a run was from the baseline by chance: standard deviation, "
            "from the median absolute deviation.",
            lambda row: row.baseline.spread_seconds if row.baseline else None,
        ),
        Metric(
            "benchmark_baseline_timestamp_seconds",
            "When the baseline was taken or accepted.",
            lambda row: row.baseline.taken_at if row.baseline else None,
        ),
        Metric(
            "benchmark_baseline_stale",
            "1 if what is measured is no longer what the baseline was taken of: points, vector size, `k`.",
            lambda row: int(row.stale) if row.baseline else None,
        ),
    ),
    labels=_LABELS,
    key=lambda row: tuple(row.subject),
)
SERVERS: Table[_ServerRow] = Table(
    (
        Metric(
            "benchmark_runs_total",
            "Runs on this server; one that could not end is a failure.",
            _runs,
            labels=("outcome",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "benchmark_last_success_timestamp_seconds",
            "When the last run ended that measured everything.",
            lambda row: row.record.last_run.get(row.server),
        ),
    ),
    labels=("backend", "server"),
    key=lambda row: tuple(row.server),
)
FILE: Table[Record] = Table(
    (
        Metric(
            "benchmark_baseline_readable",
            "1 if the file of the baseline can be read, or there is none yet.",
            lambda record: int(not record.trouble),
        ),
    )
)


def expose(record: Record, sink: Sink) -> None:
    """Put what is known into `sink`."""
    sink.add(BENCHMARKS, _rows(record))
    servers = dict.fromkeys(server for server, _ in record.runs)
    sink.add(SERVERS, [_ServerRow(server, record) for server in servers])
    sink.add(FILE, [record])


def _rows(record: Record) -> Iterator[_Row]:
    for subject, measured in record.measured.items():
        yield _Row(subject, measured, record.baselines.get(subject), record.is_stale(subject))
