"""Recorded answers of a cluster and of a server with issues: a stand-in, see tests/unit/qdrant/fixtures/.

The counts, which were not recorded, are added here.
"""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from fastapi import Response

from vectorwatch.integrity.answer import Collection, read_answer

Run = Callable[..., subprocess.CompletedProcess[str]]
Routes = dict[str, Any]
SPREAD = "/collections/question/cluster"


@pytest.fixture
def routes(recorded_routes: Callable[[str], Routes]) -> Routes:
    found = recorded_routes("qdrant-1.14-cluster")
    return {**found, "/collections/question/points/count": {"result": {"count": 540}}}


def spread_on(peer: int, points: dict[int, int]) -> Routes:
    shards = [{"shard_id": one, "points_count": number, "state": "Active"} for one, number in points.items()]
    return {"result": {"peer_id": peer, "local_shards": shards, "remote_shards": [], "shard_count": 2}}


def test_shards_with_dead_or_too_few_replicas_are_found(
    play: Callable[..., str], expect: Run, routes: Routes
) -> None:
    ended = expect({"main": {"url": play(routes), "collections": {"question": {}}}})
    assert ended.returncode == 1
    assert ended.stderr == ""
    told = [line.partition(";")[0].removeprefix("main/question: ") for line in ended.stdout.splitlines()]
    assert told == [
        *(f"shard {shard} has 2 of 3 replicas" for shard in range(3)),
        "the replica of shard 0 on peer 1429474204823018 is Initializing",
        "the replica of shard 1 on peer 434571113528785 is Initializing",
        "the replica of shard 2 on peer 434571113528785 is Dead",
        "the replica of shard 2 on peer 1429474204823018 is Initializing",
        "note: main: points of replicas not compared",
    ]


@pytest.mark.parametrize(("there", "differ"), [({0: 165, 1: 190}, False), ({0: 120, 1: 190}, True)])
def test_replicas_are_compared_where_the_other_nodes_are_named(
    play: Callable[..., str], expect: Run, routes: Routes, there: dict[int, int], differ: bool
) -> None:
    routes[SPREAD] = spread_on(1, {0: 169, 1: 190})
    routes["/collections/question"] = copy.deepcopy(routes["/collections/question"])
    routes["/collections/question"]["result"]["config"]["params"]["replication_factor"] = 1
    peer = play({SPREAD: spread_on(2, there)})
    ended = expect({"main": {"url": play(routes), "peers": [peer], "collections": {"question": {}}}})
    assert ended.returncode == (1 if differ else 0)
    problem = "main/question: the replicas of shard 0 differ: 169 on peer 1, 120 on peer 2; run this again"
    assert ended.stdout.startswith(problem) == differ


def test_a_peer_that_does_not_answer_is_3(
    play: Callable[..., str], expect: Run, routes: Routes, free_port: Callable[[], int]
) -> None:
    peer = f"http://127.0.0.1:{free_port()}"
    ended = expect({"main": {"url": play(routes), "peers": [peer], "collections": {"question": {}}}})
    assert ended.returncode == 3
    assert f"verify: cannot tell: main: peer {peer}: " in ended.stderr
    assert "is Dead" in ended.stdout


def test_a_load_balancer_in_front_of_the_nodes_is_noted(
    play: Callable[..., str], expect: Run, routes: Routes
) -> None:
    url = play(routes)
    ended = expect({"main": {"url": url, "peers": [url], "collections": {"question": {}}}})
    assert "note: main: several of `url` and `peers` lead to the same node\n" in ended.stdout


def test_a_count_that_is_far_from_the_exact_one_is_found(
    play: Callable[..., str], expect: Run, routes: Routes
) -> None:
    routes["/collections/question/points/count"] = {"result": {"count": 500}}
    ended = expect({"main": {"url": play(routes), "collections": {"question": {}}}})
    assert "main/question: `points_count` says 540, and counting gives 500; " in ended.stdout
    ended = expect({"main": {"url": play(routes), "collections": {"question": {"counts_within_percent": 8}}}})
    assert "points_count" not in ended.stdout


def test_counts_are_not_compared_while_segments_are_merged(
    play: Callable[..., str], expect: Run, routes: Routes
) -> None:
    routes["/collections/question"] = copy.deepcopy(routes["/collections/question"])
    routes["/collections/question"]["result"]["status"] = "yellow"
    routes["/collections/question/points/count"] = {"result": {"count": 500}}
    ended = expect({"main": {"url": play(routes), "collections": {"question": {}}}})
    assert "status yellow, expected green; it is being optimised; look again" in ended.stdout
    assert "points_count" not in ended.stdout


