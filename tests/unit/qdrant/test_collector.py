"""The exporter against stand-ins over real HTTP: recorded servers, and servers that fail in every way."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response
from prometheus_client.parser import text_string_to_metric_families

from vectorwatch.qdrant.service import build_app
from vectorwatch.qdrant.settings import QdrantSettings
from vectorwatch.settings import load

Serve = Callable[[FastAPI], str]
Play = Callable[..., str]
Routes = Callable[[str], dict[str, Any]]
GOLDEN = Path(__file__).parent / "golden"
# What differs from run to run.
VOLATILE = re.compile(r"^(# (HELP|TYPE) )?(process_|python_|vectorwatch_build_info|qdrant_scrape_duration)")


@pytest.fixture
def scrape(serve: Serve) -> Callable[..., str]:
    """Start the exporter for one target and return its `/metrics`."""

    def start(url: str, **variables: object) -> str:
        environ = {"VECTORWATCH_QDRANT_URL": url}
        environ |= {f"VECTORWATCH_QDRANT_{name.upper()}": str(value) for name, value in variables.items()}
        base = serve(build_app(load(QdrantSettings, environ=environ)))
        return httpx.get(base + "/metrics", timeout=60).raise_for_status().text

    return start


def values(text: str) -> dict[tuple[str, ...], float]:
    """Return sample values by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def reasons(text: str) -> list[str]:
    return [key[1] for key, value in values(text).items() if key[0] == "qdrant_scrape_failed" and value == 1]


def test_recorded_servers_give_what_a_person_has_read(
    recorded: str, recorded_routes: Routes, play: Play, scrape: Callable[..., str]
) -> None:
    text = scrape(play(recorded_routes(recorded)))
    lines = sorted(line for line in text.splitlines() if not VOLATILE.match(line))
    golden = GOLDEN / f"{recorded}.prom"
    if not golden.exists():  # `make golden` removes them; the diff shows what has moved
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("\n".join(lines) + "\n")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert lines == golden.read_text().splitlines()


def test_each_collection_is_told(recorded_routes: Routes, play: Play, scrape: Callable[..., str]) -> None:
    found = values(scrape(play(recorded_routes("qdrant-1.19-features"))))
    assert found["qdrant_up",] == 1
    assert found["qdrant_collections",] == 3
    assert found["qdrant_collection_status", "mixed", "yellow"] == 1
    assert found["qdrant_collection_status", "mixed", "green"] == 0
    assert found["qdrant_collection_status", '"}\n# ', "green"] == 1
    # 30,000 of 20,000 points x 2 dense vectors
    assert found["qdrant_collection_unindexed_ratio", "mixed"] == pytest.approx(0.25)
    assert found["qdrant_collection_payload_index_points", "mixed", "tenant", "keyword"] == 19990
    assert found["qdrant_collection_optimizer_ok", "failed"] == 0
    assert ("qdrant_collection_approximate_points", "failed") not in found
    assert found["qdrant_alias_info", "live", "mixed"] == 1
    assert found["qdrant_issues", "unindexed_field"] == 1
    assert found["qdrant_distributed",] == 0


def test_a_cluster_tells_its_replicas(
    recorded_routes: Routes, play: Play, scrape: Callable[..., str]
) -> None:
    found = values(scrape(play(recorded_routes("qdrant-1.14-cluster"))))
    assert found["qdrant_collection_replicas", "question", "Dead"] == 1
    assert found["qdrant_collection_replicas", "question", "Active"] == 2
    assert found["qdrant_collection_replica_active", "question", "2", "434571113528785"] == 0
    assert found["qdrant_consensus_role", "Follower"] == 1


def test_one_unreadable_collection_leaves_the_others(
    recorded_routes: Routes, play: Play, scrape: Callable[..., str]
) -> None:
    routes = copy.deepcopy(recorded_routes("qdrant-1.19-features"))
    routes["/collections/failed"] = Response("<html>", 500)
    text = scrape(play(routes))
    found = values(text)
    assert (found["qdrant_up",], reasons(text)) == (0, ["partial"])
    assert found["qdrant_unreadable_collections",] == 1
    assert found["qdrant_collection_segments", "mixed"] == 7


def test_a_collection_deleted_in_between_is_no_failure(
    recorded_routes: Routes, play: Play, scrape: Callable[..., str]
) -> None:
    routes = copy.deepcopy(recorded_routes("qdrant-1.19-features"))
    del routes["/collections/failed"]
    found = values(scrape(play(routes)))
    assert found["qdrant_up",] == 1
    assert ("qdrant_collection_segments", "failed") not in found


