"""The scripts of logstash/ruby/: their syntax, their own tests, and what of Logstash they may use."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.logs.pipeline.golden import write_names
from tests.logs.pipeline.model import ROOT, VECTORWATCH, Event, Model, Ruby, find_ruby

SCRIPTS = sorted((ROOT / "logstash" / "ruby").glob("*.rb"))
WITH_TESTS = {"read.rb", "formats.rb", "time.rb", "level.rb", "shape.rb"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_ruby_without_a_warning(path: Path, ruby: Ruby) -> None:
    answer = subprocess.run([*find_ruby(), "-wc", str(path)], capture_output=True, text=True)
    assert "Syntax OK" in answer.stdout
    assert not re.search(r"^\S+\.rb:\d+: warning", answer.stderr, re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_passes_the_tests_that_logstash_runs_at_its_start(path: Path, ruby: Ruby) -> None:
    assert ruby.test(f"{VECTORWATCH}/ruby/{path.name}") == []
    assert ("\ntest " in path.read_text()) == (path.name in WITH_TESTS)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_is_for_and_keeps_lines_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert max(len(line) for line in lines) <= 180  # patterns stand on one line


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_no_look_back_ignores_case(path: Path) -> None:
    """Ruby refuses it at run time on a text that is not ASCII, so that it passes all tests with ASCII."""
    text = path.read_text() + (ROOT / "logstash" / "redaction.yml").read_text()
    for pattern in re.findall(r"\(\?i\).*", text):
        bare = re.sub(r"\(\?-i:(?:\(\?<!\w+\)|\(\?<!\[A-Za-z\]\w+\))+\)", "", pattern)
        assert not re.search(r"\(\?<[!=][^)]*[a-z]", bare), pattern


def test_a_script_that_fails_loses_no_event(main: Model, ruby: Ruby) -> None:
    """Logstash tags the event and goes on; the model holds that to be an error, Ruby's side does not."""
    event = Event({"@timestamp": "2024-11-27T06:14:31.500Z", "line": "no object"}, {})
    with pytest.raises(AssertionError, match="undefined method"):
        ruby.run(f"{VECTORWATCH}/ruby/level.rb", {}, event)


def test_what_could_not_be_read_is_searched_for_secrets_all_the_same(ruby: Ruby) -> None:
    event = Event({"@timestamp": "2024-11-27T06:14:31.500Z", "message": "password=hunter2x"}, {})
    (after,) = ruby.run(f"{VECTORWATCH}/ruby/redact.rb", {"redaction": f"{VECTORWATCH}/redaction.yml"}, event)
    assert after.fields["line"] == {"message": "password=[hidden]"}


def test_the_list_of_containers_is_read_again_when_it_changes(tmp_path: Path) -> None:
    script, params = (
        f"{VECTORWATCH}/ruby/service.rb",
        {"container_names": "/usr/share/logstash/container-names/names.json"},
    )

    def name(process: Ruby) -> str:
        fields = {
            "line": {"message": "m"},
            "container": {"id": "1" * 64},
            "fields": {"log_type": "container"},
        }
        (event,) = process.run(script, params, Event({"@timestamp": "2024-11-27T06:14:31Z", **fields}, {}))
        return str(event.fields["line"]["service.name"])

    with Ruby(tmp_path) as process:
        assert name(process) == "1" * 12, "no list yet: the beginning of the id"
    write_names(tmp_path)
    with Ruby(tmp_path) as process:
        assert name(process) == "qdrant"
        (tmp_path / "names.json").write_text("{ cut off")
        assert name(process) == "qdrant", "a list that cannot be read leaves the last one"


def test_the_last_line_of_a_refused_reason_is_what_people_read(dead_letters: Model) -> None:
    event = Event(
        {"@timestamp": "2024-11-27T06:14:31.500Z", "message": "m"}, {"dead_letter_queue": {"reason": "odd"}}
    )
    (letter,) = dead_letters.run(event)
    assert letter.fields["message"] == "refused by Elasticsearch: odd"
    assert json.loads(letter.fields["event"]["original"])["message"] == "m"
