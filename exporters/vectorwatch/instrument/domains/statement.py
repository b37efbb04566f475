"""What a SQL statement does and to which tables, without a word of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

VERBS = (
    "select",
    "insert",
    "update",
    "delete",
    "merge",
    "create",
    "alter",
    "drop",
    "truncate",
    "call",
    "pragma",
)
"""Words that are a query type; everything else is `other`."""

LONGEST = 4_000
"""Characters of a statement that are looked at."""
_MOST_TABLES = 3
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|$))"
    r"|(?P<value>'(?:[^']|'')*(?:'|$)|[:%$@]\(?\w+)"  # a text or a parameter
    r'|(?P<quoted>"[^"]*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$))'  # a name; a text where MySQL wants one
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<mark>[().,])",
    re.DOTALL,
)
# Where the end of a text is not what it seems: MySQL's backslash, PostgreSQL's dollar quotes.
_UNCLEAR = re.compile(r"\\|\$\w*\$")
_BEFORE_TABLE = frozenset({"from", "join", "into", "update", "table"})
_NO_UPDATE = frozenset({"for", "key", "do"})  # FOR UPDATE, ON DUPLICATE KEY UPDATE, ON CONFLICT DO UPDATE
_BETWEEN = frozenset({"if", "not", "exists", "only", "lateral"})  # CREATE TABLE IF NOT EXISTS


@lru_cache(maxsize=500)
def summarize(statement: str) -> tuple[str, str]:
    """Return the verb of a statement and its pattern: the verb and up to three tables, in lower case.

    No value becomes part of it: only names directly after FROM, JOIN, INTO, UPDATE and TABLE do, which need
    be no tables, as in `EXTRACT(year FROM created)`. OpenTelemetry's `db.query.summary` is alike, but has
    spaces for commas, and the verb of each part.
    """
    tokens = [found for found in _TOKEN.finditer(statement) if found.lastgroup != "comment"]
    verb = _find_verb(tokens)
    tables = [] if _UNCLEAR.search(statement) else list(dict.fromkeys(_find_tables(tokens)))
    return verb, f"{verb} {','.join(tables[:_MOST_TABLES])}".rstrip()


def _find_verb(tokens: Sequence[re.Match[str]]) -> str:
    """Return the first word; after WITH, the first verb outside of brackets."""
    depth, first = 0, ""
    for token in tokens:
        text = token.group().lower()
        depth += {"(": 1, ")": -1}.get(text, 0)
        if token.lastgroup != "word":
            continue
        first = first or text
        if text in VERBS and (depth == 0 or first != "with"):
            return text
        if first not in ("with", "explain"):
            break
    return "other"


def _find_tables(tokens: Sequence[re.Match[str]]) -> Iterator[str]:
    table, before, wanted = "", "", False
    for token in (*tokens, None):
        kind = token.lastgroup if token else None
        text = token.group().strip('"`[]').lower() if token else ""
        if table and (text == "." or table.endswith(".")):
            table += text
            continue
        if table:
            yield table
            table = ""
        if wanted and text in _BETWEEN:
            continue
        if wanted and kind in ("word", "quoted") and text not in ("set", "select"):
            table, wanted = text, False
            continue
        wanted = kind == "word" and text in _BEFORE_TABLE and not (text == "update" and before in _NO_UPDATE)
        before = text
