"""The command against the real Qdrant engine (its HTTP layer is ours: see vectorwatch.demo.engine)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import POINTS, Engine

Run = Callable[..., subprocess.CompletedProcess[str]]


def server(engine: Engine, **collection: Any) -> dict[str, Any]:
    return {"url": engine.url, "api_key_file": str(engine.key), "collections": {"documents": collection}}


def lines(ended: subprocess.CompletedProcess[str]) -> list[str]:
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_a_file_written_from_what_is_there_is_fulfilled(engine: Engine, verify: Run, tmp_path: Path) -> None:
    written = verify("--write", "--url", engine.url, "--api-key-file", engine.key)
    assert (written.returncode, written.stderr) == (0, "")
    assert yaml.safe_load(written.stdout)["servers"]["qdrant"] == {
        "url": engine.url,
        "api_key_file": str(engine.key),
        "collections": {
            "documents": {
                "points": {"min": 36},
                "vector": {"size": 2, "distance": "Dot"},
                "payload_indexes": {"year": "integer"},
                "replication_factor": 1,
            }
        },
        "aliases": {"live": "documents"},
    }
    file = tmp_path / "written.yml"
    file.write_text(written.stdout, encoding="utf-8")
    ended = verify("--expect", file)
    assert (ended.returncode, lines(ended)) == (0, ["1 collections on 1 servers are as expected"])


@pytest.mark.parametrize(
    ("collection", "problem"),
    [
        ({"points": {"min": 41}}, "40 points, expected at least 41; look for a load"),
        ({"points": {"max": 39}}, "40 points, expected at most 39; look for points"),
        ({"status": ["yellow", "grey"]}, "status green, expected yellow or grey; "),
        (
            {"vector": {"size": 3, "distance": "Dot"}},
            "the vector without a name has size 2 and distance Dot, e",
        ),
        (
            {"vector": {"size": 2, "distance": "Cosine"}},
            "the vector without a name has size 2 and distance Dot",
        ),
        (
            {"vectors": {"text": {"size": 2, "distance": "Dot"}}},
            "vector `text` is missing; there is one without",
        ),
        ({"sparse_vectors": ["words"]}, "sparse vector `words` is missing; "),
        (
            {"payload_indexes": {"tag": "keyword"}},
            "payload field `tag` has no index, expected keyword; create",
        ),
        (
            {"payload_indexes": {"year": "float"}},
            "the index of payload field `year` is integer, expected float",
        ),
        ({"replication_factor": 2}, "replication factor 1, expected 2; "),
        ({"indexed_min_percent": 50}, "0 % of the vectors are in the index, expected at least 50 %; wait"),
    ],
)
def test_what_differs_is_one_line_and_1(
    engine: Engine, expect: Run, collection: dict[str, Any], problem: str
) -> None:
    ended = expect({"main": server(engine, **collection)})
    assert ended.returncode == 1
    first = lines(ended)[0]
    assert first.startswith(f"main/documents: {problem}")
    assert len(lines(ended)) == (2 if "replication_factor" in collection else 1)


def test_what_is_lost_or_spoilt_is_found(engine: Engine, expect: Run) -> None:
    kept = {"main": {**server(engine, points={"min": POINTS}), "aliases": {"live": "documents"}}}
    kept["main"]["collections"]["documents"]["payload_indexes"] = {"year": "integer"}
    assert expect(kept).returncode == 0

    engine.ask("POST", "/collections/documents/points/delete?wait=true", {"points": [7]})
    assert lines(expect(kept)) == [
        "main/documents: 39 points, expected at least 40;"
        " look for a load that failed or a delete that went too far"
    ]
    engine.fill("documents", POINTS, lambda one: {"year": "unknown" if one > 37 else one})
    assert lines(expect(kept)) == [
        "main/documents: 2 of 40 sampled values of `year` are not of type integer, the first at point 38;"
        " filters do not find them; write them with the right type, or index the field as what it is"
    ]
    engine.fill("documents", POINTS, lambda one: {"yeer": one})
    assert lines(expect(kept)) == [
        "main/documents: the index of payload field `year` covers none of 40 points;"
        " look whether the field is spelt so in the payload and has this type"
    ]
    engine.ask("DELETE", "/collections/documents")
    gone, missing = lines(expect(kept))
    assert gone.startswith("main: no alias `live`, expected to lead to `documents`; create it")
    assert missing == (
        "main/documents: there is no such collection; restore it from a snapshot, or load it anew"
    )


def test_two_collections_are_compared_across_servers(engine: Engine, expect: Run) -> None:
    engine.ask("PUT", "/collections/copy", {"vectors": {"size": 2, "distance": "Dot"}})
    engine.fill("copy", 36, lambda _: {})
    like: dict[str, Any] = {"server": "standby", "collection": "copy", "within_percent": 10}
    servers = {
        "main": server(engine, points={"like": like}),
        "standby": {**server(engine), "collections": {}},
    }
    assert expect(servers).returncode == 0
    like["within_percent"] = 9
    ended = expect(servers)
    assert ended.returncode == 1
    assert lines(ended) == [
        "main/documents: 40 points, and standby/copy has 36: 10 % apart, expected at most 9 %;"
        " copy again what is missing, or look which of the two lost a load"
    ]


def test_a_collection_to_compare_with_that_is_not_there_is_a_finding(engine: Engine, expect: Run) -> None:
    ended = expect({"main": server(engine, points={"like": {"collection": "copy"}})})
    assert ended.returncode == 1
    assert lines(ended) == [
        "main/documents: main/copy, to compare with, does not exist; copy it there, or correct `like`"
    ]


def test_an_alias_that_leads_elsewhere_is_found_and_is_no_collection(engine: Engine, expect: Run) -> None:
    servers = {"main": {**server(engine), "collections": {"live": {}}, "aliases": {"live": "documents-2"}}}
    first, second = lines(expect(servers))
    assert first.startswith("main: alias `live` leads to `documents`, expected `documents-2`; switch it")
    assert second.startswith("main/live: this is an alias of `documents`, no collection; expect `documents`")


def test_json_has_all_of_it_on_one_line(engine: Engine, expect: Run) -> None:
    ended = expect({"main": server(engine, points={"min": 41})}, "--json")
    assert ended.returncode == 1
    assert ended.stdout.count("\n") == 1
    answer = json.loads(ended.stdout)
    assert answer.pop("findings") == [
        {
            "server": "main",
            "collection": "documents",
            "check": "points",
            "problem": "40 points, expected at least 41",
            "remedy": "look for a load that failed or a delete that went too far",
        }
    ]
    assert answer == {"as_expected": False, "collections": 1, "failures": [], "notes": []}


def test_a_server_that_cannot_be_asked_is_3_and_hides_no_finding(
    engine: Engine, expect: Run, free_port: Callable[[], int]
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    ended = expect({"dead": {"url": dead}, "main": server(engine, points={"min": 41})})
    assert ended.returncode == 3
    assert ended.stdout.startswith("main/documents: 40 points, expected at least 41; ")
    assert ended.stderr.startswith(f"verify: cannot tell: dead: {dead}: /collections: ")
    assert ended.stderr.count("\n") == 1


def test_a_server_that_never_answers_is_3_at_the_deadline(
    expect: Run, raw_server: Callable[..., int]
) -> None:
    url = f"http://127.0.0.1:{raw_server(hold=True)}"
    ended = expect({"main": {"url": url}}, "--timeout", "0.5")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"verify: cannot tell: main: {url}: /collections: no answer within 0.5 s; try a longer --timeout\n"
    )


def test_a_refused_key_is_3_and_says_how_to_give_one(
    engine: Engine, expect: Run, verify: Run, tmp_path: Path
) -> None:
    without = {"main": {"url": engine.url}}
    ended = expect(without)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"verify: cannot tell: main: {engine.url}: /collections: HTTP status 401;"
        " name its key with --api-key-file or `api_key_file`\n"
    )
    assert expect(without, "--api-key-file", engine.key).returncode == 0
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    ended = verify("--write", "--url", engine.url, "--api-key-file", wrong)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "HTTP status 401; name its key" in ended.stderr
