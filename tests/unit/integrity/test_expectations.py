"""A file that cannot be used is one clear line each mistake, and exit code 2."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vectorwatch.integrity.expectations import read_expectations

Run = Callable[..., subprocess.CompletedProcess[str]]
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "check-data.md"
HEAD = "servers:\n  main:\n    url: http://127.0.0.1:9\n    collections:\n      documents:\n        "


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no `servers`; `vectorwatch verify --write` shows a file"),
        ("server: {}", "1: unknown key `server`; did you mean `servers`?"),
        (f"{HEAD}point: {{min: 1}}", "6: unknown key `point`; did you mean `points`?"),
        (f"{HEAD}points: {{mim: 1}}", "6: unknown key `mim`; did you mean `min`?"),
        (f"{HEAD}points: {{min: 2, max: 1}}", "`min` 2 is above `max` 1; no number fits"),
        (f"{HEAD}points: {{like: {{within_percent: 1}}}}", "name a `server`, a `collection` or both"),
        (f"{HEAD}points: {{like: {{server: other}}}}", "no server `other`; there are main"),
        (f"{HEAD}points: {{like: {{server: main}}}}", "that is the collection itself; name another"),
        (f"{HEAD}vector: {{size: 2}}", "`servers.main.collections.documents.vector.distance` is required"),
        (
            f"{HEAD}payload_indexes: {{year: int}}",
            "6: `servers.main.collections.documents.payload_indexes.year`",
        ),
        (f"{HEAD}status: [blue]", "Input should be 'green', 'yellow', 'grey' or 'red'"),
        ("servers: {main: {url: 'localhost:1'}}", "has no scheme http or https; write `http://localhost:1`"),
        (
            "servers: {main: {url: 'http://a', peers: [b]}}",
            "`b` has no scheme http or https; write `http://b`",
        ),
        ("servers: {main: {url: 'http://a', api_key_file: /gone}}", "cannot read /gone: no such file"),
        ("servers: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_and_2(verify: Run, tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "expectations.yml"
    file.write_text(text, encoding="utf-8")
    ended = verify("--expect", file)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert problem in ended.stderr
    assert ended.stderr.startswith("config: ")
    assert ended.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_2(verify: Run, tmp_path: Path) -> None:
    ended = verify("--expect", tmp_path / "none.yml")
    assert ended.returncode == 2
    assert ended.stderr == f"config: cannot read {tmp_path}/none.yml: no such file or directory\n"


def test_one_address_is_not_put_in_place_of_two(verify: Run, tmp_path: Path) -> None:
    file = tmp_path / "expectations.yml"
    file.write_text("servers: {a: {url: 'http://a'}, b: {url: 'http://b'}}", encoding="utf-8")
    ended = verify("--expect", file, "--url", "http://c")
    assert ended.returncode == 2
    assert ended.stderr == "verify: the file lists 2 servers; --url and --api-key-file are for one\n"


@pytest.mark.parametrize("options", [("--write", "--json"), ("--write", "--url", "a:1"), ("--timeout", "0")])
def test_options_that_cannot_be_meant_are_2(verify: Run, options: tuple[str, ...]) -> None:
    ended = verify(*options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr


def test_the_file_on_the_page_is_taken(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    key = tmp_path / "key"
    key.write_text("key")
    file = tmp_path / "expectations.yml"
    file.write_text(re.sub(r"api_key_file: \S+", f"api_key_file: {key}", text), encoding="utf-8")
    expectations = read_expectations(file)
    assert set(expectations.servers) == {"main", "standby"}
