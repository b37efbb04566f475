from __future__ import annotations

from typing import Any

import pytest

from tests.smoke.container import Published, explain_unready, read_container


def _body(**state: Any) -> dict[str, Any]:
    return {
        "Id": "abc",
        "Config": {"Labels": {"com.docker.compose.service": "inbox"}, "Env": ["A=1"]},
        "State": {
            "Status": "running",
            "ExitCode": 0,
            "OOMKilled": False,
            "StartedAt": "2026-11-22T15:03:14.5Z",
            "Pid": 42,
            **state,
        },
        "RestartCount": 0,
        "NetworkSettings": {
            "Ports": {"9446/tcp": [{"HostIp": "127.0.0.1", "HostPort": "19446"}], "1025/tcp": None}
        },
    }


def test_a_container_is_read_from_what_the_engine_says() -> None:
    log = [{"Output": "old"}, {"Output": "refused\n"}]
    container = read_container(_body(Health={"Status": "unhealthy", "FailingStreak": 3, "Log": log}))
    assert (container.service, container.health, container.failing_streak) == ("inbox", "unhealthy", 3)
    assert container.health_log == "refused"
    assert container.published == (Published("127.0.0.1", 19446),)


@pytest.mark.parametrize(
    ("state", "runs_once", "told"),
    [
        ({"Health": {"Status": "healthy"}}, False, ""),
        ({"Health": {"Status": "starting"}}, False, "starting"),
        ({"Health": {"Status": "unhealthy", "Log": [{"Output": "no"}]}}, False, "unhealthy no"),
        ({}, False, ""),
        ({"Status": "exited", "ExitCode": 1}, False, "exited, exit code 1"),
        ({"Status": "exited", "ExitCode": 0}, False, "exited, exit code 0"),
        ({"Status": "created"}, False, "created, exit code 0"),
        ({"Status": "exited", "ExitCode": 0}, True, ""),
        ({"Status": "exited", "ExitCode": 1}, True, "exited, exit code 1"),
        ({"Status": "created"}, True, "created, exit code 0"),
    ],
)
def test_what_is_not_ready_says_why(state: dict[str, Any], runs_once: bool, told: str) -> None:
    assert explain_unready(read_container(_body(**state)), runs_once) == told
