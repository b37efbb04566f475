"""What programs write: found by words, counted by level and service, and followed to their traces."""

from __future__ import annotations

from ..board import ERROR_LOGS, Board, Textbox, Variable, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    MILLISECONDS,
    NONE,
    SECONDS,
    TIMESTAMP,
    Column,
    course,
    documents,
    lines,
    query,
    search,
    stat,
    timeseries,
)

CHOSEN = 'service_name=~"$service_name", level=~"$level", dataset=~"$dataset"'
ERRORS = 'service_name=~"$service_name", level=~"error|critical", dataset=~"$dataset"'
OF_DATASET = 'service_name=~"$service_name", level=~"$level"'


def chosen(field: str, variable: str) -> str:
    """Return the clause for a field of which the reader chooses values: All is `.+`, several are `(a|b)`."""
    return f"{field}:/${{{variable}:regex}}/"


OF_SERVICE = chosen("service.name", "service_name")
FOUND = (
    f"{OF_SERVICE} AND {chosen('log.level', 'level')} AND {chosen('data_stream.dataset', 'dataset')} "
    "AND (${text:raw})"
)
FAILED = f"{OF_SERVICE} AND log.level:(error OR critical)"
SLOW = f"{OF_SERVICE} AND duration_ms:>=$slower"

WHEN = Column("@timestamp", "Time")
SERVICE = Column("service.name", "Service", link="/d/vw-logs?var-service_name=${__value.raw:percentencode}")
HOW_OFTEN = Column("Count", "Lines", COUNT)
LAST = Column("Max @timestamp", "Last", TIMESTAMP)

