"""The table of the requirements' names says the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.queries import read_dashboards


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "reference" / "requirement-names.md").read_text(encoding="utf-8")


def rows(page: str, heading: str) -> Iterator[tuple[list[str], str]]:
    """Yield the names in the first cell and the second cell of each row under a heading."""
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    for first, second in re.findall(r"^\| (`.+?) \| (.+?) \|", section, re.MULTILINE):
        yield re.findall(r"`([\w*]+)", first), second


def declared(series: set[str]) -> set[str]:
    """Return the names that series were declared under: those of a histogram or summary have one together."""
    sums = {name.removesuffix("_sum") for name in series if name.endswith("_sum")}
    found = set()
    for name in series:
        bare = re.sub(r"_(bucket|sum|count)$", "", name)
        found.add(bare if bare in sums else name)
    return found


def test_each_metric_comes_from_where_the_table_says(
    page: str, rules: list[Any], emitted_metrics: set[str]
) -> None:
    recorded = declared({rule.name for rule in rules if not rule.is_alert})
    emitted = emitted_metrics | declared(emitted_metrics)
    told: dict[str, set[str]] = {"emitted": set(), "recorded": set(), "later": set()}
    for names, origin in rows(page, "Metrics"):
        told[origin] |= set(names)
    assert told["emitted"] - emitted == set()
    assert told["recorded"] == {name for name in recorded if ":" not in name}
    for name in told["later"]:
        pattern = name.replace("*", ".*")
        assert not any(re.fullmatch(pattern, known) for known in recorded | emitted), name


def test_each_alert_is_there_under_the_name_that_the_table_gives(page: str, rules: list[Any]) -> None:
    alerts = {rule.name for rule in rules if rule.is_alert}
    for names, is_now in rows(page, "Alerts"):
        assert is_now.strip("`") in alerts, names
    mentioned = set(re.findall(r"`([A-Z]\w+)`", page))
    assert alerts <= mentioned


def test_each_panel_asked_for_is_where_the_table_says(page: str, repository: Path) -> None:
    dashboards = read_dashboards(repository / "grafana" / "dashboards")
    titles = {one.title for one in dashboards}
    shown = {one["title"] for each in dashboards for one in (*each.panels, *each.rows)}
    section = page.partition("## Panels\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (?!Asked|---)(.+?) \| (.+?) \|$", section, re.MULTILINE)
    assert found
    for asked, here in found:
        named = re.findall(r"\*\*(.+?)\*\*", here)
        assert set(named) <= titles, asked
        panels = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", here)
        assert panels or named or here == "as follows", asked
        assert set(panels) <= shown, asked
