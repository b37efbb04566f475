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
from tests.dashboards.queries import Dashboard, Query, built_ins, read_dashboards
from tests.dashboards.whole_stack import WholeStack, run_whole_stack
from vectorwatch.demo.repository import find_repository

DEADLINE_SECONDS = 420.0
_HISTORY_AFTER_SECONDS = 75.0
_LIVE = "127.+|https?:.+"
"""`instance` of all that runs; what is played beside it has names of its own."""

_LABEL = re.compile(r"{{\s*([\w.]+)\s*}}")
_DRAWN = ("timeseries", "stat", "gauge", "bargauge", "state-timeline")

ONLY_PLAYED: Mapping[str, str] = {}
"""By place, a pattern with `*`: why no running program here answers, only a recording."""

PAST: Mapping[str, str] = {}
"""By place, a pattern with `*`: which past it looks at."""


@dataclass
class Outcome:
    """What has become of a query."""

    query: Query
    live: Query | None
    """The same for what runs only, where one can tell."""
    empty: str = "not asked yet"
    only_played: bool = False
    rows: Rows = field(default_factory=list)


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
    while (waiting := [one for one in outcomes if one.empty]) and time.monotonic() - start < DEADLINE_SECONDS:
        answers.refresh_names()
        for outcome in waiting:
            outcome.empty = explain_empty(outcome.query, answers)
        if not has_past and time.monotonic() - start > _HISTORY_AFTER_SECONDS:
            _write_past(outcomes, whole_stack, answers, tmp_path_factory.mktemp("past"))
            has_past = True
        time.sleep(2)
    for outcome in outcomes:
        if not outcome.empty:
            outcome.rows = answers.ask(outcome.query.counted)
            outcome.only_played = outcome.live is not None and bool(explain_empty(outcome.live, answers))
    yield outcomes
    answers.close()


def _list_queries(dashboard: Dashboard) -> list[Outcome]:
    substitutions = built_ins(range_seconds=3600)
    queries = dashboard.queries(substitutions)
    lives: Sequence[Query | None] = [None] * len(queries)
    if any(one["name"] == "instance" for one in dashboard.variables):
        lives = dashboard.queries({**substitutions, "instance": _LIVE})
    return [
        Outcome(query, live)
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


def test_only_what_is_listed_is_answered_by_a_recording_alone(outcomes: list[Outcome]) -> None:
    played = [one.query for one in outcomes if one.only_played]
    _fail(
        "queries that no running program answers", [str(one) for one in played if not _find(one, ONLY_PLAYED)]
    )
    used = {place for query in played for place in _find(query, ONLY_PLAYED)}
    assert used == set(ONLY_PLAYED), "the rest of the table is answered by what runs"


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
            lacking = set(_LABEL.findall(outcome.query.legend)) - given
            wrong += [f"{outcome.query}: no line has the label `{label}` of its name" for label in lacking]
    _fail("names of lines", wrong)


def _name_line(legend: str, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend)


def test_every_column_of_a_table_is_there(outcomes: list[Outcome]) -> None:
    wrong = []
    for title, panel in _by_panel(outcomes, ("table",)).items():
        given = {"Time", "Value", *(f"Value #{one.query.ref}" for one in panel)}
        given |= {label for one in panel for labels, _ in one.rows for label in labels}
        lacking = [column for column in _list_columns(panel[0].query.panel) if column not in given]
        wrong += [f"{title}: there is no {column}, but {sorted(given)}" for column in lacking]
    _fail("columns of tables", wrong)


def _by_panel(outcomes: Sequence[Outcome], kinds: Sequence[str]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.rows and outcome.query.panel.get("type") in kinds:
            found.setdefault(f"{outcome.query.dashboard} · {outcome.query.title}", []).append(outcome)
    return found


def _list_columns(panel: Mapping[str, Any]) -> list[str]:
    return [
        name
        for step in panel.get("transformations", [])
        if step["id"] == "filterFieldsByName"
        for name in step["options"]["include"].get("names", [])
    ]
