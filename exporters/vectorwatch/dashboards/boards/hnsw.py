"""What searches through the graph find of what an exact search finds, and how long they take."""

from __future__ import annotations

from ..board import TARGETS, Board, Variable, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    OPERATIONS_PER_SECOND,
    RATIO,
    SECONDS,
    TIMESTAMP,
    Column,
    Limits,
    State,
    bars,
    heatmap,
    query,
    scatter,
    stat,
    states,
    table,
    timeseries,
)

CHOSEN = 'job=~"$job", instance=~"$instance", collection=~"$collection"'
SERVER = TARGETS
LATENCY = Limits(warning="search_latency_seconds_warning", critical="search_latency_seconds_critical")


def named(expression: str) -> str:
    """Return the series with what they are of in one label: the collection, its vector and the filter."""
    return f"""label_join({expression}, "of", " ", "collection", "vector", "filter")"""


BOARD = Board(
    name="hnsw",
    folder="Search",
    title="HNSW quality",
    about="Recall and latency of approximate search, measured from outside by the probe against exact answers.",
    components=("hnsw",),
    restarts=f"process_start_time_seconds{{{SERVER}}}",
    variables=(
        *job_and_instance("hnsw_up"),
        Variable("collection", "Collection", 'hnsw_state{job=~"$job", instance=~"$instance"}'),
    ),
    links=(
        ("Vector search (Qdrant)", "/d/vw-qdrant?${instance:queryparam}&${collection:queryparam}"),
        logs_of("hnsw-probe", "qdrant"),
    ),
    rows=(
        row(
            "Does search find what is there?",
            stat(
                "Recall",
                "Share of the true nearest neighbours that a search as your application sends it finds, of the "
                "newest queries. Below the objective users miss answers: raise `ef`, or see what changed in the index.",
                RATIO,
                query(named(f"hnsw:recall:ratio{{{CHOSEN}}}"), "{{of}}"),
                width=6,
                alerts=("RecallLow",),
            ),
            stat(
                "Objective",
                "Recall to be reached, the probe's setting `objective_ratio`. RecallLow warns below it.",
                RATIO,
                query(f"min by (collection) (hnsw_recall_objective_ratio{{{CHOSEN}}})", "{{collection}}"),
                width=4,
            ),
            stat(
                "Search time, slowest twentieth",
                "95 of 100 searches are faster, at the smallest `ef` that reaches the objective. Beyond the limits "
                "look at load, memory and unindexed segments of the server.",
                SECONDS,
                query(named(f"hnsw:search_duration_seconds:p95_15m{{{CHOSEN}}}"), "{{of}}"),
                width=6,
                limits=LATENCY,
            ),
            stat(
                "Through the graph",
                "Whether searches walk the HNSW graph. Where they scan, a recall of 1 proves nothing: the collection "
                "is small, not indexed yet, or the filter matches few points (see below which).",
                NONE,
                query(named(f"hnsw_graph_exercised{{{CHOSEN}}}"), "{{of}}"),
                width=4,
                states={0: State("scan", "yellow"), 1: State("graph", "green")},
            ),
            stat(
                "Queries behind the figures",
                "Different queries in the window. Fewer than 50 make a recall that jumps; the probe then takes longer "
                "to be sure, and RecallQueriesFew tells.",
                COUNT,
                query(f"min by (collection) (hnsw_recall_window_queries{{{CHOSEN}}})", "{{collection}}"),
                width=4,
                alerts=("RecallQueriesFew",),
            ),
        ),
        row(
            "Recall",
            timeseries(
                "Recall by ef",
                "Larger `ef` finds more and takes longer. All lines falling together: the graph has become worse "
                "(many deletions, new vectors of another kind). Only the default falling: its `ef` is too small.",
                RATIO,
                query(named(f"hnsw_recall_ratio{{{CHOSEN}}}"), "{{of}} ef {{ef}} k {{k}}"),
                query(f"min(hnsw_recall_objective_ratio{{{CHOSEN}}})", "objective"),
                width=12,
                minimum=None,
                maximum=1,
                alerts=("RecallLow",),
            ),
            timeseries(
                "Recall now and a week ago",
                "The hour's mean beside that of the same hour last week. A gap beyond the noise means that the same "
                "questions find less than they did.",
                RATIO,
                query(named(f"avg_over_time(hnsw:recall:ratio{{{CHOSEN}}}[1h])"), "{{of}} now"),
                query(
                    named(f"avg_over_time(hnsw:recall:ratio{{{CHOSEN}}}[1h] offset 1w)"), "{{of}} a week ago"
                ),
                width=12,
                minimum=None,
                maximum=1,
                alerts=("RecallDropped",),
            ),
            timeseries(
                "How sure the recall is",
                "Two standard errors to each side of the measured recall at the default `ef`. A wide band means few "
                "queries: no alert comes before its upper edge is below the objective.",
                RATIO,
                query(named(f"hnsw:recall_upper_bound:ratio{{{CHOSEN}}}"), "{{of}} at most"),
                query(
                    named(f"2 * hnsw:recall:ratio{{{CHOSEN}}} - hnsw:recall_upper_bound:ratio{{{CHOSEN}}}"),
                    "{{of}} at least",
                ),
                width=12,
                minimum=None,
            ),
            timeseries(
                "Misses",
                "True neighbours that searches of the last hour did not return, of all that they should have. It falls "
                "to 0 where the graph is good or is not used.",
                RATIO,
                query(
                    f"max by (collection, ef) (ef:hnsw_recall_misses:ratio_increase1h{{{CHOSEN}}})",
                    "{{collection}} ef {{ef}}",
                ),
                width=12,
            ),
        ),
        row(
            "Latency, and what recall costs",
            scatter(
                "Recall against search time",
                "The trade-off: each point is one `ef` of one collection. The best choice is the leftmost point that is "
                "still at or above the objective.",
                (
                    query(f"avg by (collection, ef) (vector_search_latency_p95{{{CHOSEN}}}) / 1000"),
                    Column("Value #A", "95 of 100 searches faster than", SECONDS),
                ),
                (
                    query(f"avg by (collection, ef) (hnsw_recall_ratio{{{CHOSEN}}})"),
                    Column("Value #B", "Recall", RATIO),
                ),
                labels=(Column("collection", "Collection"), Column("ef", "ef")),
                width=8,
            ),
            timeseries(
                "Search time by ef, slowest twentieth",
                "What an application waits for, network included, within a quarter of an hour; of the slowest vector and "
                "filter. Compare with the time of exact search below: a graph "
                "that is no faster than a scan is not worth its memory.",
                SECONDS,
                query(
                    f"max by (collection, ef) (vector_search_latency_p95{{{CHOSEN}}}) / 1000",
                    "{{collection}} ef {{ef}}",
                ),
                limits=LATENCY,
            ),
            timeseries(
                "Search time, slowest hundredth",
                "99 of 100 searches are faster. It rises first when the server is short of CPU or reads vectors from disk.",
                SECONDS,
                query(named(f"hnsw:search_duration_seconds:p99_15m{{{CHOSEN}}}"), "{{of}}"),
                limits=Limits(warning="search_latency_tail_seconds"),
            ),
            heatmap(
                "Spread of search times",
                "Each column is a moment, each cell how many searches a minute took that long. Two bands mean two kinds of "
                "searches, such as cached and not.",
                SECONDS,
                f"60 * sum by (le) (collection:hnsw_search_duration_seconds_bucket:rate5m{{{CHOSEN}}})",
            ),
            bars(
                "Exact search, mean time",
                "Comparing with every point, per collection. It is the price of certainty, and what the graph must beat.",
                SECONDS,
                query(
                    f"""sum by (collection) (rate(hnsw_search_duration_seconds_sum{{{CHOSEN}, mode="exact"}}[15m]))
                    / (sum by (collection) (rate(hnsw_search_duration_seconds_count{{{CHOSEN}, mode="exact"}}[15m])) > 0)""",
                    "{{collection}}",
                ),
                width=12,
            ),
        ),
        row(
            "The probe itself",
            states(
                "What the probe does",
                "`measured` is well. Anything else for long and the recall above is old: RecallUnmeasured tells.",
                query(f"hnsw_state{{{CHOSEN}}} == 1", "{{collection}} {{state}}"),
                meanings={1: State("now", "blue")},
                width=12,
                alerts=("RecallUnmeasured", "ProbeStalled"),
            ),
            table(
                "Why searches do not walk the graph",
                "A row for each reason that holds now; nothing to mend where collections are meant to be small.",
                query(f"max by (collection, reason) (hnsw_graph_bypassed{{{CHOSEN}}})"),
                columns=(
                    Column(
                        "collection",
                        "Collection",
                        link="/d/vw-qdrant?var-collection=${__value.raw:percentencode}",
                    ),
                    Column("reason", "Reason"),
                    Column("Value", "Holds", states={0: State("no", "text"), 1: State("yes", "yellow")}),
                ),
                sort_by="Holds",
                width=12,
                height=6,
            ),
            timeseries(
                "Queries compared",
                "By whether the exact answer was computed anew or kept. Only kept ones for hours: RecallBaselineStale.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (collection, truth) (rate(hnsw_queries_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{collection}} {{truth}}",
                ),
                alerts=("RecallBaselineStale",),
            ),
            timeseries(
                "Failures",
                "Measurements that failed, and queries that gave no recall because points were written between the two "
                "searches. A few discarded ones are normal under writes.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (reason) (rate(hnsw_errors_total{{{SERVER}}}[$__rate_interval]))",
                    "failed {{reason}}",
                ),
                query(
                    f"sum by (reason) (rate(hnsw_discarded_queries_total{{{SERVER}}}[$__rate_interval]))",
                    "discarded {{reason}}",
                ),
            ),
            timeseries(
                "What the probe costs the server",
                "Requests that it sends, by purpose. It slows down by itself where searches are slow.",
                OPERATIONS_PER_SECOND,
                query(f"sum by (mode) (rate(hnsw_requests_total{{{SERVER}}}[$__rate_interval]))", "{{mode}}"),
            ),
            stat(
                "Last round",
                "When the probe last finished a round over all collections. Long ago: the probe hangs (ProbeStalled).",
                TIMESTAMP,
                query(f"1000 * hnsw_last_round_timestamp_seconds{{{SERVER}}}", "{{instance}}"),
                width=8,
                alerts=("ProbeStalled",),
            ),
            timeseries(
                "Segments",
                "Each has a graph of its own that a search walks. Many small ones slow searches down until they are merged.",
                COUNT,
                query(f"hnsw_segments{{{CHOSEN}}}", "{{collection}}"),
            ),
            timeseries(
                "Vectors outside the graph",
                "Points less those in a graph, of a collection with one vector a point. They are scanned by every search.",
                COUNT,
                query(
                    f"clamp_min(hnsw_points{{{CHOSEN}}} - hnsw_indexed_vectors{{{CHOSEN}}}, 0)",
                    "{{collection}}",
                ),
            ),
        ),
    ),
)