def test_an_alias_that_leads_nowhere_is_found_though_nobody_expects_it(
    play: Callable[..., str], expect: Run, routes: Routes
) -> None:
    routes["/collections"] = {"result": {"collections": []}}
    ended = expect({"main": {"url": play(routes)}})
    assert ended.returncode == 1
    assert ended.stdout.startswith("main: alias `live` leads to `question`, which does not exist; switch or")


def test_a_file_is_written_with_named_sparse_and_multivectors(
    play: Callable[..., str], verify: Run, recorded_routes: Callable[[str], Routes]
) -> None:
    routes = recorded_routes("qdrant-1.19-features")
    for path in list(routes):
        if path.startswith("/collections/"):
            routes[f"{path}/points/count"] = {"result": {"count": 1000}}
    written = verify("--write", "--url", play(routes))
    assert (written.returncode, written.stderr) == (0, "")
    collections = yaml.safe_load(written.stdout)["servers"]["qdrant"]["collections"]
    assert set(collections) == {"failed", "mixed", '"}\n# '}
    assert collections["failed"]["sparse_vectors"] == ["text"]
    # 30,000 of two times 20,000 are in the index: 75 %, too few to be asked for.
    assert collections["mixed"] == {
        "points": {"min": 900},
        "vectors": {
            "title": {"size": 384, "distance": "Cosine"},
            "body": {"size": 768, "distance": "Dot"},
            "tokens": {"size": 128, "distance": "Cosine"},
        },
        "payload_indexes": {"tenant": "keyword", "year": "integer"},
        "replication_factor": 1,
    }


@pytest.mark.parametrize(
    ("recorded", "percent"),
    [
        (("qdrant-1.12-old", "/collections/legacy"), 100),
        (("qdrant-1.15-grey", "/collections/faces"), 0),
        (("qdrant-1.19-features", "/collections/mixed"), 75),
        (("qdrant-1.19-features", "/collections/failed"), None),
    ],
)
def test_the_share_of_vectors_in_the_index_is_of_all_named_ones(
    recorded_routes: Callable[[str], Routes], recorded: tuple[str, str], percent: float | None
) -> None:
    folder, path = recorded
    assert read_answer(Collection, recorded_routes(folder)[path], path).indexed_percent == percent


def test_fields_that_queries_filter_on_without_an_index_are_found(
    play: Callable[..., str], expect: Run, recorded_routes: Callable[[str], Routes]
) -> None:
    routes = recorded_routes("qdrant-1.19-features")
    routes["/collections/mixed/points/count"] = {
        "result": {"count": routes["/collections/mixed"]["result"]["points_count"]}
    }
    routes["/collections/mixed/cluster"] = spread_on(1, {})
    ended = expect({"main": {"url": play(routes), "collections": {"mixed": {}}}})
    assert (
        "main/mixed: queries filter on `tenant`, which has no index, and are slow; create it" in ended.stdout
    )


def test_a_key_that_may_not_read_issues_still_sees_the_rest(
    play: Callable[..., str], expect: Run, routes: Routes
) -> None:
    routes["/issues"] = Response(status_code=403)
    ended = expect({"main": {"url": play(routes), "aliases": {"live": "question"}}})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("note: main: this key may not read /issues: slow filters are not seen\n")


def test_a_hostile_name_stays_on_one_line(
    play: Callable[..., str], expect: Run, recorded_routes: Callable[[str], Routes]
) -> None:
    routes = recorded_routes("qdrant-1.19-features")
    ended = expect({"main": {"url": play(routes), "collections": {'"}\n# ': {}, "a\x1b[2J": {}}}})
    assert ended.returncode == 3
    assert ended.stdout.startswith("main/a\N{REPLACEMENT CHARACTER}[2J: there is no such collection; ")
    assert (ended.stdout.count("\n"), ended.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/collections", {"result": {"collections": "none"}}),
        ("/aliases", {"status": "ok"}),
        ("/collections/question", {"result": {"status": 7}}),
        (SPREAD, {"result": []}),
        ("/collections/question/points/count", {"result": {"count": -1}}),
    ],
)
def test_an_answer_that_is_not_qdrants_is_3(
    play: Callable[..., str], expect: Run, routes: Routes, path: str, answer: Any
) -> None:
    routes[path] = answer
    ended = expect({"main": {"url": play(routes), "collections": {"question": {}}}})
    assert ended.returncode == 3
    assert f"{path}: `" in ended.stderr
    assert "is not what Qdrant answers" in ended.stderr
    assert ended.stderr.count("\n") == 1