def test_api_key_from_a_file_reaches_the_server_and_nothing_else(
    recorded_routes: Routes,
    play: Play,
    scrape: Callable[..., str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret-key\n")
    url = play(recorded_routes("qdrant-1.12-old"), api_key="s3cret-key")
    text = scrape(url, api_key_file=key)
    assert values(text)["qdrant_up",] == 1
    assert reasons(scrape(url, api_key="wr0ng-key")) == ["auth"]
    assert reasons(scrape(url)) == ["auth"]
    assert not re.search("s3cret|wr0ng", text + caplog.text)


def test_a_lost_key_file_is_an_auth_reason_for_listed_servers_too(
    recorded_routes: Routes, play: Play, serve: Serve, tmp_path: Path
) -> None:
    key, listed = tmp_path / "key", tmp_path / "qdrant.yml"
    key.write_text("s3cret-key")
    address = play(recorded_routes("qdrant-1.12-old"), api_key="s3cret-key").removeprefix("http://")
    listed.write_text(f"- targets: ['{address}']\n")
    environ = {"VECTORWATCH_QDRANT_API_KEY_FILE": str(key), "VECTORWATCH_QDRANT_TARGETS_FILE": str(listed)}
    probe = serve(build_app(load(QdrantSettings, environ=environ))) + "/probe"
    assert values(httpx.get(probe, params={"target": address}).text)["qdrant_up",] == 1
    key.unlink()
    assert reasons(httpx.get(probe, params={"target": address}).text) == ["auth"]


def http_answer(body: bytes, kind: str = "application/json", length: int | None = None) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


LIES = {
    "html": (http_answer(b"<html>nginx</html>", "text/html"), False, "decode"),
    "truncated json": (http_answer(b'{"result": {"coll'), False, "decode"),
    "cut connection": (http_answer(b'{"result"', length=500), False, "decode"),
    "wrong envelope": (http_answer(b"[]"), False, "decode"),
    "nan": (http_answer(b'{"version": "1", "result": {"collections": [], "x": NaN}}'), False, "decode"),
    "deep": (http_answer(b"[" * 200_000), False, "decode"),
    "ten megabytes": (http_answer(b" " * 10_000_000), False, "too_large"),
    "nothing": (b"", False, "connect"),
    "not http": (b"-ERR unknown command\r\n", False, "decode"),
    "silence": (b"", True, "timeout"),
    "half an answer, then silence": (http_answer(b'{"result"', length=500), True, "timeout"),
    "redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        False,
        "http_status",
    ),
    "server error": (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", False, "http_status"),
    "forbidden": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", False, "auth"),
}


@pytest.mark.parametrize(("answer", "hold", "reason"), LIES.values(), ids=LIES)
def test_a_lying_server_is_down_with_a_reason(
    raw_server: Callable[..., int], scrape: Callable[..., str], answer: bytes, hold: bool, reason: str
) -> None:
    seconds = 2 if reason == "timeout" else 30
    text = scrape(f"http://127.0.0.1:{raw_server(answer, hold=hold)}", scrape_timeout_seconds=seconds)
    assert (values(text)["qdrant_up",], reasons(text)) == (0, [reason])


def test_a_server_that_is_not_there_is_down(scrape: Callable[..., str], free_port: Callable[[], int]) -> None:
    assert reasons(scrape(f"http://127.0.0.1:{free_port()}")) == ["connect"]


def test_tls_where_there_is_none_is_a_tls_reason(
    raw_server: Callable[..., int], scrape: Callable[..., str]
) -> None:
    port = raw_server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    assert reasons(scrape(f"https://127.0.0.1:{port}")) == ["tls"]


def one_collection() -> dict[str, Any]:
    return {
        "status": "green",
        "optimizer_status": "ok",
        "points_count": 1,
        "indexed_vectors_count": 0,
        "segments_count": 1,
        "config": {"params": {"vectors": {"size": 4, "distance": "Dot"}}},
        "payload_schema": {},
    }


def many_collections(count: int) -> dict[str, Any]:
    names = [f"c{number:05}" for number in range(count)]
    routes: dict[str, Any] = {f"/collections/{name}": {"result": one_collection()} for name in names}
    return routes | {
        "/": {"version": "1.19.0"},
        "/collections": {"result": {"collections": [{"name": name} for name in names]}},
        "/aliases": {"result": {"aliases": []}},
        "/cluster": {"result": {"status": "disabled"}},
    }


def test_ten_thousand_collections_cost_what_the_limit_says(play: Play, scrape: Callable[..., str]) -> None:
    text = scrape(play(many_collections(10_000)), max_collections=100, scrape_timeout_seconds=60)
    found = values(text)
    assert (found["qdrant_up",], found["qdrant_collections",]) == (1, 10_000)
    assert found["qdrant_skipped_collections",] == 9_900
    assert sum(key[0] == "qdrant_collection_segments" for key in found) == 100


def test_series_above_the_ceiling_are_counted(play: Play, scrape: Callable[..., str]) -> None:
    text = scrape(play(many_collections(50)), max_series=200, scrape_timeout_seconds=60)
    found = values(text)
    assert found["qdrant_up",] == 1
    assert found["qdrant_scrape_dropped_series",] > 0
    assert sum(key[0].startswith("qdrant_collection") for key in found) <= 200
