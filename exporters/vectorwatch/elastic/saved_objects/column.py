"""What a chart asks Elasticsearch for: buckets to group by, and numbers to show of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

TIMESTAMP = "@timestamp"

Kind: TypeAlias = Literal["string", "ip", "boolean"]
Number: TypeAlias = Literal["count", "unique_count", "max", "percentile"]


@dataclass(frozen=True)
class Time:
    """Buckets over time, as wide as fits the chart."""

    id: str = "time"


@dataclass(frozen=True)
class Top:
    """The `size` most frequent values of `field`: those with the largest value of the first number."""

    id: str
    title: str
    field: str
    size: int = 10
    kind: Kind = "string"
    others: bool = False
    """Show all other values together as one."""


@dataclass(frozen=True)
class Value:
    """A number. `where` is KQL: only documents that match it count."""

    id: str
    title: str
    operation: Number
    field: str = ""
    where: str = ""
    percent: int = 0
    colour: str = ""


Column: TypeAlias = Time | Top | Value


def count(id: str, title: str, where: str = "") -> Value:  # noqa: A002 - Kibana's name
    """Return how many documents match."""
    return Value(id, title, "count", where=where)


def distinct(id: str, title: str, field: str, where: str = "") -> Value:  # noqa: A002
    """Return how many different values `field` has, about; exact up to 3,000."""
    return Value(id, title, "unique_count", field, where)


def largest(id: str, title: str, field: str) -> Value:  # noqa: A002
    """Return the largest value of `field`."""
    return Value(id, title, "max", field)


def percentile(percent: int, field: str, colour: str = "") -> Value:
    """Return the value of `field` that `percent` percent of the documents do not exceed, about."""
    return Value(f"p{percent}", f"{percent} % are faster than", "percentile", field, "", percent, colour)
