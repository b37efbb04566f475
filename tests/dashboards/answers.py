"""What Prometheus answers to the queries of dashboards, and whether that is anything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import httpx

from tests.dashboards.promql import Tree, name_of, selectors, walk
from tests.dashboards.queries import Query

Rows = list[tuple[Mapping[str, str], float]]
_LONG_MILLISECONDS = 3_600_000


class Answers:
    """A running Prometheus; methods raise httpx.HTTPError, and ValueError with its words on a bad query."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
        self._names: set[str] = set()

    def ask(self, expr: str) -> Rows:
        """Return the series of an expression now."""
        data = self._get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def parse(self, expr: str) -> Tree:
        """Return the tree of an expression."""
        return self._get("parse_query", query=expr)

    def refresh_names(self) -> None:
        """Look anew which metrics there are."""
        self._names = set(self._get("label/__name__/values"))

    def missing_names(self, tree: Tree) -> list[str]:
        """Return what an expression selects by name and no series has."""
        names = dict.fromkeys(name for selector in selectors(tree) if (name := name_of(selector)))
        # A pattern counts when it matches one; a plain name is the pattern of itself.
        return [name for name in names if not any(re.fullmatch(name, one) for one in self._names)]

    def _get(self, path: str, **parameters: str) -> Any:
        body = self._client.request("POST" if parameters else "GET", path, data=parameters).json()
        if body["status"] != "success":
            raise ValueError(body.get("error"))
        return body["data"]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def explain_empty(query: Query, answers: Answers) -> tuple[str, Rows]:
    """Return why a query shows nothing, or an empty text when it has at least one number; and its series."""
    try:
        tree = answers.parse(query.counted)
        if missing := answers.missing_names(tree):
            return f"no series is called {', '.join(missing)}", []
        rows = answers.ask(query.counted)
    except ValueError as error:
        return str(error), []
    if not rows:
        return "no series", []
    return "not a number" if all(math.isnan(value) for _, value in rows) else "", rows


def list_past_names(tree: Tree, recorded: Mapping[str, str], answers: Answers) -> set[str]:
    """Return the metrics whose past an expression looks at, also through recordings (expressions by name)."""
    found: set[str] = set()
    for node, above in walk(tree):
        if node["type"] not in ("vectorSelector", "matrixSelector"):
            continue
        name = name_of(node)
        reach = max((_reach(one) for one in (*above, node)), default=0)
        if reach >= _LONG_MILLISECONDS:
            found.add(name)
        if name in recorded:
            found |= list_past_names(answers.parse(recorded[name]), recorded, answers)
    return found


def _reach(node: Mapping[str, Any]) -> int:
    return int(node.get("range") or 0) + abs(int(node.get("offset") or 0))
