"""The same small work on the live servers: how long it takes, and how long it took when the baseline was taken."""

from __future__ import annotations

from ..board import Board, Variable, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    RATIO,
    SECONDS,
    TIMESTAMP,
    Column,
    Limits,
    bars,
    query,
    stat,
    table,
    timeseries,
)

CHOSEN = 'job=~"$job", server=~"$server"'
SLOWER = Limits(warning="benchmark_degradation_ratio")


def named(expression: str) -> str:
    """Return the series with what they are of in one label: the server, the collection and the benchmark."""
    return f"""label_join({expression}, "of", " ", "server", "collection", "benchmark")"""


CHANGE = f"benchmark_duration_seconds{{{CHOSEN}}} / (benchmark_baseline_seconds{{{CHOSEN}}} > 0) - 1"

BOARD = Board(
    name="benchmarks",
    folder="Search",
    title="Benchmarks",
    about="The same few requests on the live servers every few minutes, held against what they took when the baseline "
    "was taken.",
    components=("benchmark",),
    restarts='process_start_time_seconds{job=~"$job"}',
    variables=(
        Variable("job", "Job", "benchmark_duration_seconds"),
        Variable("server", "Server", 'benchmark_duration_seconds{job=~"$job"}'),
    ),
    links=(
        ("HNSW quality", "/d/vw-hnsw"),
        ("Vector search (Qdrant)", "/d/vw-qdrant"),
        ("Cache (DragonflyDB)", "/d/vw-dragonfly"),
        logs_of("benchmark"),
    ),
    rows=(
        row(
            "Is it as fast as it was?",
            stat(
                "Largest change",
                "Of all benchmarks, against their baseline, in the last run. One run says little: see below whether it lasts.",
                RATIO,
                query(f"max({CHANGE})", "slower"),
                limits=SLOWER,
                alerts=("BenchmarkSlower",),
            ),
            stat(
                "Benchmarks",
                "As many as were measured in the last runs: one for each collection, and a few for each server.",
                COUNT,
                query(f"count(benchmark_duration_seconds{{{CHOSEN}}})", "benchmarks"),
            ),
            stat(
                "Without a baseline",
                "Not yet, for it is made of the first runs (an hour by default), or no longer, for what is measured has changed.",
                COUNT,
                query(
                    f"count(benchmark_duration_seconds{{{CHOSEN}}} unless benchmark_baseline_stale{{{CHOSEN}}} == 0)"
                    " or vector(0)",
                    "benchmarks",
                ),
                alerts=("BenchmarkBaselineUnusable",),
            ),
            stat(
                "Last run",
                "When the last run on a server ended well; of the server on which it is longest ago.",
                TIMESTAMP,
                query(f"1000 * min(benchmark_last_success_timestamp_seconds{{{CHOSEN}}})", "ended"),
                alerts=("BenchmarkStalled",),
            ),
            stat(
                "Runs that failed",
                "Share of the runs in the chosen time. The log of `benchmark` says why.",
                RATIO,
                query(
                    f'sum(increase(benchmark_runs_total{{{CHOSEN}, outcome="failure"}}[$__range]))'
                    f" / (sum(increase(benchmark_runs_total{{{CHOSEN}}}[$__range])) > 0)",
                    "failed",
                ),
            ),
        ),
        row(
            "Against the baseline",
            timeseries(
                "Change",
                "Time of a request against the baseline. A step: a change of version, setting or machine. A slope: the data grows.",
                RATIO,
                query(named(CHANGE), "{{of}}"),
                width=12,
                height=10,
                limits=SLOWER,
                alerts=("BenchmarkSlower",),
            ),
            bars(
                "Now",
                "Change of the last run, the slowest first.",
                RATIO,
                query(f"sort_desc(topk(20, {named(CHANGE)}))", "{{of}}"),
                width=12,
                height=10,
                limits=SLOWER,
            ),
            table(
                "Figures",
                "Median of the requests of the last run, and what it was when the baseline was taken.",
                *(
                    query(f"max by (server, collection, benchmark) ({name}{{{CHOSEN}}})")
                    for name in (
                        "benchmark_duration_seconds",
                        "benchmark_baseline_seconds",
                        "benchmark_baseline_spread_seconds",
                    )
                ),
                columns=(
                    Column("server", "Server"),
                    Column("collection", "Collection"),
                    Column("benchmark", "Benchmark"),
                    Column("Value #A", "Now", SECONDS),
                    Column("Value #B", "Baseline", SECONDS),
                    Column("Value #C", "Spread", SECONDS),
                ),
                sort_by="Server",
            ),
        ),
        row(
            "Times",
            timeseries(
                "Searches",
                "Median time of the same searches, by collection, network included.",
                SECONDS,
                query(named(f'benchmark_duration_seconds{{{CHOSEN}, benchmark="search"}}'), "{{of}}"),
                width=12,
            ),
            timeseries(
                "Cache",
                "Median time of commands on keys of the benchmark's own.",
                SECONDS,
                query(named(f'benchmark_duration_seconds{{{CHOSEN}, backend="cache"}}'), "{{of}}"),
                width=12,
            ),
            timeseries(
                "There and back",
                "The least that a server can be asked. When it rises with the others, it is the network or the machine.",
                SECONDS,
                query(named(f'benchmark_duration_seconds{{{CHOSEN}, benchmark="ping"}}'), "{{of}}"),
                width=12,
            ),
            timeseries(
                "Runs",
                "Runs that ended, by how. Failures that go on: the server does not answer, or refuses us; the log says which.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (server, outcome) (rate(benchmark_runs_total{{{CHOSEN}}}[1h]))",
                    "{{server}} {{outcome}}",
                ),
                width=12,
            ),
        ),
    ),
)
