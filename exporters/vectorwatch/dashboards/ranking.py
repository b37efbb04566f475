"""Lines of a ranking that neither come nor go."""

from __future__ import annotations

import re

_RANKING = re.compile(r"(?:topk|bottomk)\(\d+, (?P<ranked>.+)\)", re.DOTALL)
_SELECTOR_END = re.compile(r'"(?:[^"\\]|\\.)*"|\}(?:\[[^]]*\])?')
"""A string, which is left alone, or what ends a selector: its braces and its window."""


def rank_once(expr: str) -> str:
    """Return a query over time whose `topk` or `bottomk` is that of the last point; others as they are.

    By itself it picks anew at each point. Only where it is all of the query, and each selector has braces.
    """
    found = _RANKING.fullmatch(expr)
    if found is None or not _is_closed(found["ranked"]):
        return expr
    ranked = found["ranked"]
    at_end = _SELECTOR_END.sub(
        lambda part: part[0] if part[0].startswith('"') else f"{part[0]} @ end()", expr
    )
    return f"({ranked}) and {at_end}"


def _is_closed(text: str) -> bool:
    """Say whether no bracket of `text` is closed by what comes after it, or opened before it."""
    depth = 0
    for sign in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0
