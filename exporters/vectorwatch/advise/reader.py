"""Read from Prometheus what the probe and the Qdrant exporter have measured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from vectorwatch.errors import Reason, TargetError, VectorwatchError
from vectorwatch.serve.http_client import JsonClient, answer_within
from vectorwatch.serve.http_target import check_http_url
from vectorwatch.serve.prometheus_query import Labels, Series, query_path, read_series
from vectorwatch.serve.web_login import login_headers

from .evidence import LEAST_QUERIES, Evidence, Graph, Measurement, margin_of

_DEADLINE_SECONDS = 30.0

_QUERIES = {
    "hits": "increase(hnsw_recall_hits_total{SUBJECT}[OVER])",
    "expected": "increase(hnsw_recall_expected_total{SUBJECT}[OVER])",
    "errors": "last_over_time(hnsw_recall_standard_error_ratio{SUBJECT}[OVER])",
    "window": "last_over_time(hnsw_recall_window_queries{SUBJECT}[OVER])",
    "objective": "last_over_time(hnsw_recall_objective_ratio{SUBJECT}[OVER])",
    "bypassed": (
        "last_over_time(hnsw_graph_bypassed{SUBJECT}[OVER]) == 1"
        " and on (job, instance, collection, vector, filter)"
        " last_over_time(hnsw_graph_exercised{SUBJECT}[OVER]) == 0"
    ),
    "optimizing": "max_over_time(hnsw_optimizing{SERVER}[OVER])",
    "searches": 'increase(hnsw_search_duration_seconds_count{SUBJECT,mode="ann"}[OVER])',
    "p50": 'histogram_quantile(0.50, rate(hnsw_search_duration_seconds_bucket{SUBJECT,mode="ann"}[OVER]))',
    "p95": 'histogram_quantile(0.95, rate(hnsw_search_duration_seconds_bucket{SUBJECT,mode="ann"}[OVER]))',
    "points": "last_over_time(hnsw_points{SERVER}[OVER])",
    # The probe shows an alias as if it were a collection, the exporter shows what it points to.
    "vectors": (
        "last_over_time(qdrant_collection_vector_info{SERVER}[OVER])"
        " or last_over_time(qdrant_collection_vector_info[OVER])"
        " and on (instance, collection) last_over_time(qdrant_alias_info{ALIAS}[OVER])"
    ),
    "states": "last_over_time(hnsw_state[OVER]) == 1",
}


_SUBJECT_LABELS = ("instance", "job", "vector", "filter")
_TOLD_APART_BY = {
    "optimizing": ("instance", "job"),
    "points": ("instance", "job"),
    "vectors": ("instance", "vector"),
}


class CannotTellError(VectorwatchError):
    """The probe has not measured what the question asks for."""

    exit_code = 3


@dataclass(frozen=True)
class Question:
    """What to advise on; None where there is only one anyway."""

    collection: str
    instance: str | None
    vector: str | None
    filter: str | None
    k: int | None
    over: str


def read(url: str, question: Question, password_file: Path | None = None) -> Evidence:
    """Return what Prometheus knows. Raises VectorwatchError, CannotTellError when nothing was measured."""
    try:
        base = check_http_url(url)
    except ValueError as error:
        raise VectorwatchError(f"--prometheus: {error}") from None
    try:
        return _gather(question, asyncio.run(_ask_all(base, question, password_file)))
    except TargetError as error:
        if error.reason is Reason.CONNECT:
            remedy = "start it (`make up`, `make demo`) or name another with --prometheus"
            raise VectorwatchError(f"advise: nothing listens at {url}; {remedy}") from None
        if error.reason is Reason.AUTH:
            remedy = "write it (`make credentials`) to a file and name that with --password-file"
            raise VectorwatchError(f"advise: {url} asks for a password; {remedy}") from None
        raise VectorwatchError(f"advise: {url} does not answer as Prometheus does: {error}") from None


async def _ask_all(base: str, question: Question, password_file: Path | None) -> dict[str, Series]:
    named = {"collection": question.collection, "instance": question.instance}
    subject = named | {"vector": question.vector, "filter": question.filter}
    places = {
        "{SUBJECT": "{" + _match(subject),
        "{SERVER": "{" + _match(named),
        "{ALIAS": "{" + _match({"alias": question.collection, "instance": question.instance}),
        "[OVER": f"[{question.over}",
    }
    async with answer_within(_DEADLINE_SECONDS), aiohttp.ClientSession() as session:
        client = JsonClient(session, base, login_headers(password_file))
        answers = await asyncio.gather(*(_ask(client, _fill(text, places)) for text in _QUERIES.values()))
    return dict(zip(_QUERIES, answers, strict=True))


def _fill(text: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text


def _match(wanted: Mapping[str, str | None]) -> str:
    pairs = ((name, value) for name, value in wanted.items() if value is not None)
    return ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in pairs)


async def _ask(client: JsonClient, query: str) -> Series:
    path = query_path(query)
    try:
        content = await client.get(path)
    except TargetError as error:  # a whole query is no line for people
        raise TargetError(error.reason, str(error).removeprefix(f"{path}: ")) from None
    try:
        return read_series(content)
    except ValueError:
        raise TargetError(Reason.DECODE, "its answer holds no series") from None


def _gather(question: Question, found: dict[str, Series]) -> Evidence:
    expected = [(labels, value) for labels, value in found["expected"] if value > 0]
    if not expected:
        _explain_nothing(question, found["states"])
    subject = _choose(question, [labels for labels, _ in expected])
    mine = {
        name: [one for one in series if _is_of(one[0], subject, _TOLD_APART_BY.get(name, _SUBJECT_LABELS))]
        for name, series in found.items()
    }
    k = subject["k"]
    window = _first(mine["window"]) or 0.0
    tables = {
        name: _by_ef(mine[name], k) for name in ("hits", "expected", "errors", "searches", "p50", "p95")
    }
    return Evidence(
        collection=question.collection,
        instance=subject["instance"],
        vector=subject["vector"],
        filter=subject["filter"],
        k=int(k),
        over=question.over,
        bypassed=next((labels["reason"] for labels, _ in mine["bypassed"]), ""),
        optimizing=bool(_first(mine["optimizing"])),
        objective=_first(mine["objective"]),
        measurements=tuple(
            _measurement(ef, int(k), window, tables) for ef, value in tables["expected"].items() if value > 0
        ),
        graph=_graph(_first(mine["points"]), mine["vectors"]),
    )


def _measurement(ef: str, k: int, window: float, tables: Mapping[str, Mapping[str, float]]) -> Measurement:
    expected = tables["expected"][ef]
    recall = min(tables["hits"].get(ef, 0.0) / expected, 1.0)
    # Queries may repeat; the window counts each once.
    queries = min(expected / k, window)
    searches = round(tables["searches"].get(ef, 0.0))
    timed = searches >= LEAST_QUERIES
    return Measurement(
        ef=ef,
        recall=recall,
        margin=margin_of(tables["errors"].get(ef), queries, window, k, recall),
        queries=round(queries),
        searches=searches,
        p50_seconds=tables["p50"].get(ef) if timed else None,
        p95_seconds=tables["p95"].get(ef) if timed else None,
    )


def _graph(points: float | None, vectors: Series) -> Graph:
    labels: Labels = vectors[0][0] if vectors else {}
    return Graph(
        points=points,
        dimensions=_whole(labels.get("size")),
        m=_whole(labels.get("m")),
        ef_construct=_whole(labels.get("ef_construct")),
        quantization=labels.get("quantization", "").removeprefix("none"),
        on_disk=labels.get("on_disk") == "true",
    )


def _choose(question: Question, found: list[Labels]) -> dict[str, str]:
    """Return the labels of the one subject that is meant. Raises VectorwatchError when several could be."""
    chosen: dict[str, str] = {}
    for name in ("instance", "job", "vector", "filter", "k"):
        values = sorted({labels.get(name, "") for labels in found})
        if name == "filter" and question.filter is None and "" in values:
            values = [""]
        if name == "k" and question.k is not None:
            if str(question.k) not in values:
                remedy = "add it to `k` of the probe, or ask for"
                raise CannotTellError(
                    f"advise: k={question.k} was not measured; {remedy} --k {_listed(values)}"
                )
            values = [str(question.k)]
        if name == "job" and len(values) > 1:
            raise VectorwatchError(
                f"advise: several jobs of Prometheus measure it, {_listed(values)}; keep one"
            )
        if len(values) > 1:
            raise VectorwatchError(
                f"advise: `{question.collection}` was measured with several values of {name}; "
                f"add --{name} {_listed(values)}"
            )
        chosen[name] = values[0]
        found = [labels for labels in found if labels.get(name, "") == chosen[name]]
    return chosen


def _explain_nothing(question: Question, states: Series) -> None:
    """Say why there is no measurement. Always raises VectorwatchError or CannotTellError."""
    names = sorted({labels["collection"] for labels, _ in states})
    if not names:
        raise VectorwatchError(
            f"advise: no HNSW probe was seen within {question.over}; "
            "add the server to prometheus/targets/qdrant.yml, or ask for longer with --over"
        )
    if question.collection not in names:
        raise VectorwatchError(f"advise: no collection `{question.collection}`; there is {_listed(names)}")
    asked = {"instance": question.instance, "vector": question.vector, "filter": question.filter}
    wanted = {name: value for name, value in asked.items() if value is not None}
    here = [labels for labels, _ in states if labels["collection"] == question.collection]
    if matching := [labels for labels in here if _is_of(labels, wanted, wanted)]:
        doing = _listed(sorted({labels["state"] for labels in matching}))
        raise CannotTellError(
            f"advise: no query of `{question.collection}` within {question.over}; the probe says {doing}: "
            "see hnsw_state and hnsw_errors_total, or ask for longer with --over"
        )
    there = sorted({" ".join(f"--{name} '{labels.get(name, '')}'" for name in wanted) for labels in here})
    raise VectorwatchError(f"advise: `{question.collection}` was not measured so; there is {_listed(there)}")


def _is_of(labels: Labels, subject: Labels, names: Iterable[str]) -> bool:
    """Tell whether a series is about `subject`; Prometheus leaves out labels that are empty."""
    return all(labels.get(name, "") == subject[name] for name in names)


def _by_ef(series: Series, k: str) -> dict[str, float]:
    return {labels["ef"]: value for labels, value in series if labels.get("k") == k}


def _first(series: Series) -> float | None:
    return series[0][1] if series else None


def _whole(text: str | None) -> int | None:
    return int(text) if text else None


def _listed(values: Iterable[str]) -> str:
    return " or ".join(value or "''" for value in values)
