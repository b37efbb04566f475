"""What is promised, how much of the error budget is left, and how fast it burns."""

from __future__ import annotations

from ..board import Board, Variable, row
from ..panel import (
    COUNT,
    DAYS,
    NONE,
    RATIO,
    REQUESTS_PER_SECOND,
    Column,
    bars,
    query,
    stat,
    table,
    timeseries,
)

CHOSEN = 'service_level=~"$slo"'
SUBJECT = "service_level, instance, collection"
REMAINING = f"""(service_level:error_budget_remaining:ratio{{{CHOSEN}}}
    and last_over_time(service_level:events:rate5m{{{CHOSEN}}}[1d]))"""
"""Of what was there within a day: the budget of a collection that was deleted stays for its whole period."""
BURN = ("ErrorBudgetBurn",)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


def burn_rate(window: str) -> str:
    """Return how many times faster than allowed the budget burns: 1 spends all of it in its period."""
    return f"""service_level:error_ratio:rate{window}{{{CHOSEN}}}
        / on (service_level) group_left () (1 - service_level:objective:ratio{{{CHOSEN}}})"""


def lasts_days() -> str:
    """Return for how many days the budget lasts as things go, 30 where it lasts for longer."""
    return f"""clamp_max((service_level:error_budget_exhaustion:seconds{{{CHOSEN}}} / 86400 or 0 * {REMAINING} + 30), 30)"""


def by_subject(aggregation: str, expression: str) -> str:
    """Return a value for each service level, and on what in one label, which is there whatever that is."""
    return (
        f"""label_join({aggregation} by ({SUBJECT}) ({expression}), "about", " ", "instance", "collection")"""
    )


