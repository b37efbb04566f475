"""No panel is empty: each query of each dashboard is answered by the Prometheus of the running demo.

What the demo lacks is played from recordings (tests/dashboards/whole_stack.py); a week of time is made up.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.answers import Answers, Rows, explain_empty, list_past_names
from tests.dashboards.history import make_blocks, write_history
from tests.dashboards.promql import list_unfiltered, mark_variables, name_of, selectors
from tests.dashboards.queries import Dashboard, Query, built_ins, read_dashboards
from tests.dashboards.whole_stack import WholeStack, run_whole_stack
from vectorwatch.demo.repository import find_repository

DEADLINE_SECONDS = 420.0
_HISTORY_AFTER_SECONDS = 75.0
_LIVE = "127.+|https?:.+"
"""`instance` of all that runs; what is played beside it has names of its own."""

_LABEL = re.compile(r"{{\s*([\w.]+)\s*}}")
UNFILTERED: Mapping[str, str] = {
    "vw-start · Components · *": "a matrix of all components, whatever is chosen",
    "vw-start · *lerts · *": "an alert of anything is to be seen here",
    "vw-alerts · Watchdog · *": "it has a severity and a component of its own",
    "vw-models · VRAM of all cards · *": "cards are of another job than the models",
    "vw-qdrant · Recall, worst collection · *": "the probe is another job than the exporter",
    "vw-qdrant · *earch time* · *": "only an application tells of collections, Qdrant itself does not",
    "vw-rag · Error budget left · *": "the levels of an application are not of a collection",
}
"""By place, a pattern with `*`: why a recording is not filtered by a variable though it has that label."""
_SOMETIMES: Mapping[str, Sequence[str]] = {
    "vw-alerts · Firing now": ("service_level",),
    "vw-start · Firing alerts": ("job", "instance"),
    "vw-service-levels · Service levels now": ("collection",),
    "vw-qdrant · How vectors are kept": ("vector",),
}
"""Columns of labels that not every alert, level or vector has: an only vector has no name."""
_DRAWN = ("timeseries", "stat", "gauge", "bargauge", "state-timeline")

ONLY_PLAYED: Mapping[str, str] = {
    "vw-log-pipeline · *": "there is no Elasticsearch here",
    "vw-gpu · *": "there is no GPU here",
    "vw-start · VRAM usage · *": "as above",
    "vw-start · GPU * · *": "as above",
    "vw-capacity · VRAM in use · *": "as above",
    "vw-models · GPU memory * · *": "as above: the demo's models use none",
    "vw-hdc · GPU * · *": "as above",
    "vw-start · System health · D": "as above",
    "vw-llm-cost · Tokens without a price · *": "the demo's models have prices",
    "vw-dragonfly · Lookups by where the value was · *": "the demo's Valkey has one kind of memory",
    "vw-dragonfly · Clients that wait for the disk · *": "as above",
    "vw-dragonfly · Room on disk · *": "Valkey keeps no values on disk",
    "vw-qdrant · Copies of shards by state · *": "the demo's engine is no cluster",
    "vw-qdrant · Shards without an active copy · *": "as above",
    "vw-qdrant · Consensus and recovery · *": "as above",
    "vw-qdrant · Decisions to apply · *": "as above",
    "vw-qdrant · Messages that did not arrive · *": "as above",
    "vw-qdrant · Transfers that run · *": "as above",
    "vw-qdrant · Memory maps · *": "the demo's engine does not tell",
    "vw-qdrant · Writes that wait · *": "as above",
    "vw-qdrant · Requests by endpoint · B": "the demo's engine speaks no gRPC",
}
"""By place, a pattern with `*`: why no running program here answers, only a recording."""

PAST: Mapping[str, str] = {
    "* now and a week ago · *": "a week",
    "vw-business · * last week · *": "a week",
    "vw-business · *, today and a week ago · *": "a week",
    "vw-capacity · Searches · *": "a week",
    "vw-capacity · Requests to applications · *": "a week",
    "vw-monitoring · Series against yesterday · *": "a day",
}
"""By place, a pattern with `*`: which past it looks at."""


@dataclass
class Outcome:
    """What has become of a query."""

    query: Query
    live: Query | None
    """The same for what runs only, where one can tell and it is not listed as played."""
    empty: str = "not asked yet"
    only_played: bool = False
    seconds: float = 0.0
    """How long after the start it was answered."""
    rows: Rows = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return not self.empty and not self.only_played

    def ask(self, answers: Answers) -> None:
        """Ask what is not answered yet."""
        if self.empty:
            self.empty, self.rows = explain_empty(self.query, answers)
        if not self.empty and self.live is not None:
            self.only_played = bool(explain_empty(self.live, answers)[0])


@pytest.fixture(scope="module")
def dashboards() -> list[Dashboard]:
    found = read_dashboards(find_repository() / "grafana" / "dashboards")
    assert found, "grafana/dashboards/ holds no dashboard; `make dashboards` writes them"
    return found


@pytest.fixture(scope="module")
def whole_stack() -> Iterator[WholeStack]:
    with run_whole_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def outcomes(
    dashboards: list[Dashboard], whole_stack: WholeStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Outcome]]:
    """Ask all queries until each has an answer, or the deadline has passed."""
    answers = Answers(whole_stack.url)
    outcomes = [outcome for dashboard in dashboards for outcome in _list_queries(dashboard)]
    start = time.monotonic()
    has_past = False
    while (waiting := [one for one in outcomes if not one.is_done]) and _seconds_since(
        start
    ) < DEADLINE_SECONDS:
        whole_stack.read_traces()
        answers.refresh_names()
        for outcome in waiting:
            outcome.ask(answers)
            outcome.seconds = _seconds_since(start)
        if not has_past and _seconds_since(start) > _HISTORY_AFTER_SECONDS:
            _write_past(outcomes, whole_stack, answers, tmp_path_factory.mktemp("past"))
            has_past = True
        time.sleep(2)
    seconds = sorted(outcome.seconds for outcome in outcomes if outcome.is_done)
    middle = seconds[len(seconds) // 2]
    for outcome in outcomes:
        # Some lines come later than the first; those of the end are looked at.
        outcome.rows = explain_empty(outcome.query, answers)[1] or outcome.rows
    print(f"{len(outcomes)} queries: half answered after {middle:.0f} s, the last after {seconds[-1]:.0f} s")
    yield outcomes
    answers.close()


def _seconds_since(start: float) -> float:
    return time.monotonic() - start


def _list_queries(dashboard: Dashboard) -> list[Outcome]:
    substitutions = built_ins(range_seconds=3600)
    queries = dashboard.queries(substitutions)
    lives: Sequence[Query | None] = [None] * len(queries)
    if any(one["name"] == "instance" for one in dashboard.variables):
        lives = dashboard.queries({**substitutions, "instance": _LIVE})
    return [
        Outcome(query, None if _find(query, ONLY_PLAYED) else live)
        for query, live in zip(queries, lives, strict=True)
        # There may be no alert and no restart to mark.
        if query.kind != "annotation"
    ]


def _write_past(outcomes: Sequence[Outcome], stack: WholeStack, answers: Answers, folder: Path) -> None:
    recorded = _read_recordings(stack.rules)
    names: set[str] = set()
    for outcome in outcomes:
        if _find(outcome.query, PAST):
            names |= list_past_names(answers.parse(outcome.query.counted), recorded, answers)
    series = answers.ask(f'{{__name__=~"{"|".join(sorted(names))}"}}') if names else []
    if series:
        source = folder / "past.om"
        write_history(series, time.time(), source)
        make_blocks(stack.promtool, source, stack.storage)


def _read_recordings(folder: Path) -> dict[str, str]:
    groups = [
        group for path in folder.glob("*.yml") for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    ]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}


def _find(query: Query, table: Mapping[str, str]) -> list[str]:
    return [place for place in table if fnmatchcase(str(query), place)]


def _fail(what: str, lines: Sequence[str]) -> None:
    if lines:
        pytest.fail("\n".join([f"{len(lines)} {what}", *lines]), pytrace=False)


def test_every_query_is_answered(outcomes: list[Outcome]) -> None:
    _fail(
        f"of {len(outcomes)} queries are empty",
        [f"{one.query}: {one.empty}: {one.query.expr}" for one in outcomes if one.empty],
    )


def test_what_runs_here_answers_all_but_what_is_listed(outcomes: list[Outcome]) -> None:
    _fail("queries that only a recording answers", [str(one.query) for one in outcomes if one.only_played])
    used = {place for one in outcomes for place in _find(one.query, ONLY_PLAYED)}
    assert used == set(ONLY_PLAYED), "these places are no more"


def test_recordings_and_alerts_are_filtered_by_what_one_chooses(
    dashboards: list[Dashboard], outcomes: list[Outcome], whole_stack: WholeStack
) -> None:
    """The other metrics are seen to by tests/config/test_dashboards.py, which knows their labels."""
    answers = Answers(whole_stack.url)
    recorded = {*_read_recordings(whole_stack.rules), "ALERTS"}
    labels_of = {
        name: {label for labels, _ in answers.ask(f'{{__name__="{name}"}}') for label in labels}
        for name in recorded
    }
    wrong: dict[str, Query] = {}
    for dashboard in dashboards:
        variables = {one["name"] for one in dashboard.variables}
        for query in dashboard.queries(mark_variables(dashboard)):
            for selector in selectors(answers.parse(query.expr)) if query.kind == "panel" else ():
                name = name_of(selector)
                lacking = list_unfiltered(selector, variables & labels_of.get(name, set()))
                wrong |= {f"{query}: `{name}` is not filtered by ${one}": query for one in lacking}
    answers.close()
    _fail("selectors", [said for said, query in wrong.items() if not _find(query, UNFILTERED)])
    used = {place for query in wrong.values() for place in _find(query, UNFILTERED)}
    assert used == set(UNFILTERED), "these places are no more"


def test_annotations_ask_for_something_that_exists(
    dashboards: list[Dashboard], outcomes: list[Outcome], whole_stack: WholeStack
) -> None:
    answers = Answers(whole_stack.url)
    answers.refresh_names()
    queries = [query for one in dashboards for query in one.queries({}) if query.kind == "annotation"]
    missing = {str(query): answers.missing_names(answers.parse(query.expr)) for query in queries}
    answers.close()
    _fail("annotations", [f"{place}: {names}" for place, names in missing.items() if names])


def test_every_line_has_a_name_of_its_own(outcomes: list[Outcome]) -> None:
    wrong = []
    for title, panel in _by_panel(outcomes, _DRAWN).items():
        names = Counter(_name_line(one.query.legend, labels) for one in panel for labels, _ in one.rows)
        wrong += [f"{title}: {count} lines are called `{name}`" for name, count in names.items() if count > 1]
        for outcome in panel:
            given = {label for labels, _ in outcome.rows for label in labels}
            # Where another series stands in for what has not happened yet, it has not all labels.
            lacking = (
                set(_LABEL.findall(outcome.query.legend)) - given
                if " or " not in outcome.query.expr
                else set()
            )
            wrong += [f"{outcome.query}: no line has the label `{label}` of its name" for label in lacking]
    _fail("names of lines", wrong)


def _name_line(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend)


def test_every_column_of_a_table_is_there(outcomes: list[Outcome]) -> None:
    wrong = []
    for title, panel in _by_panel(outcomes, ("table",)).items():
        given = {"Time", "Value", *(f"Value #{one.query.ref}" for one in panel), *_SOMETIMES.get(title, ())}
        given |= {label for one in panel for labels, _ in one.rows for label in labels}
        lacking = [column for column in _list_columns(panel[0].query.panel) if column not in given]
        wrong += [f"{title}: there is no {column}, but {sorted(given)}" for column in lacking]
    _fail("columns of tables", wrong)


def _by_panel(outcomes: Sequence[Outcome], kinds: Sequence[str]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.query.panel.get("type") in kinds:
            found.setdefault(f"{outcome.query.dashboard} · {outcome.query.title}", []).append(outcome)
    return found


def _list_columns(panel: Mapping[str, Any]) -> list[str]:
    return [
        name
        for step in panel.get("transformations", [])
        if step["id"] == "filterFieldsByName"
        for name in step["options"]["include"].get("names", [])
    ]
