"""Security events of applications: how risky, of what kind, and who cannot log in."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    RATIO,
    REQUESTS_PER_SECOND,
    Column,
    Limits,
    bars,
    heatmap,
    query,
    stat,
    table,
    timeseries,
)

CHOSEN = TARGETS
ZERO = f"0 * sum(increase(vectorwatch_instrument_failures_total{{{CHOSEN}}}[1h]))"
"""An event has no counter before it happens first; this counter is there from the start of each application."""
REFUSED = "401|403|429"


def nothing(label: str) -> str:
    """Return a series of value 0 whose `label` is «none»."""
    return f'label_replace({ZERO}, "{label}", "none", "", "")'


BOARD = Board(
    name="security",
    folder="Applications",
    title="Security",
    about="Security events that applications record: risk, kinds, failed logins and refusals. Users and addresses stand "
    "in the log only.",
    components=("security",),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("vectorwatch_instrument_failures_total"),
    span="now-24h",
    links=(
        ("Performance", "/d/vw-performance?${job:queryparam}&${instance:queryparam}"),
        ("Alerts", "/d/vw-alerts?var-component=security"),
        logs_of(only="var-dataset=security"),
    ),
    rows=(
        row(
            "Is somebody attacking?",
            stat(
                "Events of high risk",
                "With a score above 0.8 within five minutes, of all instances of the chosen jobs. Each one pages somebody: the "
                "log vectorwatch.security says who and from where.",
                COUNT,
                query(f'sum(job:security_events_high:increase5m{{job=~"$job"}}) or {ZERO}', "high"),
                any_is_bad=True,
                alerts=("HighRiskSecurityEvent",),
            ),
            stat(
                "Failed authentications",
                "Within five minutes, of the job that has most, all its instances together. Above the limit it is no "
                "mistyping: somebody tries passwords, or a client has an old key.",
                COUNT,
                query(f'max(job:authentication_failures:increase5m{{job=~"$job"}}) or {ZERO}', "failed"),
                limits=Limits(warning="authentication_failures"),
            ),
            stat(
                "Events of the last hour",
                "Of every kind and risk, of all instances. Compare with the course behind the number: a step is one source.",
                COUNT,
                query(f"sum(increase(security_events_total{{{CHOSEN}}}[1h])) or {ZERO}", "events"),
            ),
            stat(
                "Mean risk of the last hour",
                "From 0 to 1. The same kind of event from the same source raises its score each time.",
                NONE,
                query(
                    f"""sum(increase(security_event_risk_score_sum{{{CHOSEN}}}[1h]))
                    / (sum(increase(security_event_risk_score_count{{{CHOSEN}}}[1h])) > 0) or {ZERO}""",
                    "score",
                ),
            ),
            stat(
                "Questions that attack",
                "Attempts to inject into prompts or queries, of the questions of the last hour. A rise: somebody tries what the "
                "model lets through; see that the guard refuses.",
                RATIO,
                query(
                    f"""(sum(increase(security_events_total{{{CHOSEN}, event_type=~"prompt_injection|injection_attempt"}}[1h]))
                    or {ZERO}) / (sum(increase(vital_workflow_requests_total{{{CHOSEN}}}[1h])) > 0)""",
                    "of all",
                ),
            ),
            stat(
                "Requests refused",
                "Answers of 401, 403 and 429, of all within an hour. A rise with the events above is an attack that is held off; without "
                "them a client with an old key.",
                RATIO,
                query(
                    f"""(sum(rate(http_requests_total{{{CHOSEN}, status=~"{REFUSED}"}}[1h])) or {ZERO})
                    / (sum(rate(http_requests_total{{{CHOSEN}}}[1h])) > 0)""",
                    "refused",
                ),
            ),
        ),
        row(
            "Events",
            timeseries(
                "Events by risk",
                "Within an hour. High is above 0.8, medium above 0.4. A step from low to high: one source repeats itself.",
                COUNT,
                query(
                    f"sum by (risk) (increase(security_events_total{{{CHOSEN}}}[1h])) or {nothing('risk')}",
                    "{{risk}}",
                ),
                width=12,
                stacked=True,
            ),
            timeseries(
                "High-risk events by kind",
                "In five minutes, of all instances of the chosen jobs. Any above 0 pages somebody.",
                COUNT,
                query(
                    f"""sum by (event_type) (job:security_events_high:increase5m{{job=~"$job"}})
                    or {nothing("event_type")}""",
                    "{{event_type}}",
                ),
                width=12,
                limits=Limits(critical="security_high_risk_events"),
            ),
            timeseries(
                "Events by kind",
                "Within an hour. A new kind is worth a look even at low risk.",
                COUNT,
                query(
                    f"""sum by (event_type) (increase(security_events_total{{{CHOSEN}}}[1h]))
                    or {nothing("event_type")}""",
                    "{{event_type}}",
                ),
                width=12,
                stacked=True,
            ),
            timeseries(
                "Events by instance",
                "Within an hour. All at one instance: it is the one that is reachable from outside, or the "
                "attack goes past the load balancer.",
                COUNT,
                query(
                    f"""sum by (instance) (increase(security_events_total{{{CHOSEN}}}[1h]))
                    or 0 * sum by (instance) (increase(vectorwatch_instrument_failures_total{{{CHOSEN}}}[1h]))""",
                    "{{instance}}",
                ),
                width=12,
            ),
            table(
                "Kinds of events",
                "Of the time shown: how many of each kind and risk. Begin with those of high risk, then with the most frequent.",
                query(
                    f"""sum by (event_type, risk) (increase(security_events_total{{{CHOSEN}}}[$__range]))
                    or label_replace({nothing("event_type")}, "risk", "none", "", "")"""
                ),
                columns=(
                    Column("event_type", "Kind"),
                    Column("risk", "Risk"),
                    Column("Value", "Events", COUNT),
                ),
                sort_by="Events",
                width=12,
            ),
            heatmap(
                "Spread of risk scores",
                "Each cell is how many events had that score. A band that climbs is one source that does not give up.",
                NONE,
                f"""sum by (le) (increase(security_event_risk_score_bucket{{{CHOSEN}}}[$__rate_interval]))
                or label_replace({ZERO}, "le", "1.0", "", "")""",
            ),
            bars(
                "Risk by kind",
                "Mean score of the time shown. Higher than the kind's own: the same sources come again.",
                NONE,
                query(
                    f"""sum by (event_type) (increase(security_event_risk_score_sum{{{CHOSEN}}}[$__range]))
                    / (sum by (event_type) (increase(security_event_risk_score_count{{{CHOSEN}}}[$__range])) > 0)
                    or {nothing("event_type")}""",
                    "{{event_type}}",
                ),
                maximum=1,
            ),
        ),
        row(
            "Logins and refusals",
            timeseries(
                "Failed authentications by reason",
                "Per second. `invalid_credentials` in numbers: passwords are tried. `expired_token`: a client does not renew its "
                "token.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (reason) (rate(authentication_failures_total{{{CHOSEN}}}[$__rate_interval]))
                    or {nothing("reason")}""",
                    "{{reason}}",
                ),
                alerts=("AuthenticationFailuresHigh",),
            ),
            timeseries(
                "Failed authentications by job",
                "In five minutes, all instances together. Above the limit for a minute AuthenticationFailuresHigh warns.",
                COUNT,
                query(
                    f"""job:authentication_failures:increase5m{{job=~"$job"}} or {nothing("job")}""",
                    "{{job}}",
                ),
                limits=Limits(warning="authentication_failures"),
            ),
            timeseries(
                "Requests refused by status",
                "401: not logged in. 403: not allowed. 429: too many. Many 403 of one kind of client: it looks for what it should "
                "not see.",
                REQUESTS_PER_SECOND,
                query(
                    f"""sum by (status) (rate(http_requests_total{{{CHOSEN}, status=~"{REFUSED}"}}[$__rate_interval]))
                    or {nothing("status")}""",
                    "{{status}}",
                ),
            ),
            bars(
                "Refused by endpoint",
                "Of the time shown, the ten endpoints with most refusals: what is being tried.",
                COUNT,
                query(
                    f"""topk(10, sum by (endpoint) (increase(http_requests_total{{{CHOSEN}, status=~"{REFUSED}"}}[$__range])))
                    or {nothing("endpoint")}""",
                    "{{endpoint}}",
                ),
                width=12,
            ),
            timeseries(
                "Requests to what does not exist",
                "Answers of 404. A burst: somebody scans for known holes.",
                REQUESTS_PER_SECOND,
                query(
                    f"""sum by (instance) (rate(http_requests_total{{{CHOSEN}, status="404"}}[$__rate_interval]))
                    or 0 * sum by (instance) (increase(vectorwatch_instrument_failures_total{{{CHOSEN}}}[1h]))""",
                    "{{instance}}",
                ),
                width=12,
            ),
        ),
    ),
)
