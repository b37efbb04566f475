"""The real command, as a user or a container runs it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from vectorwatch.status.matrix import COMPONENTS


def test_it_serves_without_prometheus_logs_that_once_and_ends_soon_after_sigterm(
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    end_gently: Callable[..., None],
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    program = start_program(
        [*vectorwatch_command, "status-api"],
        ready_url=f"{url}/readyz",
        env={
            "VECTORWATCH_STATUS_PORT": url.rpartition(":")[2],
            "VECTORWATCH_STATUS_PROMETHEUS_URL": "http://127.0.0.1:9",
            "VECTORWATCH_STATUS_FRESH_SECONDS": "0",
        },
    )
    for _ in range(3):
        assert httpx.get(f"{url}/health", timeout=60, trust_env=False).json()["status"] == "unknown"
    assert 'vectorwatch_build_info{program="status"' in httpx.get(f"{url}/metrics", trust_env=False).text
    end_gently(program.process)
    assert program.text().count("tells nothing") == 1


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        (
            "PROMETHEUS_URL",
            "prometheus:9090",
            "`prometheus_url`: `prometheus:9090` has no scheme http or https; write `http://prometheus:9090`\n",
        ),
        (
            "PROMETHEUS_URL",
            "",
            "`prometheus_url`: String should have at least 1 character\n",
        ),
        (
            "REQUIRED",
            '["disk"]',
            f"`required`: `disk` is no component; known are {', '.join(one.name for one in COMPONENTS)}\n",
        ),
        (
            "DEADLINE_SECONDS",
            "0",
            "`deadline_seconds`: Input should be greater than 0\n",
        ),
    ],
)
def test_bad_settings_are_one_line_and_exit_2(
    vectorwatch_command: list[str], variable: str, value: str, line: str
) -> None:
    ended = subprocess.run(
        [*vectorwatch_command, "status-api"],
        env={f"VECTORWATCH_STATUS_{variable}": value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = f"config: VECTORWATCH_STATUS_{variable}: {line}"
    assert (ended.returncode, ended.stderr, ended.stdout) == (2, said, "")
