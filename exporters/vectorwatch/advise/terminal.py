"""`vectorwatch advise`: measurements and advice, for people and scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vectorwatch.errors import VectorwatchError

from .evidence import Evidence, Measurement
from .memory import most_link_bytes, vector_bytes
from .reader import CannotTellError, Question, read
from .verdict import Aim, Kind, Verdict, judge

_MEBIBYTE = 2**20
_WORDS = {
    Kind.REBUILD: "build the graph anew",
    Kind.ELSEWHERE: "leave the HNSW settings as they are",
    Kind.MEASURE: "cannot tell yet",
}


def show(
    prometheus: str,
    question: Question,
    *,
    password_file: Path | None = None,
    recall: float | None,
    p95_ms: float | None,
    as_json: bool,
    say: Callable[[str], None],
) -> int:
    """Print the advice; return the exit code: 0 an advice, 3 cannot tell. Raises VectorwatchError."""
    evidence = read(prometheus, question, password_file)
    aim = _aim(evidence, recall, p95_ms)
    verdict = judge(evidence, aim)
    if as_json:
        say(json.dumps(_document(evidence, aim, verdict), ensure_ascii=False))
    else:
        say("\n".join(describe(evidence, aim, verdict)))
    return CannotTellError.exit_code if verdict.kind is Kind.MEASURE else 0


def describe(evidence: Evidence, aim: Aim, verdict: Verdict) -> Iterator[str]:
    """Yield the lines for people."""
    parts = [evidence.collection, f"on {evidence.instance}", f"k {evidence.k}", f"last {evidence.over}"]
    parts += [f"vector {evidence.vector}"] if evidence.vector else []
    parts += [f"filter {evidence.filter}"] if evidence.filter else []
    yield ", ".join(parts)
    yield f"aim: {_aimed(aim)}"
    yield ""
    yield f"  {'ef':<9}{'recall':<19}{'queries':>7}{'p50':>12}{'p95':>12}{'searches':>10}"
    yield from (_row(one) for one in evidence.by_effort())
    yield ""
    yield f"advice: {_advice(verdict)}"
    yield from (f"  because {reason}" for reason in verdict.reasons)
    yield from (f"  - {line}" for line in verdict.next)
    if evidence.optimizing:
        yield "  ! the index was being rebuilt during this time: figures before and after are mixed"
    yield f"graph: {_graph(evidence)}"


def _aim(evidence: Evidence, recall: float | None, p95_ms: float | None) -> Aim:
    if p95_ms is not None:
        return Aim(p95_seconds=p95_ms / 1000)
    wanted = recall if recall is not None else evidence.objective
    if wanted is None:
        raise VectorwatchError("advise: the probe shows no objective; give --recall or --p95-ms")
    return Aim(recall=wanted)


def _aimed(aim: Aim) -> str:
    if aim.recall is not None:
        return f"recall {aim.recall:g} at the least work"
    return f"p95 {(aim.p95_seconds or 0.0) * 1000:g} ms at the best recall"


def _row(one: Measurement) -> str:
    recall = f"{one.recall:.4f} ± " + ("?" if one.margin is None else f"{one.margin:.4f}")
    times = f"{_milliseconds(one.p50_seconds):>12}{_milliseconds(one.p95_seconds):>12}"
    note = "" if one.counts else "  too few queries"
    return f"  {one.ef:<9}{recall:<19}{one.queries:>7}{times}{one.searches:>10}{note}"


def _advice(verdict: Verdict) -> str:
    if verdict.ef == "default":
        return "set no `hnsw_ef` in searches: the default does it"
    if verdict.ef is not None:
        return f'search with `"params": {{"hnsw_ef": {verdict.ef}}}`; keep `m` and `ef_construct`'
    return _WORDS[verdict.kind]


def _graph(evidence: Evidence) -> str:
    graph = evidence.graph
    if graph.m is None or graph.dimensions is None:
        return "m, ef_construct and memory are unknown, because no qdrant-exporter shows this vector"
    built = f"m {graph.m}, ef_construct {'unknown' if graph.ef_construct is None else graph.ef_construct}"
    if graph.points is None:
        return f"{built}; memory is unknown, because the number of points is"
    memory = _memory(evidence)
    kept = "on disk" if graph.on_disk else "in memory"
    quantized = f", and quantized ({graph.quantization}) once more" if graph.quantization else ""
    return (
        f"{built}; of each copy of {graph.points:,.0f} points links take at most "
        f"{memory['links_bytes_at_most'] / _MEBIBYTE:,.1f} MiB, vectors of {graph.dimensions} dimensions "
        f"{memory['vectors_bytes'] / _MEBIBYTE:,.1f} MiB as 32-bit numbers, {kept}{quantized}"
    )


def _memory(evidence: Evidence) -> dict[str, int]:
    graph = evidence.graph
    if graph.points is None or graph.m is None or graph.dimensions is None:
        return {}
    return {
        "links_bytes_at_most": most_link_bytes(graph.points, graph.m),
        "vectors_bytes": vector_bytes(graph.points, graph.dimensions),
    }


def _document(evidence: Evidence, aim: Aim, verdict: Verdict) -> dict[str, Any]:
    measured = asdict(evidence)
    measured["measurements"] = [asdict(one) for one in evidence.by_effort()]
    return {"aim": asdict(aim), "verdict": asdict(verdict), "memory": _memory(evidence), "evidence": measured}


def _milliseconds(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds * 1000:.2f} ms"
