"""The real command, as a user or a container runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from .reading import outcome, values


def test_it_serves_logs_json_and_ends_soon_after_sigterm(
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    raw_server: Callable[..., int],
    end_gently: Callable[..., None],
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    program = start_program(
        [*vectorwatch_command, "exporter", "dragonfly"],
        ready_url=f"{base}/readyz",
        env={
            "VECTORWATCH_DRAGONFLY_PORT": str(port),
            "VECTORWATCH_DRAGONFLY_URL": f"redis://127.0.0.1:{raw_server(b'', hold=True)}",
            "VECTORWATCH_DRAGONFLY_SCRAPE_TIMEOUT_SECONDS": "60",
        },
    )
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "0.5"}
    text = httpx.get(f"{base}/metrics", headers=header, timeout=30, trust_env=False).text
    assert outcome(text) == (0, ["timeout"])
    # A scrape that hangs must not hold the end up.
    with pytest.raises(httpx.TimeoutException):
        httpx.get(f"{base}/metrics", timeout=0.5, trust_env=False)
    end_gently(program.process)
    line, *_ = [json.loads(line) for line in program.text().splitlines()]
    assert (line["log.level"], line["service"]["name"]) == ("warning", "dragonfly-exporter")


def test_secrets_reach_neither_output_nor_arguments(
    start_program: Callable[..., Any],
    start_valkey: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    file = tmp_path / "dragonfly.yml"
    server = start_valkey("--requirepass", "s3cret-right")
    url = f"redis://127.0.0.1:{server.port}"
    file.write_text(
        f"url: {url}\npassword: s3cret-wrong\nlog_level: DEBUG\n"
        f"targets:\n- url: {url}\n  name: right\n  password: s3cret-right\n"
    )
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    program = start_program(
        [*vectorwatch_command, "exporter", "dragonfly", "--config", str(file)],
        ready_url=f"{base}/readyz",
        env={"VECTORWATCH_DRAGONFLY_PORT": str(port)},
    )
    paths = ("/metrics", "/probe?target=right", "/", "/probe?target=unknown")
    shown = [httpx.get(base + path, timeout=30, trust_env=False).text for path in paths]
    assert outcome(shown[0]) == (0, ["auth"])
    assert outcome(shown[1]) == (1, [])
    arguments = Path(f"/proc/{program.process.pid}/cmdline").read_bytes()
    assert b"s3cret" not in arguments
    assert "s3cret" not in "".join(shown) + program.text()
    assert "auth" in program.text()


def test_memory_stays_within_its_aim(
    start_program: Callable[..., Any],
    start_valkey: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    start_program(
        [*vectorwatch_command, "exporter", "dragonfly"],
        ready_url=f"{base}/readyz",
        env={
            "VECTORWATCH_DRAGONFLY_PORT": str(port),
            "VECTORWATCH_DRAGONFLY_URL": f"redis://127.0.0.1:{start_valkey().port}",
        },
    )
    with httpx.Client(timeout=30, trust_env=False) as client:
        for _ in range(200):
            text = client.get(f"{base}/metrics").text
    assert values(text)["process_resident_memory_bytes",] < 80 * 1024 * 1024
    assert values(text)["process_open_fds",] < 40


def test_a_taken_port_is_one_line(vectorwatch_command: list[str], raw_server: Callable[..., int]) -> None:
    port = raw_server()
    ended = subprocess.run(
        [*vectorwatch_command, "exporter", "dragonfly"],
        env={"VECTORWATCH_DRAGONFLY_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (
        1,
        f"port {port} on 127.0.0.1 is taken by another program; "
        "stop it or set `VECTORWATCH_DRAGONFLY_PORT`\n",
    )
