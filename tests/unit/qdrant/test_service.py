"""The real command, as a user or a container runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest


def test_it_serves_logs_json_and_ends_soon_after_sigterm(
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    raw_server: Callable[..., int],
    end_gently: Callable[..., None],
) -> None:
    port, hanging = free_port(), raw_server(b"", hold=True)
    program = start_program(
        [*vectorwatch_command, "exporter", "qdrant"],
        ready_url=f"http://127.0.0.1:{port}/readyz",
        env={
            "VECTORWATCH_QDRANT_PORT": str(port),
            "VECTORWATCH_QDRANT_URL": f"http://127.0.0.1:{hanging}",
            "VECTORWATCH_QDRANT_SCRAPE_TIMEOUT_SECONDS": "60",
        },
    )
    assert (
        "qdrant_up 0"
        in httpx.get(
            f"http://127.0.0.1:{port}/metrics",
            headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.5"},
            timeout=30,
        ).text
    )
    # A scrape that hangs must not hold the end up.
    with pytest.raises(httpx.TimeoutException):
        httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=0.5)
    end_gently(program.process)
    line, *_ = [json.loads(line) for line in program.text().splitlines()]
    assert (line["log.level"], line["service"]["name"]) == ("warning", "qdrant-exporter")


@pytest.mark.parametrize(
    ("environ", "code", "line"),
    [
        (
            {"VECTORWATCH_QDRANT_URL": "qdrant:6333"},
            2,
            "config: VECTORWATCH_QDRANT_URL: `url`: `qdrant:6333` has no scheme http or https; "
            "write `http://qdrant:6333`\n",
        ),
        (
            {"VECTORWATCH_QDRANT_CONFIG": "/nowhere.yml"},
            2,
            "config: cannot read /nowhere.yml: no such file or directory\n",
        ),
    ],
)
def test_bad_settings_are_one_line_and_exit_2(
    vectorwatch_command: list[str], environ: dict[str, str], code: int, line: str
) -> None:
    ended = subprocess.run(
        [*vectorwatch_command, "exporter", "qdrant"], env=environ, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr, ended.stdout) == (code, line, "")


def test_a_taken_port_is_one_line(vectorwatch_command: list[str], raw_server: Callable[..., int]) -> None:
    port = raw_server()
    ended = subprocess.run(
        [*vectorwatch_command, "exporter", "qdrant"],
        env={"VECTORWATCH_QDRANT_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (
        1,
        f"port {port} on 127.0.0.1 is taken by another program; stop it or set `VECTORWATCH_QDRANT_PORT`\n",
    )
