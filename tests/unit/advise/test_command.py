"""The command, as a person or a script runs it, on what a real Prometheus has kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Advise = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def advise(vectorwatch_command: list[str], prometheus: str) -> Advise:
    def run(collection: str, *options: str, url: str = prometheus) -> subprocess.CompletedProcess[str]:
        command = [*vectorwatch_command, "advise", "--prometheus", url, "--collection", collection, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


def document(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.stderr == ""
    content: dict[str, Any] = json.loads(result.stdout)
    return content


@pytest.mark.parametrize(
    ("options", "ef"),
    [
        (["--recall", "0.9"], "64"),
        (["--recall", "0.95"], "default"),
        (["--recall", "0.99"], "256"),
        ([], "default"),
        (["--p95-ms", "20"], "256"),
        (["--p95-ms", "6"], "default"),
        (["--p95-ms", "3"], "64"),
    ],
)
def test_the_ef_advised_is_the_cheapest_that_reaches_the_recall_or_the_best_within_the_latency(
    advise: Advise, options: list[str], ef: str
) -> None:
    result = advise("documents", *options, "--json")
    assert (result.returncode, document(result)["verdict"]["ef"]) == (0, ef)


def test_the_evidence_stands_in_a_table_with_the_memory_below(advise: Advise) -> None:
    result = advise("documents", "--recall", "0.99")
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[4:7]] == ["64", "default", "256"]
    # 200 queries; all latencies lie between two bounds, among which Prometheus interpolates.
    assert lines[6].split()[:9] == ["256", "0.9950", "±", "0.0020", "200", "7.50", "ms", "9.75", "ms"]
    assert 'advice: search with `"params": {"hnsw_ef": 256}`' in result.stdout
    assert (
        "m 16, ef_construct 100; of each copy of 1,000,000 points links take at most 138.3 MiB" in lines[-1]
    )
    assert "vectors of 128 dimensions 488.3 MiB" in lines[-1]


def test_when_a_larger_ef_has_stopped_helping_another_graph_is_advised_with_its_cost(advise: Advise) -> None:
    result = advise("saturated", "--recall", "0.95")
    assert result.returncode == 0
    assert "advice: build the graph anew" in result.stdout
    assert "from 128 to 512 it brought 0.0010 ± 0.0198, and 0.0490 are missing" in result.stdout
    assert "`m` 16 to 32: longer to build, and more memory for links" in result.stdout
    assert "at most 266.4 MiB instead of 138.3 MiB" in result.stdout


@pytest.mark.parametrize(
    ("collection", "options", "reason", "remedy"),
    [
        ("steep", ["--recall", "0.95"], "the best is `ef` 256", "add 512 and 1024 to `ef` of the probe"),
        ("near", ["--recall", "0.95"], "the best is `ef` 128", "add 256 and 512 to `ef` of the probe"),
        ("close", ["--recall", "0.95"], "may reach 0.95 or not", "some 800 queries would tell"),
        ("thin", ["--recall", "0.9"], "12 queries are too few", "raise `queries_per_minute`"),
        ("scanned", ["--recall", "0.9"], "instead of walking the graph (too_small)", "hnsw-probe.md"),
        ("documents", ["--p95-ms", "1"], "the fastest is `ef` 64", "add 32 to `ef` of the probe"),
    ],
)
def test_what_cannot_be_told_is_said_with_what_to_measure(
    advise: Advise, collection: str, options: list[str], reason: str, remedy: str
) -> None:
    result = advise(collection, *options)
    assert result.returncode == 3
    assert "advice: cannot tell yet" in result.stdout
    assert reason in result.stdout
    assert remedy in result.stdout


def test_a_latency_that_the_smallest_ef_misses_is_no_matter_of_the_graph(advise: Advise) -> None:
    result = advise("smallest", "--p95-ms", "20")
    assert result.returncode == 0
    assert "advice: leave the HNSW settings as they are" in result.stdout


def test_a_recall_without_any_miss_is_no_certainty(advise: Advise) -> None:
    """Three misses among 2,000 results could have been: 0.9985."""
    assert advise("flawless", "--recall", "0.998").returncode == 0
    assert advise("flawless", "--recall", "0.999").returncode == 3


def test_without_the_exporter_the_memory_is_unknown_and_said_to_be(advise: Advise) -> None:
    result = advise("flawless", "--recall", "0.95")
    assert "memory are unknown, because no qdrant-exporter shows this vector" in result.stdout


def test_vectors_on_disk_and_quantized_ones_are_named_beside_the_memory(advise: Advise) -> None:
    last = advise("small").stdout.splitlines()[-1]
    assert last.endswith("as 32-bit numbers, on disk, and quantized (scalar) once more")
    assert advise("documents").stdout.splitlines()[-1].endswith("as 32-bit numbers, in memory")


def test_an_alias_has_the_graph_of_what_it_points_to(advise: Advise) -> None:
    assert document(advise("current", "--json"))["evidence"]["graph"]["m"] == 16


def test_one_of_several_servers_or_vectors_is_chosen_by_name(advise: Advise) -> None:
    result = advise("twice", "--json", "--instance", "other:6333")
    assert document(result)["evidence"]["measurements"][0]["recall"] == pytest.approx(0.91)
    result = advise("named", "--json", "--vector", "text")
    assert document(result)["evidence"]["measurements"][0]["recall"] == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("collection", "options", "code", "line"),
    [
        ("nothing", [], 1, "advise: no collection `nothing`; there is close or current or documents or"),
        ("twice", [], 1, "with several values of instance; add --instance other:6333 or q:6333"),
        ("named", [], 1, "with several values of vector; add --vector image or text"),
        (
            "named",
            ["--vector", "txt"],
            1,
            "was not measured so; there is --vector 'image' or --vector 'text'",
        ),
        ("documents", ["--k", "5"], 3, "k=5 was not measured; add it to `k` of the probe, or ask for --k 10"),
        ("idle", [], 3, "no query of `idle` within 1h; the probe says waiting"),
        ("documents", ["--over", "soon"], 2, "`soon` is no length of time; write 30m, 1h or 2d"),
        ("documents", ["--recall", "0.9", "--p95-ms", "3"], 2, "give --recall or --p95-ms, not both"),
        ("documents", ["--recall", "95"], 2, "0<x<=1"),
        ("documents", ["--recall", "nan"], 2, "--recall and --p95-ms take a number"),
        ("documents", ["--p95-ms", "inf"], 2, "--recall and --p95-ms take a number"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line_with_its_remedy(
    advise: Advise, collection: str, options: list[str], code: int, line: str
) -> None:
    result = advise(collection, *options)
    assert (result.returncode, result.stdout) == (code, "")
    assert line in result.stderr.splitlines()[-1]


def test_a_prometheus_that_is_down_is_one_line_with_its_remedy(
    advise: Advise, free_port: Callable[[], int]
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = advise("documents", url=url)
    assert result.returncode == 1
    assert result.stderr == (
        f"advise: nothing listens at {url}; "
        "start it (`make up`, `make demo`) or name another with --prometheus\n"
    )


@pytest.mark.parametrize(
    ("answer", "what"),
    [(b"200 OK", "its answer holds no series"), (b"503 Service Unavailable", "HTTP status 503")],
)
def test_something_else_than_prometheus_is_one_line(
    advise: Advise, raw_server: Callable[..., int], answer: bytes, what: str
) -> None:
    port = raw_server(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    url = f"http://127.0.0.1:{port}"
    result = advise("documents", url=url)
    assert result.returncode == 1
    assert result.stderr == f"advise: {url} does not answer as Prometheus does: {what}\n"