BOARD = Board(
    name="logs",
    folder="Overview",
    title="Logs",
    about="What programs wrote: search it, count it, and open the trace of a line. Empty where the log half of the stack is "
    "switched off (`LOGS=0`).",
    components=("logs",),
    variables=(
        Variable("service_name", "Service", "log_events_total"),
        Variable("level", "Level", 'log_events_total{service_name=~"$service_name"}'),
        Variable("dataset", "Dataset", 'log_events_total{service_name=~"$service_name", level=~"$level"}'),
        Textbox("text", "Search (Lucene)", "*"),
        Textbox("slower", "Slow from (ms)", "1000"),
    ),
    span="now-1h",
    links=(
        ("Log pipeline", "/d/vw-log-pipeline"),
        ("Tracing", "/d/vw-tracing"),
        ("Alerts", "/d/vw-alerts"),
    ),
    rows=(
        row(
            "What is written, and what is wrong",
            stat(
                "Lines a second",
                "That arrived, of those chosen above. None at all: Log pipeline says where they stop.",
                EVENTS_PER_SECOND,
                query(f"sum(rate(log_events_total{{{CHOSEN}}}[$__rate_interval]))", "lines"),
                alerts=("LogPipelineStalled",),
            ),
            stat(
                "Errors",
                "Lines of level error or critical in the time shown. Which service they are of: see Errors by service.",
                COUNT,
                query(f"sum(increase(log_events_total{{{ERRORS}}}[$__range]))", "errors"),
                alerts=("LogErrorBurst",),
            ),
            stat(
                "Services that write",
                "In the time shown. Fewer than before: one is down, or its lines no longer arrive.",
                COUNT,
                query(
                    f"count(sum by (service_name) (increase(log_events_total{{{CHOSEN}}}[$__range])) > 0)",
                    "services",
                ),
                alerts=("ServiceLogsSilent",),
            ),
            stat(
                "Security events",
                "In the time shown: failed logins, refused access, what has a risk score. See below for who and from where.",
                COUNT,
                query(
                    f"""sum(increase(log_events_total{{{OF_DATASET}, dataset="security"}}[$__range]))
                    or 0 * sum(log_events_total{{{CHOSEN}}})""",
                    "events",
                ),
            ),
            stat(
                "Dead letters",
                "Lines in the time shown that Elasticsearch refused. They are kept whole; below stands why.",
                COUNT,
                query(
                    f"""sum(increase(log_events_total{{{OF_DATASET}, dataset="dead_letter"}}[$__range]))
                    or 0 * sum(log_events_total{{{CHOSEN}}})""",
                    "refused",
                ),
                any_is_bad=True,
                alerts=("LogDeadLetters",),
            ),
            stat(
                "Newest line",
                "How old it is, of the datasets chosen. Minutes: nothing is written, or nothing arrives.",
                SECONDS,
                query(
                    'time() - max(log_newest_event_timestamp_seconds{dataset=~"$dataset"})',
                    "old",
                ),
                alerts=("LogPipelineStalled", "LogsDelayed"),
            ),
            timeseries(
                "Lines by level",
                "A new colour, or one that grows alone, is what changed. Debug lines by the thousand: somebody left them on.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (level) (rate(log_events_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{level}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Lines by service",
                "The ten that write most. One that stops is down or stuck; one that shouts fills the disk.",
                EVENTS_PER_SECOND,
                query(
                    f"topk(10, sum by (service_name) (rate(log_events_total{{{CHOSEN}}}[$__rate_interval])))",
                    "{{service_name}}",
                ),
                stacked=True,
                alerts=("ServiceLogsSilent",),
            ),
            timeseries(
                "Errors by service over time",
                "Lines of level error or critical, of the ten services with most. Several at the same moment: look at what "
                "they share.",
                EVENTS_PER_SECOND,
                query(
                    f"topk(10, sum by (service_name) (rate(log_events_total{{{ERRORS}}}[$__rate_interval])))",
                    "{{service_name}}",
                    opens=f"{ERROR_LOGS[1]}&var-service_name=${{__field.labels.service_name}}",
                    opens_as="Logs of these errors",
                ),
                alerts=("LogErrorBurst",),
            ),
        ),
        row(
            "Search",
            course(
                "Lines found",
                "How many lines the search above finds, by level, a bar an interval. Drag over a peak to see only that.",
                search(FOUND, "{{log.level}}", by=("log.level",), over_time=True, most=10),
            ),
            lines(
                "Lines",
                "The newest 500 that the search above finds; * finds all. Open one for its fields; its trace.id leads to the "
                "trace. Examples: timeout, error.type:*, message:(refused AND connection).",
                search(FOUND),
            ),
        ),
        row(
            "Errors",
            documents(
                "Errors by service",
                "Which errors each service wrote in the time shown, the most frequent first, and when last. `error.type` is the "
                "class of the exception; lines without one are only in Newest errors.",
                search(
                    f"{FAILED} AND _exists_:error.type",
                    by=("service.name", "error.type"),
                    figures=(("count", ""), ("max", "@timestamp")),
                    most=50,
                ),
                columns=(
                    SERVICE,
                    Column("error.type", "Error"),
                    HOW_OFTEN,
                    Column("Max", "Last", TIMESTAMP),
                ),
                sort_by="Lines",
                width=10,
                height=10,
                alerts=("LogErrorBurst",),
            ),
            lines(
                "Newest errors",
                "Lines of level error or critical, the newest 100. Begin with the oldest of a burst: the others often follow.",
                search(FAILED, most=100),
                width=14,
                height=10,
            ),
        ),
        row(
            "Slow operations",
            documents(
                "Slowest operations",
                "By what lines say of their `operation`: the longest, 95 of 100, and how many took at least the time above.",
                search(
                    f"{SLOW} AND _exists_:operation",
                    by=("service.name", "operation"),
                    figures=(("max", "duration_ms"), ("percentiles", "duration_ms"), ("count", "")),
                    most=50,
                ),
                columns=(
                    SERVICE,
                    Column("operation", "Operation"),
                    Column("Max", "Longest", MILLISECONDS),
                    Column("p95.0 duration_ms", "95 of 100", MILLISECONDS),
                    HOW_OFTEN,
                ),
                sort_by="Longest",
                width=12,
            ),
            documents(
                "Slowest requests",
                "By the route of a request: the longest, 95 of 100, and how many took at least the time above.",
                search(
                    f"{SLOW} AND _exists_:http.route",
                    by=("service.name", "http.route"),
                    figures=(("max", "duration_ms"), ("percentiles", "duration_ms"), ("count", "")),
                    most=50,
                ),
                columns=(
                    SERVICE,
                    Column("http.route", "Route"),
                    Column("Max", "Longest", MILLISECONDS),
                    Column("p95.0 duration_ms", "95 of 100", MILLISECONDS),
                    HOW_OFTEN,
                ),
                sort_by="Longest",
                width=12,
                links=(("Performance overview", "/d/vw-performance"),),
            ),
            lines(
                "Slow lines",
                "The newest 100 lines whose duration_ms is at least the time above. Open one: its trace shows where the time "
                "went.",
                search(SLOW, most=100),
                height=9,
            ),
        ),
        row(
            "Security events",
            documents(
                "Security events by action",
                "What happened in the time shown, with the highest risk score (0 to 100) of each and when it was last.",
                search(
                    f"{OF_SERVICE} AND data_stream.dataset:security",
                    by=("event.action", "service.name"),
                    figures=(("count", ""), ("max", "event.risk_score"), ("max", "@timestamp")),
                    most=50,
                ),
                columns=(
                    Column("event.action", "Action"),
                    SERVICE,
                    HOW_OFTEN,
                    Column("Max event.risk_score", "Highest risk", NONE),
                    LAST,
                ),
                sort_by="Highest risk",
                width=10,
                height=9,
                links=(("Security", "/d/vw-security"),),
            ),
            documents(
                "Newest security events",
                "Who, from where, and with what outcome. The same address again and again: block it, and look at what it reached.",
                search(f"{OF_SERVICE} AND data_stream.dataset:security", most=100),
                columns=(
                    WHEN,
                    Column("event.action", "Action"),
                    Column("event.outcome", "Outcome"),
                    Column("event.risk_score", "Risk", NONE),
                    Column("user.id", "User id"),
                    Column("user.name", "User"),
                    Column("source.ip", "Address"),
                    Column("event.reason", "Reason"),
                    Column("message", "Message"),
                ),
                width=14,
                height=9,
            ),
        ),
        row(
            "Alert history",
            documents(
                "Notified most often",
                "Alerts of which the inbox was told in the time shown. Many times a day: tune it or mend its cause.",
                search(
                    "data_stream.dataset:alerts AND alert.status:firing",
                    by=("alert.name", "alert.severity"),
                    figures=(("count", ""), ("max", "@timestamp")),
                    most=50,
                ),
                columns=(
                    Column("alert.name", "Alert"),
                    Column("alert.severity", "Severity"),
                    Column("Count", "Times", COUNT),
                    Column("Max", "Last", TIMESTAMP),
                ),
                sort_by="Times",
                width=10,
                height=9,
                links=(("Alerts", "/d/vw-alerts"),),
            ),
            documents(
                "Alerts that were told",
                "The newest 200 notifications as the inbox received them, one row an alert; kept as long as logs are.",
                search("data_stream.dataset:alerts", most=200),
                columns=(
                    WHEN,
                    Column("alert.name", "Alert"),
                    Column("alert.severity", "Severity"),
                    Column("alert.status", "Status"),
                    Column("alert.channel", "Told by"),
                    Column("alert.summary", "Summary"),
                ),
                width=14,
                height=9,
            ),
        ),
        row(
            "Dead letters",
            documents(
                "What Elasticsearch refused",
                "The newest 100, each with the reason and the whole document as text. Correct the program that writes such lines.",
                search("data_stream.dataset:dead_letter", most=100),
                columns=(
                    WHEN,
                    SERVICE,
                    Column("attributes.data_stream", "Meant for"),
                    Column("message", "Reason"),
                    Column("event.original", "Line"),
                ),
                height=8,
                alerts=("LogDeadLetters",),
            ),
            collapsed=True,
        ),
    ),
)
