"""What a panel shows: its queries, its unit, where it becomes bad, and what that means to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict, Unpack

# Units of Grafana (@grafana/data, valueFormats/categories); the names say the base unit of the query.
SECONDS = "s"
BYTES = "bytes"
BYTES_PER_SECOND = "binBps"
RATIO = "percentunit"
PERCENT = "percent"
COUNT = "short"
REQUESTS_PER_SECOND = "reqps"
OPERATIONS_PER_SECOND = "ops"
EVENTS_PER_SECOND = "cps"
DOLLARS = "currencyUSD"
CELSIUS = "celsius"
WATTS = "watt"
HERTZ = "hertz"
DAYS = "d"
MILLISECONDS = "ms"
TIMESTAMP = "dateTimeFromNow"
"""A Unix time as «3 hours ago»; Grafana wants milliseconds: multiply seconds by 1000 in the query."""
NONE = "none"

RUNBOOKS = "/api/datasources/proxy/uid/${datasource}/user/runbooks/"
"""Grafana hands this on to Prometheus, which serves docs/: no address of a host stands in a dashboard."""

Colour: TypeAlias = Literal["green", "yellow", "orange", "red", "blue", "purple", "text", "transparent"]
Kind: TypeAlias = Literal[
    "timeseries", "stat", "gauge", "bars", "states", "heatmap", "table", "scatter", "logs"
]
Figure: TypeAlias = Literal["count", "max", "percentiles"]


@dataclass(frozen=True)
class Query:
    """PromQL, and the name of its series as Grafana's legend has it (`{{instance}}`)."""

    expr: str
    legend: str = ""
    exemplars: bool = False
    """Draw the traces that Prometheus keeps of a histogram as dots."""
    opens: str = ""
    """Where a click on its values leads; `${__field.labels.x}` stands for their label `x`."""
    opens_as: str = ""
    """What that is called, where the legend does not say it."""


@dataclass(frozen=True)
class Search:
    """Documents of Elasticsearch: in Lucene's words, as Grafana's data source takes them.

    Without `by` and `over_time` they are the newest `most`; else a figure of them, for each of the `most`
    values of each field in `by` that have most documents, or highest is the first of `figures`.
    """

    lucene: str
    by: Sequence[str] = ()
    over_time: bool = False
    """A point each interval of the panel."""
    figures: Sequence[tuple[Figure, str]] = (("count", ""),)
    """What is computed, and of which field. In a table: `Count`, `Max`, `p95.0 <field>`."""
    legend: str = ""
    """`{{field}}` stands for the value of a field in `by`."""
    most: int = 500


@dataclass(frozen=True)
class Limits:
    """Where the value becomes bad: names in `prometheus/thresholds.yml`, drawn with the values there.

    With `below` small values are the bad ones. The panel links to the runbooks of the thresholds' alerts.
    """

    warning: str = ""
    critical: str = ""
    below: bool = False


@dataclass(frozen=True)
class State:
    """What a number means."""

    text: str
    colour: Colour


UP_DOWN: Mapping[float, State] = {0: State("down", "red"), 1: State("up", "green")}
YES_NO: Mapping[float, State] = {0: State("no", "red"), 1: State("yes", "green")}


@dataclass(frozen=True)
class Column:
    """A column of a table: the label it shows, or `Value` (of several queries `Value #A`, `Value #B` …)."""

    field: str
    title: str
    unit: str = NONE
    limits: Limits | None = None
    states: Mapping[float, State] | None = None
    link: str = ""
    """Where a click leads; `${__value.raw:percentencode}` stands for what is there."""


@dataclass(frozen=True)
class Panel:
    """One panel. `width` is of 24 columns, `height` of Grafana's rows (30 px each)."""

    kind: Kind
    title: str
    about: str
    """What it shows, what a bad value means, and what to do then."""
    unit: str
    queries: Sequence[Query]
    width: int
    height: int
    searches: Sequence[Search] = ()
    """Asked of Elasticsearch, where there are no `queries`."""
    limits: Limits | None = None
    states: Mapping[float, State] | None = None
    any_is_bad: bool = False
    """0 is green and everything above it red."""
    minimum: float | None = None
    maximum: float | None = None
    stacked: bool = False
    logarithmic: bool = False
    columns: Sequence[Column] = ()
    sort_by: str = ""
    """A table: the title of the column that it is sorted by, largest first."""
    alerts: Sequence[str] = ()
    """Alerts about this value, beyond those of the limits: their runbooks are linked."""
    links: Sequence[tuple[str, str]] = ()
    """Titles and addresses of dashboards, such as `("GPU", "/d/vw-gpu?${instance:queryparam}")`."""
    span: str = ""
    """A time range of its own, such as `7d`, whatever that of the dashboard is."""


def query(
    expr: str, legend: str = "", *, exemplars: bool = False, opens: str = "", opens_as: str = ""
) -> Query:
    """Return a query."""
    return Query(" ".join(expr.split()), legend, exemplars, opens, opens_as)


