"""The part of Kibana's query language that saved objects may use, parsed.

After `grammar.peggy` of @kbn/es-query in elastic/kibana, and stricter: each value belongs to a field, and one
of several words is quoted; Kibana would take both as a search for words in all fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:\\.|[^"\\])*")|(?P<operator><=|>=|<|>|:|\(|\))|(?P<word>(?:\\.|[^\\\s():<>"{}])+))"""
)
_KEYWORDS = ("and", "or", "not")
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


@dataclass(frozen=True)
class Clause:
    """A field and what is asked of it."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True)
class Group:
    """What is true together: `must` all of it, `should` any of it, `must_not` none of it."""

    way: str
    parts: Sequence[Node]


Node: TypeAlias = "Clause | Group"


def parse(query: str) -> Node:
    """Return what a query asks; an empty one is an empty group. Raises ValueError for what it cannot read."""
    if not query.strip():
        return Group("must", ())
    parser = _Parser(_split(query))
    node = parser.read_or()
    if parser.next() is not None:
        raise ValueError(f"{query!r}: nothing should follow, but there is {parser.next()!r}")
    return node


def list_clauses(node: Node) -> Iterator[Clause]:
    """Yield all clauses of a query."""
    if isinstance(node, Clause):
        yield node
    else:
        for part in node.parts:
            yield from list_clauses(part)


def to_query(node: Node) -> Mapping[str, Any]:
    """Return a query as Elasticsearch has it, after `toElasticsearchQuery` of @kbn/es-query."""
    match node:
        case Clause(field, ":", "*"):
            return {"exists": {"field": field}}
        case Clause(field, ":", value):
            return {"match": {field: value}}
        case Clause(field, operator, value):
            return {"range": {field: {_RANGES[operator]: value}}}
        case Group(way, parts):
            least = {"minimum_should_match": 1} if way == "should" else {}
            return {"bool": {way: [to_query(part) for part in parts], **least}}


def _split(query: str) -> list[str]:
    tokens, place = [], 0
    while query[place:].strip():
        found = _TOKEN.match(query, place)
        if not found:
            raise ValueError(f"{query!r}: cannot read {query[place:]!r}")
        tokens.append(found[0].strip())
        place = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens

    def next(self) -> str | None:
        return self._tokens[0] if self._tokens else None

    def read_or(self) -> Node:
        parts = [self._read_and()]
        while self._take("or"):
            parts.append(self._read_and())
        return _group("should", parts)

    def _read_and(self) -> Node:
        parts = [self._read_not()]
        while self._take("and"):
            parts.append(self._read_not())
        return _group("must", parts)

    def _read_not(self) -> Node:
        if self._take("not"):
            return Group("must_not", [self._read_whole()])
        return self._read_whole()

    def _read_whole(self) -> Node:
        if self._take("("):
            node = self.read_or()
            self._expect(")")
            return node
        return self._read_clause()

    def _read_clause(self) -> Node:
        field = self._read_value()
        operator = self._pop()
        if operator in _RANGES:
            return Clause(field, operator, self._read_value())
        if operator != ":":
            raise ValueError(f"a colon or a comparison should follow {field!r}, but there is {operator!r}")
        if not self._take("("):
            return Clause(field, ":", self._read_value())
        values = [self._read_value()]
        while self._take("or"):
            values.append(self._read_value())
        self._expect(")")
        return _group("should", [Clause(field, ":", value) for value in values])

    def _read_value(self) -> str:
        token = self._pop()
        if token.lower() in _KEYWORDS or not re.match(r'["\w*@.-]', token):
            raise ValueError(f"a field or a value should stand where there is {token!r}")
        return token.strip('"')

    def _take(self, token: str) -> bool:
        if (self.next() or "").lower() == token:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        found = self._pop()
        if found != token:
            raise ValueError(f"{token!r} should stand where there is {found!r}")

    def _pop(self) -> str:
        if not self._tokens:
            raise ValueError("it ends too early")
        return self._tokens.pop(0)


def _group(way: str, parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Group(way, parts)
