"""Grafana's dashboards as data, and each of their queries as Grafana sends it to Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["panel", "variable", "annotation"]

# `$x`, `[[x]]`, `[[x:format]]`, `${x}`, `${x.field}`, `${x:format}`: `variableRegex` in Grafana's
# public/app/features/variables/utils.ts.
_VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
_LABEL_VALUES = re.compile(r"label_values\(\s*(?:(.+?)\s*,\s*)?([a-zA-Z_]\w*)\s*\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((.+)\)", re.DOTALL)
_LABEL_NAMES = re.compile(r"label_names\((.*)\)", re.DOTALL)
_METRICS = re.compile(r"metrics\((.+)\)", re.DOTALL)
_TEXT_LINK = re.compile(r"\]\(([^)\s]+)\)|href=\"([^\"]+)\"")
ALL = "$__all"


def built_ins(
    range_seconds: int = 6 * 3600, step_seconds: int = 30, scrape_seconds: int = 15
) -> dict[str, str]:
    """Return the variables that Grafana sets itself, with a point every `step_seconds`.

    `__rate_interval` is as in pkg/promlib/models/query.go: four scrapes, or a step and a scrape if longer.
    """
    rate_seconds = max(step_seconds + scrape_seconds, 4 * scrape_seconds)
    return {
        "__rate_interval": f"{rate_seconds}s",
        "__rate_interval_ms": str(rate_seconds * 1000),
        "__interval": f"{step_seconds}s",
        "__interval_ms": str(step_seconds * 1000),
        "__range": f"{range_seconds}s",
        "__range_s": str(range_seconds),
        "__range_ms": str(range_seconds * 1000),
        "datasource": "prometheus",
    }


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables of Grafana that `values` knows; the others stay as they are."""

    def replace(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[4]
        return values.get(name, found[0])

    return _VARIABLE.sub(replace, text)


def list_variables(text: str) -> set[str]:
    """Return the names of all variables in a text, Grafana's own included."""
    return {found[1] or found[2] or found[4] for found in _VARIABLE.finditer(text)}


@dataclass(frozen=True)
class Query:
    """One question to Prometheus after substitution."""

    dashboard: str
    """The uid."""
    kind: Kind
    title: str
    """Of the panel, or the name of the variable or annotation."""
    ref: str
    expr: str
    """PromQL; of `label_values(selector, label)` the selector, and nothing where it asks of all series."""
    raw: str
    """The same before substitution."""
    instant: bool
    label: str = ""
    """Of `label_values`: the label whose values are asked for."""
    legend: str = ""
    panel: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        place = f"{self.dashboard} · {self.title}"
        return f"{place} · {self.ref}" if self.kind == "panel" else f"{place} ({self.kind})"

    @property
    def counted(self) -> str:
        """PromQL with a result for each answer, also where the question is for the values of a label."""
        if not self.label:
            return self.expr
        return f"group by ({self.label}) ({self.expr or _ALL_SERIES})"

    def request(self, start: float, end: float, step_seconds: float) -> tuple[str, dict[str, str]]:
        """Return the path below `/api/v1/` and the parameters that Grafana sends for this span of time."""
        span = {"start": f"{start:.3f}", "end": f"{end:.3f}"}
        if self.label:
            return f"label/{self.label}/values", {**span, **({"match[]": self.expr} if self.expr else {})}
        if self.instant:
            return "query", {"query": self.expr, "time": f"{end:.3f}"}
        return "query_range", {"query": self.expr, **span, "step": f"{step_seconds:g}"}


_ALL_SERIES = '{__name__=~".+"}'


@dataclass(frozen=True)
class Dashboard:
    """One dashboard as its file has it."""

    path: Path
    body: Mapping[str, Any]

    @property
    def uid(self) -> str:
        return str(self.body.get("uid", ""))

    @property
    def title(self) -> str:
        return str(self.body.get("title", ""))

    @property
    def folder(self) -> str:
        return self.path.parent.name

    @property
    def panels(self) -> list[Mapping[str, Any]]:
        """Every panel, those in collapsed rows included, the rows themselves not."""
        return [panel for group in self.groups for panel in group]

    @property
    def groups(self) -> list[list[Mapping[str, Any]]]:
        """The panels that are seen together: those always there, and those of each collapsed row."""
        top = self.body.get("panels", [])
        seen = [panel for panel in top if panel.get("type") != "row"]
        return [seen, *([*row["panels"]] for row in top if row.get("type") == "row" and row.get("panels"))]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        return [panel for panel in self.body.get("panels", []) if panel.get("type") == "row"]

    @property
    def variables(self) -> list[Mapping[str, Any]]:
        """The variables that a person chooses from, `datasource` included."""
        return list(self.body.get("templating", {}).get("list", []))

    @property
    def annotations(self) -> list[Mapping[str, Any]]:
        """The annotations that ask Prometheus."""
        listed = self.body.get("annotations", {}).get("list", [])
        return [one for one in listed if "expr" in one]

    @property
    def links(self) -> list[str]:
        """Every address that a person can click: of the dashboard, panels, data, and text."""
        return sorted(set(_find_links(self.body)))

    def values(self, substitutions: Mapping[str, str]) -> dict[str, str]:
        """Return what each variable stands for: as given, else All, else what is chosen at the start."""
        found = built_ins()
        for variable in self.variables:
            if variable.get("type") != "datasource":
                found[variable["name"]] = _choose(variable)
        return {**found, **substitutions}

    def queries(self, substitutions: Mapping[str, str]) -> list[Query]:
        """Return every question of panels, variables and annotations; `substitutions` go before defaults."""
        values = self.values(substitutions)

        def fill(text: str) -> str:
            return substitute(text, values)

        return [*self._of_variables(fill), *self._of_annotations(fill), *self._of_panels(fill)]

    def _of_variables(self, fill: Callable[[str], str]) -> Iterator[Query]:
        for variable in self.variables:
            if variable.get("type") != "query":
                continue
            raw = _text_of(variable)
            expr, label = _split(raw)
            yield Query(self.uid, "variable", variable["name"], "", fill(expr), raw, True, label)

    def _of_annotations(self, fill: Callable[[str], str]) -> Iterator[Query]:
        for one in self.annotations:
            yield Query(self.uid, "annotation", one["name"], "", fill(one["expr"]), one["expr"], False)

    def _of_panels(self, fill: Callable[[str], str]) -> Iterator[Query]:
        for panel in self.panels:
            for target in panel.get("targets", []):
                if "expr" in target and not target.get("hide"):
                    yield Query(
                        self.uid,
                        "panel",
                        panel.get("title", ""),
                        target.get("refId", ""),
                        fill(target["expr"]),
                        target["expr"],
                        bool(target.get("instant")) and not target.get("range"),
                        legend=target.get("legendFormat", ""),
                        panel=panel,
                    )


def read_dashboards(folder: Path) -> list[Dashboard]:
    """Return the dashboards of `folder` and the folders in it, in order of their paths."""
    return [
        Dashboard(path, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.rglob("*.json"))
    ]


def _choose(variable: Mapping[str, Any]) -> str:
    current = variable.get("current", {}).get("value", "")
    chosen = [str(one) for one in current] if isinstance(current, list) else [str(current)]
    if variable.get("includeAll") and chosen in ([ALL], [""], []):
        return str(variable.get("allValue") or ".*")
    if variable.get("type") in ("constant", "textbox") and chosen == [""]:
        return str(variable.get("query", ""))
    # As the Prometheus data source joins several: a pattern.
    return chosen[0] if len(chosen) == 1 else f"({'|'.join(map(re.escape, chosen))})"


def _text_of(variable: Mapping[str, Any]) -> str:
    query = variable.get("query", "")
    return str(query.get("query", "") if isinstance(query, Mapping) else query)


def _split(text: str) -> tuple[str, str]:
    """Return the PromQL in the question of a variable, and the label that it asks for."""
    if found := _LABEL_VALUES.fullmatch(text.strip()):
        return found[1] or "", found[2]
    if found := _QUERY_RESULT.fullmatch(text.strip()):
        return found[1], ""
    if found := _LABEL_NAMES.fullmatch(text.strip()):
        return found[1], "__name__"
    if found := _METRICS.fullmatch(text.strip()):
        return f'{{__name__=~"{found[1]}"}}', "__name__"
    return text, ""


def _find_links(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "url" and isinstance(item, str) and item:
                yield item
            elif key == "content" and isinstance(item, str):
                yield from (first or second for first, second in _TEXT_LINK.findall(item))
            else:
                yield from _find_links(item)
    elif isinstance(value, list):
        for item in value:
            yield from _find_links(item)