BOARD = Board(
    name="service-levels",
    folder="Overview",
    title="Service levels",
    about="Objectives of prometheus/service-levels.yml: whether they are kept, what is left of each error budget, and "
    "how fast it burns.",
    components=("app", "cache", "hnsw", "qdrant"),
    variables=(
        Variable("slo", "Service level", "service_level:error_budget_remaining:ratio", label="service_level"),
    ),
    span="now-24h",
    refresh="1m",
    links=(("Alerts", "/d/vw-alerts"), ("Start here", "/d/vw-start")),
    rows=(
        row(
            "Are promises kept?",
            stat(
                "Budgets with something left",
                "Service levels, each on its instance or collection, that have not missed their objective over its period.",
                COUNT,
                query(f"sum({REMAINING} > bool 0)", "kept"),
            ),
            stat(
                "Budgets spent",
                "Those that have missed it. Stop risky changes there until the budget recovers: what was bad leaves the period "
                "by itself.",
                COUNT,
                query(f"sum({REMAINING} <= bool 0)", "missed"),
                any_is_bad=True,
                alerts=("ErrorBudgetExhausting",),
            ),
            stat(
                "Least budget left",
                "Of the worst service level: 100 % is untouched, 0 spent, below 0 missed by that much of the budget.",
                RATIO,
                query(f"min({REMAINING})", "least"),
                width=5,
            ),
            stat(
                "Fastest burn",
                "The lower of the last 5 minutes and the last hour, of all service levels. 1 spends a budget exactly in its period; at 14.4 a 30-day budget loses a fiftieth in an "
                "hour, and somebody is paged.",
                NONE,
                query(f"max(({burn_rate('1h')}) < ({burn_rate('5m')}) or ({burn_rate('5m')}))", "fastest"),
                width=5,
                alerts=BURN,
            ),
            stat(
                "Levels that cannot be measured",
                "Known within a day and not now: none of their alerts can fire. Look at the scrape of what they count.",
                COUNT,
                query(
                    f"""count(group by (service_level) (count_over_time(service_level:events:rate5m{{{CHOSEN}}}[1d]))
                    unless group by (service_level) (service_level:events:rate5m{{{CHOSEN}}}))
                    or 0 * count(count_over_time(service_level:events:rate5m{{{CHOSEN}}}[1d]))""",
                    "blind",
                ),
                width=6,
                any_is_bad=True,
                alerts=("ServiceLevelBlind",),
            ),
        ),
        row(
            "Each service level",
            table(
                "Service levels now",
                "A row for each service level on each instance or collection. Begin with the one that has least left; burning "
                "faster than 1 means that it gets worse.",
                query(
                    by_subject(
                        "min",
                        f"0 * {REMAINING} + on (service_level) group_left () service_level:objective:ratio{{{CHOSEN}}}",
                    )
                ),
                query(by_subject("min", f"1 - service_level:error_ratio:rate1h{{{CHOSEN}}}")),
                query(by_subject("min", f"1 - service_level:error_ratio:rate1d{{{CHOSEN}}}")),
                query(by_subject("max", burn_rate("1h"))),
                query(by_subject("min", REMAINING)),
                query(by_subject("min", lasts_days())),
                columns=(
                    Column(
                        "service_level",
                        "Service level",
                        link="/d/vw-service-levels?var-slo=${__value.raw:percentencode}",
                    ),
                    Column("about", "On"),
                    Column("Value #A", "Objective", RATIO),
                    Column("Value #B", "Last hour", RATIO),
                    Column("Value #C", "Last day", RATIO),
                    Column("Value #D", "Burn rate", NONE),
                    Column("Value #E", "Budget left", RATIO),
                    Column("Value #F", "Lasts (30: longer)", DAYS),
                ),
                sort_by="Burn rate",
                height=10,
                alerts=(*BURN, "ErrorBudgetExhausting"),
            ),
        ),
        row(
            "Error budgets",
            timeseries(
                "Error budget left",
                "Of the worst instance or collection of each. A cliff is one incident, a slope a permanent fault. Below 0 the objective is missed.",
                RATIO,
                query(f"min by (service_level) ({REMAINING})", "{{service_level}}"),
                width=12,
                minimum=None,
                maximum=1,
                alerts=("ErrorBudgetExhausting",),
            ),
            timeseries(
                "Budget lasts for",
                "As the last day went, on the worst instance or collection; 30 stands for longer. Under three days ErrorBudgetExhausting tells.",
                DAYS,
                query(f"min by (service_level) ({lasts_days()})", "{{service_level}}"),
                width=12,
                alerts=("ErrorBudgetExhausting",),
            ),
        ),
        row(
            "Burn rates: how many times too fast",
            *(
                timeseries(
                    f"Burn rate over {words}",
                    about,
                    NONE,
                    query(f"max by (service_level) ({burn_rate(window)})", "{{service_level}}"),
                    width=12,
                    alerts=BURN,
                )
                for window, words, about in (
                    (
                        "5m",
                        "5 minutes",
                        "Of the worst instance or collection, as in the windows beside. Back at 0 the incident is over, whatever the long windows say.",
                    ),
                    (
                        "1h",
                        "1 hour",
                        "Above 14.4 here and over 5 minutes somebody is paged (30-day budgets; the rules have those of others).",
                    ),
                    (
                        "6h",
                        "6 hours",
                        "Above 6 here and over 30 minutes somebody is paged; above 1 here and over 3 days a ticket is written.",
                    ),
                    (
                        "1d",
                        "1 day",
                        "Above 3 here and over 2 hours a ticket is written: no incident, but too many small faults.",
                    ),
                    (
                        "3d",
                        "3 days",
                        "Above 1 here and over 6 hours a ticket is written: at this pace the objective will be missed.",
                    ),
                )
            ),
            bars(
                "Burn rate by window",
                "The highest of the chosen service levels in each window. High on the left alone: it has just begun. High on "
                "the right alone: it is over.",
                NONE,
                *(query(f"max({burn_rate(window)})", window) for window in WINDOWS),
                width=12,
            ),
        ),
        row(
            "What is counted",
            timeseries(
                "Events",
                "What the share of errors is taken of, per second; a level counted in time has 1. Little traffic makes jumpy "
                "shares, and too little is never told of.",
                REQUESTS_PER_SECOND,
                query(
                    f"sum by (service_level) (service_level:events:rate5m{{{CHOSEN}}})", "{{service_level}}"
                ),
                width=12,
                alerts=("ServiceLevelBlind",),
            ),
            timeseries(
                "Errors",
                "Events that broke the promise, per second; of a level counted in time the share of it that was bad.",
                REQUESTS_PER_SECOND,
                query(
                    f"sum by (service_level) (service_level:errors:rate5m{{{CHOSEN}}})", "{{service_level}}"
                ),
                width=12,
            ),
            collapsed=True,
        ),
    ),
)
