"""What fires now, what has fired, and whether anybody was told."""

from __future__ import annotations

from ..board import Board, Variable, logs_of, row
from ..panel import (
    COUNT,
    RATIO,
    RUNBOOKS,
    SECONDS,
    TIMESTAMP,
    Column,
    Limits,
    State,
    bars,
    query,
    stat,
    states,
    table,
    timeseries,
)

CHOSEN = 'severity=~"$severity|", component=~"$component|"'
"""Alerts of your own may lack such a label; they are shown whatever is chosen."""
FIRING = f'ALERTS{{alertstate="firing", {CHOSEN}}}'
PENDING = f'ALERTS{{alertstate="pending", {CHOSEN}}}'

SUBJECT = (
    *(
        "job",
        "instance",
        "service_level",
        "collection",
        "name",
        "mountpoint",
        "uuid",
        "device",
        "integration",
    ),
    *(
        "rule_group",
        "endpoint",
        "operation",
        "pool",
        "model_name",
        "mode",
        "tool_name",
        "event_type",
        "reason",
    ),
)
"""Labels that say what an alert is about."""


def firing(severity: str) -> str:
    """Return how many alerts of a severity fire; ALERTS is never missing, because Watchdog always fires."""
    return (
        f'count(ALERTS{{alertstate="firing", severity="{severity}", component=~"$component|"}}) or vector(0)'
    )


