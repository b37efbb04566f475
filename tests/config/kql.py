"""The part of Kibana's query language that saved objects may use, parsed.

After `grammar.peggy` of @kbn/es-query in elastic/kibana, and stricter: each value belongs to a field, and one
of several words is quoted; Kibana would take both as a search for words in all fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:\\.|[^"\\])*")|(?P<operator><=|>=|<|>|:|\(|\))|(?P<word>(?:\\.|[^\\\s():<>"{}])+))"""
)
_KEYWORDS = ("and", "or", "not")


@dataclass(frozen=True)
class Clause:
    """A field and what is asked of it."""

    field: str
    operator: str
    value: str


def parse(query: str) -> Sequence[Clause]:
    """Return the clauses of a query, none for an empty one. Raises ValueError for what it cannot read."""
    if not query.strip():
        return ()
    parser = _Parser(_split(query))
    parser.read_or()
    if parser.next() is not None:
        raise ValueError(f"{query!r}: nothing should follow, but there is {parser.next()!r}")
    return parser.clauses


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
        self.clauses: list[Clause] = []

    def next(self) -> str | None:
        return self._tokens[0] if self._tokens else None

    def read_or(self) -> None:
        self._read_and()
        while self._take("or"):
            self._read_and()

    def _read_and(self) -> None:
        self._read_not()
        while self._take("and"):
            self._read_not()

    def _read_not(self) -> None:
        self._take("not")
        if self._take("("):
            self.read_or()
            self._expect(")")
        else:
            self._read_clause()

    def _read_clause(self) -> None:
        field = self._read_value()
        operator = self._pop()
        if operator in ("<", "<=", ">", ">="):
            self.clauses.append(Clause(field, operator, self._read_value()))
        elif operator != ":":
            raise ValueError(f"a colon or a comparison should follow {field!r}, but there is {operator!r}")
        elif self._take("("):
            self.clauses.append(Clause(field, ":", self._read_value()))
            while self._take("or") or self._take("and"):
                self.clauses.append(Clause(field, ":", self._read_value()))
            self._expect(")")
        else:
            self.clauses.append(Clause(field, ":", self._read_value()))

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
