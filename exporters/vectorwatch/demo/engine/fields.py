"""JSON objects from requests, read field by field: the right type or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic_core

from vectorwatch.demo.engine.errors import BadBody, BadValue

Value = TypeVar("Value")


def parse_json(body: bytes) -> Any:
    """Return the JSON value in `body`; NaN and Infinity are no JSON. Raises BadBody."""
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadBody(str(error)) from error


class Fields:
    """One JSON object; a field that is absent or null reads as None, and unknown fields are ignored."""

    def __init__(self, value: Any, name: str = "request body") -> None:
        if not isinstance(value, Mapping):
            raise BadBody(f"invalid type: {_describe(value)}, expected an object for `{name}`")
        self.raw: Mapping[str, Any] = value

    def __contains__(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def any(self, name: str) -> Any:
        return self.raw.get(name)

    def flag(self, name: str) -> bool | None:
        value: bool | None = self._typed(name, bool, "a boolean")
        return value

    def text(self, name: str) -> str | None:
        value: str | None = self._typed(name, str, "a string")
        return value

    def integer(self, name: str, minimum: int = 0) -> int | None:
        value: int | None = self._typed(name, int, "an integer")
        if value is not None and not minimum <= value < 2**63:
            raise BadValue(name, f"value {value} invalid, must be {minimum} or larger")
        return value

    def number(self, name: str) -> float | None:
        value: float | None = self._typed(name, (int, float), "a number")
        return value

    def array(self, name: str) -> list[Any] | None:
        value: list[Any] | None = self._typed(name, list, "a sequence")
        return value

    def one_or_many(self, name: str) -> list[Any] | None:
        """Return a list, also for a single value: Qdrant takes both in filters and prefetches."""
        value = self.raw.get(name)
        return value if value is None or isinstance(value, list) else [value]

    def fields(self, name: str) -> Fields | None:
        value = self.raw.get(name)
        return None if value is None else Fields(value, name)

    def _typed(self, name: str, kind: Any, expected: str) -> Any:
        value = self.raw.get(name)
        if value is None:
            return None
        # JSON's true and false are integers to Python, but not to Qdrant.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BadBody(f"{name}: invalid type: {_describe(value)}, expected {expected}")
        return value


def require(value: Value | None, name: str) -> Value:
    """Return `value`. Raises BadBody when it is missing."""
    if value is None:
        raise BadBody(f"missing field `{name}`")
    return value


def _describe(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "floating point", str: "string", list: "sequence"}
    return "null" if value is None else kinds.get(type(value), "map")
