from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.logs.beats.cases import CONFIGURATION
from tests.smoke.images.filebeat.files import Input, Place
from tests.smoke.images.filebeat.lines import SettingError

_CONTAINER = "ab" * 32


def _inputs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))["filebeat.inputs"]
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file of a container, where Docker would have it."""
    path = tmp_path / _CONTAINER / f"{_CONTAINER}-json.log"
    path.parent.mkdir()
    return path


@pytest.fixture
def open_input(tmp_path: Path) -> Iterator[Callable[..., Input]]:
    """Yield the input for stdout of filebeat.yml, on a folder of ours, which waits for nothing."""

    opened: list[Input] = []

    def make(places: list[Place], stream: str = "stdout") -> Input:
        settings = next(one for one in _inputs() if one["id"] == f"containers-{stream}")
        text = json.dumps(settings).replace("/var/lib/docker/containers", str(tmp_path))
        settings = json.loads(text.replace('"timeout": "1s"', '"timeout": "0ms"'))
        settings["prospector.scanner"]["check_interval"] = "0ms"
        opened.append(Input(settings, places))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def _write(path: Path, lines: Iterable[str], stream: str = "stdout") -> None:
    with path.open("a", encoding="utf-8") as file:
        for line in lines:
            document = {"log": line, "stream": stream, "time": "2026-01-01T00:00:00.1Z", "attrs": {"a": "b"}}
            file.write(json.dumps(document) + "\n")


def _read(one: Input) -> list[dict[str, Any]]:
    """Read and confirm what is there."""
    events = []
    for _ in range(3):
        for step in one.read():
            events += [step.event] if step.event is not None else []
            step.file.place.offset = step.offset
    return events


def test_every_input_of_the_configuration_is_understood() -> None:
    assert len([Input(settings, []) for settings in _inputs()]) == 4


def test_a_setting_that_it_does_not_know_is_refused() -> None:
    settings = {**_inputs()[0], "include_lines": ["a"]}
    with pytest.raises(SettingError, match="include_lines"):
        Input(settings, [])


def test_lines_of_one_stream_become_events_with_their_container(
    log: Path, open_input: Callable[..., Input]
) -> None:
    _write(log, ["one\n"])
    _write(log, ["other\n"], "stderr")
    _write(log, ["two, first half ", "and second\n"])
    first, second = _read(open_input([]))
    assert (first["message"], second["message"]) == ("one", "two, first half and second")
    assert first["container"] == {"id": _CONTAINER}
    assert first["docker"] == {"attrs": {"a": "b"}}
    assert (first["stream"], first["@timestamp"]) == ("stdout", "2026-01-01T00:00:00.1Z")
    assert (first["log"]["offset"], second["log"]["offset"] > 0) == (0, True)
    assert [event["message"] for event in _read(open_input([], "stderr"))] == ["other"]


def test_a_stack_trace_is_one_event(log: Path, open_input: Callable[..., Input]) -> None:
    _write(log, ["Traceback:\n", "  File a\n", "ValueError: no\n", "next\n"])
    messages = [event["message"] for event in _read(open_input([]))]
    assert messages == ["Traceback:\n  File a\nValueError: no", "next"]


def test_after_a_restart_it_goes_on_where_it_was(log: Path, open_input: Callable[..., Input]) -> None:
    places: list[Place] = []
    _write(log, ["one\n"])
    assert len(_read(open_input(places))) == 1
    _write(log, ["two\n"])
    assert [event["message"] for event in _read(open_input(places))] == ["two"]


def test_what_was_not_confirmed_is_read_again(log: Path, open_input: Callable[..., Input]) -> None:
    places: list[Place] = []
    _write(log, ["one\n", "two\n"])
    one = open_input(places)
    steps = [step for _ in range(3) for step in one.read()]
    steps[0].file.place.offset = steps[0].offset
    assert [event["message"] for event in _read(open_input(places))] == ["two"]


def test_a_file_that_is_rotated_is_read_to_its_end_and_not_again(
    log: Path, open_input: Callable[..., Input]
) -> None:
    one = open_input([])
    _write(log, ["one\n"])
    assert len(_read(one)) == 1
    _write(log, ["two\n"])
    log.rename(f"{log}.1")
    _write(log, ["three\n"])
    assert {event["message"] for event in _read(one)} == {"two", "three"}
    assert _read(one) == []


def test_a_file_that_is_gone_is_forgotten(log: Path, open_input: Callable[..., Input]) -> None:
    places: list[Place] = []
    one = open_input(places)
    _write(log, ["one\n"])
    _read(one)
    log.unlink()
    assert _read(one) == []
    assert (places, one.files) == ([], {})