def search(
    lucene: str,
    legend: str = "",
    *,
    by: Sequence[str] = (),
    over_time: bool = False,
    figures: Sequence[tuple[Figure, str]] = (("count", ""),),
    most: int = 500,
) -> Search:
    """Return a question to Elasticsearch."""
    return Search(" ".join(lucene.split()), by, over_time, figures, legend, most)


class Look(TypedDict, total=False):
    """What every kind of panel may be given beside its queries; the fields of `Panel`."""

    limits: Limits | None
    any_is_bad: bool
    maximum: float | None
    alerts: Sequence[str]
    links: Sequence[tuple[str, str]]
    span: str


def timeseries(
    title: str,
    about: str,
    unit: str,
    *queries: Query,
    width: int = 8,
    height: int = 8,
    minimum: float | None = 0,
    stacked: bool = False,
    logarithmic: bool = False,
    **look: Unpack[Look],
) -> Panel:
    """Values over time. With `limits` a dashed line is drawn at each."""
    return Panel(
        "timeseries",
        title,
        about,
        unit,
        queries,
        width,
        height,
        minimum=minimum,
        stacked=stacked,
        logarithmic=logarithmic,
        **look,
    )


def stat(
    title: str,
    about: str,
    unit: str,
    *queries: Query,
    width: int = 4,
    height: int = 4,
    states: Mapping[float, State] | None = None,
    **look: Unpack[Look],
) -> Panel:
    """One number now; several series stand side by side.

    Its course is behind it, unless it has `states`, anything is bad, or it looks at hours.
    """
    return Panel("stat", title, about, unit, queries, width, height, states=states, **look)


def gauge(
    title: str, about: str, unit: str, *queries: Query, width: int = 4, height: int = 6, **look: Unpack[Look]
) -> Panel:
    """One number now between 0 and its `maximum`, with its `limits` on the rim."""
    return Panel("gauge", title, about, unit, queries, width, height, minimum=0, **look)


def bars(
    title: str, about: str, unit: str, *queries: Query, width: int = 8, height: int = 8, **look: Unpack[Look]
) -> Panel:
    """One bar a series, now: to compare many (the largest users, errors by kind)."""
    return Panel("bars", title, about, unit, queries, width, height, minimum=0, **look)


def states(
    title: str,
    about: str,
    *queries: Query,
    meanings: Mapping[float, State],
    width: int = 12,
    height: int = 6,
    **look: Unpack[Look],
) -> Panel:
    """One lane a series over time, coloured by what its number means."""
    return Panel("states", title, about, NONE, queries, width, height, states=meanings, **look)


def heatmap(
    title: str, about: str, unit: str, buckets: str, *, width: int = 12, height: int = 8, **look: Unpack[Look]
) -> Panel:
    """How a histogram is spread over time; `buckets` is a query that keeps `le`, `unit` that of `le`.

    Dots are the traces that Prometheus keeps of it.
    """
    return Panel(
        "heatmap", title, about, unit, (query(buckets, "{{le}}", exemplars=True),), width, height, **look
    )


def table(
    title: str,
    about: str,
    *queries: Query,
    columns: Sequence[Column],
    sort_by: str = "",
    width: int = 24,
    height: int = 8,
    **look: Unpack[Look],
) -> Panel:
    """What is now, a row a series; several queries are joined by the labels that they share.

    Aggregate each query to the labels that are shown, so that rows join.
    """
    return Panel(
        "table", title, about, NONE, queries, width, height, columns=columns, sort_by=sort_by, **look
    )


def scatter(
    title: str,
    about: str,
    x: tuple[Query, Column],
    y: tuple[Query, Column],
    *,
    labels: Sequence[Column],
    width: int = 12,
    height: int = 9,
    **look: Unpack[Look],
) -> Panel:
    """One thing against another, now, a point for each series that both queries have.

    `labels` tell which series that is when one points at it.
    """
    columns = (x[1], y[1], *labels)
    return Panel("scatter", title, about, y[1].unit, (x[0], y[0]), width, height, columns=columns, **look)


def lines(title: str, about: str, asked: Search, *, width: int = 24, height: int = 12) -> Panel:
    """The newest lines of logs; one opens with all its fields, and leads to its trace."""
    return Panel("logs", title, about, NONE, (), width, height, searches=(asked,))


def course(title: str, about: str, asked: Search, *, width: int = 24, height: int = 7) -> Panel:
    """How many documents there are over time, a bar an interval, one above the other."""
    return Panel(
        "timeseries", title, about, COUNT, (), width, height, searches=(asked,), minimum=0, stacked=True
    )


def documents(
    title: str,
    about: str,
    asked: Search,
    *,
    columns: Sequence[Column],
    sort_by: str = "",
    width: int = 24,
    height: int = 8,
    **look: Unpack[Look],
) -> Panel:
    """A row a document, or a value that documents have; columns are their fields and the `figures`."""
    return Panel(
        "table",
        title,
        about,
        NONE,
        (),
        width,
        height,
        searches=(asked,),
        columns=columns,
        sort_by=sort_by,
        **look,
    )
