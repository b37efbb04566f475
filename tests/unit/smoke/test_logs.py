from __future__ import annotations

import json
from typing import Any, cast

import pytest

from tests.smoke.checks.logs import BURST_LINES, are_set_up, explain_burst, see_fields
from tests.smoke.command import CommandError
from tests.smoke.container import Container, read_container
from tests.smoke.project import Project
from tests.smoke.stage import CheckError, Stage

_UNCHANGED = "Elasticsearch is ready\nrole a: unchanged\n"


class Answers:
    """Stands in for a project: gives the same answer to every search, and the same log of every service."""

    def __init__(self, answer: dict[str, Any] | None = None, log: str = "", exit_code: int = 0) -> None:
        self._answer = answer
        self._log = log
        self._exit_code = exit_code

    def compose(self, *arguments: str) -> str:
        if self._answer is None:
            raise CommandError("curl: (7) Could not connect to server")
        return json.dumps(self._answer)

    def logs(self, service: str, lines: int) -> str:
        return "".join(f"{service}-1  | {line}\n" for line in self._log.splitlines())

    def containers(self) -> dict[str, Container]:
        state = {
            "Status": "exited",
            "ExitCode": self._exit_code,
            "OOMKilled": False,
            "StartedAt": "",
            "Pid": 0,
        }
        body = {"Id": "a", "RestartCount": 0, "NetworkSettings": {}, "Config": {"Labels": {}}, "State": state}
        return {name: read_container(body) for name in ("elasticsearch-setup", "kibana-setup")}


def _stage(answers: Answers) -> Stage:
    return Stage(cast("Project", answers), (), (), (), cast("Any", None), cast("Any", None))


def _found(total: int, different: int) -> dict[str, Any]:
    buckets = [{"key": str(number), "doc_count": 1} for number in range(different)]
    return {"hits": {"total": {"value": total}}, "aggregations": {"lines": {"buckets": buckets}}}


def test_each_line_once_is_all_there_is() -> None:
    assert explain_burst(_stage(Answers(_found(BURST_LINES, BURST_LINES))), "a") == ""


def test_a_line_that_is_missing_is_waited_for() -> None:
    told = explain_burst(_stage(Answers(_found(BURST_LINES - 1, BURST_LINES - 1))), "a")
    assert told == f"{BURST_LINES - 1} of {BURST_LINES} lines"


def test_a_line_that_is_there_twice_is_no_matter_of_time() -> None:
    with pytest.raises(CheckError, match="twice"):
        explain_burst(_stage(Answers(_found(BURST_LINES + 1, BURST_LINES))), "a")


def test_a_server_that_is_under_way_is_asked_again_and_an_error_is_told() -> None:
    with pytest.raises(ConnectionError):
        explain_burst(_stage(Answers()), "a")
    with pytest.raises(CheckError, match="parsing_exception"):
        explain_burst(_stage(Answers({"error": {"type": "parsing_exception"}})), "a")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"message": "at hunter2"}, "not hidden"),
        ({"tags": []}, "redacted"),
        ({"log": {"level": "info"}}, "info"),
        ({"service": {"name": "unknown"}}, "unknown"),
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_told(change: dict[str, Any], told: str) -> None:
    good = {
        "message": "at [hidden]",
        "tags": ["redacted"],
        "log": {"level": "warning"},
        "service": {"name": "a"},
    }
    see_fields(good, "a", "hunter2")
    with pytest.raises(CheckError, match=told):
        see_fields({**good, **change}, "a", "hunter2")


def test_a_second_start_must_find_everything_as_it_is() -> None:
    assert are_set_up(_stage(Answers(log=2 * _UNCHANGED))) == "1 definitions, all unchanged at start 2"
    with pytest.raises(CheckError, match="role a: updated"):
        are_set_up(_stage(Answers(log=_UNCHANGED + _UNCHANGED.replace("unchanged", "updated"))))
    with pytest.raises(CheckError, match="second time"):
        are_set_up(_stage(Answers(log=_UNCHANGED)))
    with pytest.raises(CheckError, match="exited, 1"):
        are_set_up(_stage(Answers(log=2 * _UNCHANGED, exit_code=1)))