BOARD = Board(
    name="alerts",
    folder="Overview",
    title="Alerts",
    about="What fires now, what fired before and how often, and whether the notifications arrived.",
    components=(),
    variables=(
        Variable("severity", "Severity", "ALERTS"),
        Variable("component", "Component", 'ALERTS{severity=~"$severity"}'),
    ),
    span="now-24h",
    links=(
        ("Service levels", "/d/vw-service-levels"),
        ("Monitoring", "/d/vw-monitoring"),
        ("Start here", "/d/vw-start"),
        logs_of(only="var-dataset=alerts"),
    ),
    rows=(
        row(
            "Does anything need a person?",
            stat(
                "Critical",
                "Alerts that page somebody. Begin with the one that fires longest: the others often follow from it.",
                COUNT,
                query(firing("critical"), "firing"),
                any_is_bad=True,
            ),
            stat(
                "Warning",
                "Alerts that want work within days. Many for long train people to look away: mend or tune them.",
                COUNT,
                query(firing("warning"), "firing"),
                any_is_bad=True,
            ),
            stat(
                "Info",
                "Told to nobody but shown here: what explains other alerts.",
                COUNT,
                query(firing("info"), "firing"),
                width=3,
            ),
            stat(
                "Pending",
                "Conditions that hold, but not yet for the time after which they are told.",
                COUNT,
                query(f"count({PENDING}) or vector(0)", "pending"),
                width=3,
            ),
            stat(
                "Watchdog",
                "An alert that always fires. Not firing: Prometheus evaluates no rules, and nothing here can be believed.",
                COUNT,
                query('count(ALERTS{alertname="Watchdog", alertstate="firing"}) or vector(0)', "Watchdog"),
                width=3,
                states={0: State("silent", "red"), 1: State("fires", "green")},
                alerts=("Watchdog",),
            ),
            stat(
                "Suppressed",
                "Alerts that Alertmanager keeps back now, because of a silence or because their cause fires. None of them "
                "reaches anybody.",
                COUNT,
                query(
                    'max(alertmanager_alerts{state="suppressed"})', "suppressed"
                ),  # of a cluster all have all
                width=3,
            ),
            stat(
                "Notifications failed",
                "Within the last hour, by all ways out. Any: somebody was not told; see below by which way.",
                COUNT,
                query("sum(increase(alertmanager_notifications_failed_total[1h]))", "failed"),
                any_is_bad=True,
                alerts=("AlertmanagerNotificationsFailing",),
            ),
        ),
        row(
            "Now",
            table(
                "Firing now",
                "The newest first; a click on the name opens its runbook. Watchdog is always here and means that alerting works.",
                query(
                    f"""label_join(1000 * max by (alertname, severity, component, {", ".join(SUBJECT)})
                    (ALERTS_FOR_STATE{{{CHOSEN}}} and ignoring (alertstate) {FIRING}),
                    "about", " ", {", ".join(f'"{label}"' for label in SUBJECT)})"""
                ),
                columns=(
                    Column("alertname", "Alert", link=f"{RUNBOOKS}${{__value.raw}}.md"),
                    Column("severity", "Severity"),
                    Column(
                        "component",
                        "Component",
                        link="/d/vw-alerts?var-component=${__value.raw:percentencode}",
                    ),
                    Column("about", "About"),
                    Column("Value", "Active since", TIMESTAMP),
                ),
                sort_by="Active since",
                height=9,
            ),
            states(
                "When each alert fired",
                "Coloured by severity. What began first is most likely the cause. Watchdog's lane has no gap while "
                "Prometheus evaluates.",
                query(
                    f"""max by (alertname) (
                    3 * ALERTS{{alertstate="firing", severity="critical", {CHOSEN}}}
                    or 2 * ALERTS{{alertstate="firing", severity="warning", {CHOSEN}}}
                    or ALERTS{{alertstate="firing", severity="info", {CHOSEN}}}
                    or 0 * ALERTS{{alertstate="firing", severity!~"critical|warning|info", {CHOSEN}}})""",
                    "{{alertname}}",
                ),
                meanings={
                    0: State("fires", "green"),
                    1: State("info", "blue"),
                    2: State("warning", "orange"),
                    3: State("critical", "red"),
                },
                width=24,
                height=9,
            ),
        ),
        row(
            "Over time",
            timeseries(
                "Firing by severity",
                "A step up that stays is one fault; a saw is an alert that comes and goes and wants a longer `for`.",
                COUNT,
                query(f"count by (severity) ({FIRING})", "{{severity}}"),
                stacked=True,
            ),
            timeseries(
                "Firing by component",
                "Where it burns. Several components at the same moment: look at what they share, the host or the network.",
                COUNT,
                query(f"count by (component) ({FIRING})", "{{component}}"),
                stacked=True,
            ),
            timeseries(
                "Pending by alert",
                "Alerts about to fire. Pending again and again without firing: its threshold is "
                "near the normal value.",
                COUNT,
                query(
                    f"""count by (alertname) ({PENDING})
                    or label_replace(vector(0), "alertname", "none", "", "")""",
                    "{{alertname}}",
                ),
            ),
            bars(
                "Became active most often",
                "How often each alert became pending or firing in the time shown, the ten most frequent. Many times a day: "
                "tune it or mend its cause.",
                COUNT,
                query(
                    f"""topk(10, sum by (alertname)
                    (changes(ALERTS_FOR_STATE{{{CHOSEN}}}[$__range]) + 1))""",
                    "{{alertname}}",
                ),
                width=12,
            ),
            bars(
                "Fired longest",
                "For how long each alert fired on anything in the time shown, the ten longest. Apart from Watchdog, what fires "
                "all the time is read by nobody.",
                SECONDS,
                query(
                    f"60 * topk(10, count_over_time((max by (alertname) ({FIRING}))[$__range:1m]))",
                    "{{alertname}}",
                ),
                width=12,
            ),
        ),
        row(
            "Was anybody told?",
            timeseries(
                "Notifications sent by integration",
                "Tries within an hour, of the ways out that were used within a day. Alerts fire and nothing is sent: a "
                "silence, an inhibition, or business hours.",
                COUNT,
                query(
                    """sum by (integration) (increase(alertmanager_notifications_total[1h]))
                    and sum by (integration) (increase(alertmanager_notifications_total[1d])) > 0""",
                    "{{integration}}",
                ),
            ),
            timeseries(
                "Notifications failed by integration",
                "Share that failed within an hour. Anything above 0 means that messages are lost: look at the "
                "address, the token and the receiver.",
                RATIO,
                query(
                    """sum by (integration) (increase(alertmanager_notifications_failed_total[1h]))
                    / (sum by (integration) (increase(alertmanager_notifications_total[1h])) > 0)""",
                    "{{integration}}",
                ),
                limits=Limits(
                    warning="alertmanager_failed_notifications_ratio",
                    critical="alertmanager_failed_notifications_critical_ratio",
                ),
            ),
            timeseries(
                "Time to notify",
                "Mean of the last hour by way out. It grows before a receiver begins to fail.",
                SECONDS,
                query(
                    """sum by (integration) (increase(alertmanager_notification_latency_seconds_sum[1h]))
                    / (sum by (integration) (increase(alertmanager_notification_latency_seconds_count[1h])) > 0)""",
                    "{{integration}}",
                ),
            ),
            bars(
                "Failures by reason",
                "Of the time shown. `clientError`: address or token are wrong. `serverError`: the receiver is ill. "
                "`contextDeadlineExceeded`: it is slow or cut off.",
                COUNT,
                query(
                    "sum by (reason) (increase(alertmanager_notifications_failed_total[$__range]))",
                    "{{reason}}",
                ),
            ),
            timeseries(
                "Alerts in Alertmanager",
                "Suppressed ones are silenced or follow from a cause that fires. Prometheus shows more than here: alerts do "
                "not arrive.",
                COUNT,
                query("max by (state) (alertmanager_alerts)", "{{state}}"),
            ),
            timeseries(
                "Silences",
                "Active ones hide alerts now, whoever set them; each should have an end and a reason.",
                COUNT,
                query("max by (state) (alertmanager_silences)", "{{state}}"),
            ),
            bars(
                "Notifications held back",
                "In the time shown, by reason: silenced, inhibited by a cause, or outside the times of a route.",
                COUNT,
                query(
                    """sum by (reason) (increase(alertmanager_notifications_suppressed_total[$__range]))
                    or label_replace(0 * sum(alertmanager_silences), "reason", "none", "", "")""",
                    "{{reason}}",
                ),
                width=12,
            ),
            bars(
                "Arrived at the inbox",
                "What the inbox on this machine received in the time shown. Nothing while alerts fire: look at Alertmanager's log.",
                COUNT,
                query(
                    "sum by (channel, status) (increase(inbox_notifications_total[$__range]))",
                    "{{channel}} {{status}}",
                ),
                width=12,
            ),
        ),
    ),
)
