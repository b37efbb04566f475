"""What the business asks: who uses it, what for, what it is worth, and whether that holds against last week."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    DOLLARS,
    EVENTS_PER_SECOND,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    Limits,
    bars,
    query,
    stat,
    timeseries,
)

CHOSEN = TARGETS
EVENTS_DROPPED = Limits(warning="business_events_dropped_ratio", below=True)
USERS_DROPPED = Limits(warning="business_users_dropped_ratio", below=True)


def last_week(labels: str) -> str:
    """Return how many events a second there were in this hour a week ago."""
    return f"sum by ({labels}) (rate(business_events_total{{{CHOSEN}}}[1h] offset 1w))"


def against_last_week(labels: str) -> str:
    """Return events of an hour by those of the same hour a week ago; 0 for what happens no more."""
    return f"""(sum by ({labels}) (rate(business_events_total{{{CHOSEN}}}[1h])) or 0 * {last_week(labels)})
        / ({last_week(labels)} > 0)"""


BOARD = Board(
    name="business",
    folder="Applications",
    title="Business",
    about="Users, features, events and their worth, and how the service felt meanwhile. Days are those of UTC.",
    components=("app", "business"),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("business_events_total"),
    span="now-24h",
    refresh="1m",
    links=(
        ("Performance", "/d/vw-performance?${job:queryparam}&${instance:queryparam}"),
        ("LLM cost", "/d/vw-llm-cost?${job:queryparam}&${instance:queryparam}"),
        logs_of(only="var-dataset=application"),
    ),
    rows=(
        row(
            "Does the business go as it should?",
            stat(
                "Users today",
                "Different users since midnight UTC or a later start, of all instances; who uses two counts twice. It begins anew "
                "each midnight.",
                COUNT,
                query(f"sum(daily_active_users{{{CHOSEN}}})", "users"),
            ),
            stat(
                "Users against last week",
                "Of those that had come by this hour a week ago. Below the limit ask first whether something is broken: look at "
                "errors and failed logins.",
                RATIO,
                query(
                    f"""min by (job) (sum by (job) (daily_active_users{{{CHOSEN}}})
                    / (sum by (job) (daily_active_users{{{CHOSEN}}} offset 1w) > 0))""",
                    "{{job}}",
                ),
                limits=USERS_DROPPED,
            ),
            stat(
                "Events of the last hour",
                "All events that the business counts, of all instances. None: look first at the applications, then at the counting.",
                COUNT,
                query(f"sum(increase(business_events_total{{{CHOSEN}}}[1h]))", "events"),
            ),
            stat(
                "Worst event against last week",
                "What is left of the kind that is missing most, of the three kinds that each job had most of at this hour a "
                "week ago: rare ones jump, see below. Near 0: a button, a form or a delivery is broken.",
                RATIO,
                query(
                    f"""min({against_last_week("job, event_type")}
                    and topk by (job) (3, {last_week("job, event_type")}))""",
                    "least",
                ),
                limits=EVENTS_DROPPED,
            ),
            stat(
                "Worth of the last hour",
                "What the events were worth, as the application says.",
                DOLLARS,
                query(f"sum(increase(business_event_value_dollars_total{{{CHOSEN}}}[1h]))", "worth"),
            ),
            stat(
                "Users not counted",
                "Calls within a day of users beyond the limit of the instrumentation, which are in no figure here. Any: raise "
                "VECTORWATCH_INSTRUMENT_MAX_USERS.",
                COUNT,
                query(
                    f"sum(increase(vectorwatch_instrument_users_not_counted_total{{{CHOSEN}}}[1d]))",
                    "calls",
                ),
                any_is_bad=True,
            ),
        ),
        row(
            "User activity",
            timeseries(
                "Active users, today and a week ago",
                "Both begin anew at midnight UTC. The gap is what ActiveUsersDropped looks at.",
                COUNT,
                query(f"sum by (job) (daily_active_users{{{CHOSEN}}})", "{{job}} today"),
                query(f"sum by (job) (daily_active_users{{{CHOSEN}}} offset 1w)", "{{job}} a week ago"),
                width=12,
                alerts=("ActiveUsersDropped",),
            ),
            timeseries(
                "Calls by a user",
                "Mean since midnight, by application. A sudden rise is more likely a program than a person; a fall with the same "
                "users: they give up.",
                COUNT,
                query(f"avg by (job) (api_calls_per_user{{{CHOSEN}}})", "{{job}}"),
                width=12,
            ),
            bars(
                "Use of features",
                "Of the time shown, the fifteen most used. What nobody uses costs without need; what stopped being used may be "
                "broken.",
                COUNT,
                query(
                    f"topk(15, sum by (feature) (increase(feature_usage_total{{{CHOSEN}}}[$__range])))",
                    "{{feature}}",
                ),
                width=12,
            ),
            timeseries(
                "Use of features over time",
                "One that ends while others go on: look at its errors.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (feature) (rate(feature_usage_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{feature}}",
                ),
                width=12,
                stacked=True,
            ),
        ),
        row(
            "Events and their worth",
            timeseries(
                "Events by kind",
                "What the business counts, as it happens. A kind that stops while others go on: its way through the application is broken.",
                EVENTS_PER_SECOND,
                query(
                    f"sum by (event_type) (rate(business_events_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{event_type}}",
                ),
                stacked=True,
            ),
            timeseries(
                "Events against last week",
                "Each kind of event, of what it was at the same hour a week ago. Below the limit and for kinds "
                "with enough events BusinessEventsDropped warns.",
                RATIO,
                query(
                    against_last_week("event_type"),
                    "{{event_type}}",
                ),
                limits=EVENTS_DROPPED,
            ),
            bars(
                "Events in the time shown",
                "By kind, the fifteen most frequent. Compare kinds that belong together, such as helpful and unhelpful.",
                COUNT,
                query(
                    f"topk(15, sum by (event_type) (increase(business_events_total{{{CHOSEN}}}[$__range])))",
                    "{{event_type}}",
                ),
            ),
            timeseries(
                "Worth and cost in an hour",
                "What the events of an hour were worth, and what language models, tools and retrieval of it cost by estimate. "
                "Where the lines cross, the service costs more than it brings.",
                DOLLARS,
                query(f"3600 * sum(rate(business_event_value_dollars_total{{{CHOSEN}}}[1h]))", "worth"),
                query(f"3600 * sum(rate(vital_estimated_cost_dollars_total{{{CHOSEN}}}[1h]))", "cost"),
                width=12,
                links=(("LLM cost", "/d/vw-llm-cost?${job:queryparam}&${instance:queryparam}"),),
            ),
            bars(
                "Worth in the time shown",
                "By kind of event, the ten most valuable.",
                DOLLARS,
                query(
                    f"""topk(10, sum by (event_type)
                    (increase(business_event_value_dollars_total{{{CHOSEN}}}[$__range])))""",
                    "{{event_type}}",
                ),
                width=6,
            ),
            bars(
                "Worth of one event",
                "Mean of the time shown, by kind. A change without a change of prices: the application counts wrongly.",
                DOLLARS,
                query(
                    f"""topk(10, sum by (event_type) (increase(business_event_value_dollars_total{{{CHOSEN}}}[$__range]))
                    / (sum by (event_type) (increase(business_events_total{{{CHOSEN}}}[$__range])) > 0))""",
                    "{{event_type}}",
                ),
                width=6,
            ),
        ),
        row(
            "Performance trends",
            timeseries(
                "Response time, slowest twentieth",
                "95 of 100 requests are faster, all endpoints together. HighLatency watches each endpoint: see Performance.",
                SECONDS,
                query(f"max by (instance) (response_time_p95{{{CHOSEN}}})", "{{instance}}"),
                alerts=("HighLatency",),
            ),
            timeseries(
                "Error rate",
                "Share of answers with an error of the server's own. Users see it as a failure, whatever the application calls it.",
                RATIO,
                query(f"max by (instance) (error_rate_percentage{{{CHOSEN}}}) / 100", "{{instance}}"),
                limits=Limits(warning="http_error_ratio_warning", critical="http_error_ratio_critical"),
            ),
            timeseries(
                "Throughput",
                "Requests of each application. Compare with the users above: fewer requests from as many users is a fault.",
                REQUESTS_PER_SECOND,
                query(f"sum by (job) (throughput_requests_per_second{{{CHOSEN}}})", "{{job}}"),
                alerts=("TrafficDropped",),
            ),
        ),
    ),
)
