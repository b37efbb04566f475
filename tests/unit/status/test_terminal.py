"""The command in front of the API, as a person or a script runs it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
Rules = dict[str, dict[str, Any]]


def run(command: list[str], url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *options], env={"STATUS_URL": url}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def command(vectorwatch_command: list[str]) -> list[str]:
    return [*vectorwatch_command, "status"]


@pytest.mark.parametrize(
    ("rules", "code", "state"),
    [
        (["watchdog"], 0, "healthy"),
        (["watchdog", "warning"], 1, "degraded"),
        (["watchdog", "critical"], 2, "unhealthy"),
    ],
)
def test_the_exit_code_is_for_scripts_and_the_lines_for_people(
    start_prometheus: Callable[..., str],
    start_status: Callable[..., str],
    command: list[str],
    rule: Rules,
    rules: list[str],
    code: int,
    state: str,
) -> None:
    url = start_status(start_prometheus(*(rule[name] for name in rules)))
    ended = run(command, url)
    assert (ended.returncode, ended.stderr) == (code, "")
    first, _, *lines = ended.stdout.splitlines()
    assert first.startswith(f"{state}   20")
    assert "  GPU             not_configured" in lines
    assert ("                  QdrantDown: It is 7." in lines) == (code == 2)
    assert "\x1b" not in ended.stdout  # no terminal, no colour
    as_json = run(command, url, "--json")
    assert as_json.returncode == code
    assert json.loads(as_json.stdout)["status"] == state
    assert as_json.stdout.count("\n") == 1


def test_what_cannot_be_told_is_3(start_status: Callable[..., str], command: list[str]) -> None:
    ended = run(command, start_status("http://127.0.0.1:9"))
    assert ended.returncode == 3
    assert "Prometheus at http://127.0.0.1:9 tells nothing (connect)" in ended.stdout.splitlines()[1]


def test_an_api_that_is_not_there_or_is_none_is_one_line_and_3(
    command: list[str], raw_server: Callable[..., int], free_port: Callable[[], int]
) -> None:
    body = b'{"status":"ok"}'
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    nobody, other = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{raw_server(head + body)}"
    lines = {
        nobody: f"nothing listens at {nobody}; start it (`make up`, `make demo`) or name another with --url",
        other: f"{other} gives no status: that is no status API",
        "status": "--url: `status` has no scheme http or https; write `http://status`",
    }
    for url, line in lines.items():
        ended = run(command, url)
        assert (ended.returncode, ended.stderr, ended.stdout) == (3, f"status: {line}\n", "")


def test_watching_goes_on_until_it_is_ended_and_tells_how_it_was(
    start_prometheus: Callable[..., str],
    start_status: Callable[..., str],
    start_program: Callable[..., Any],
    command: list[str],
    rule: Rules,
    poll: Callable[..., None],
) -> None:
    url = start_status(start_prometheus(rule["watchdog"], rule["warning"]))
    argv = [*command, "--watch", "--every", "0.1", "--json", "--url", url]
    program = start_program(argv, ready=lambda: True)
    poll(lambda: program.text().count('"status": "degraded"') > 3, "several looks")
    program.process.send_signal(signal.SIGINT)
    assert program.process.wait(60) == 1


def test_a_terminal_gets_colours(start_status: Callable[..., str], command: list[str]) -> None:
    url = start_status("http://127.0.0.1:9")
    ours, theirs = pty.openpty()
    with subprocess.Popen([*command, "--url", url], stdout=theirs) as process:
        process.wait(60)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
    assert "\x1b[35munknown\x1b[0m" in shown


def test_the_script_is_the_command(start_status: Callable[..., str]) -> None:
    ended = run([str(REPOSITORY / "scripts/health-check")], start_status("http://127.0.0.1:9"), "--json")
    assert (ended.returncode, json.loads(ended.stdout)["status"]) == (3, "unknown")


def test_the_script_asks_the_container_first_and_reads_the_port_as_compose_does(
    tmp_path: Path, start_status: Callable[..., str]
) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("health-check", "settings"):
        shutil.copy(REPOSITORY / "scripts" / name, tmp_path / "scripts")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "vectorwatch").symlink_to(Path(sys.executable).parent / "vectorwatch")
    port = start_status("http://127.0.0.1:9").rpartition(":")[2]
    (tmp_path / ".env").write_text(f'STATUS_PORT="{port}" # mine\n')
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)

    def check(*options: str) -> str:
        command = [str(tmp_path / "scripts/health-check"), "--json", *options]
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60).stdout

    assert json.loads(check())["status"] == "unknown"
    docker.write_text('#!/bin/sh\n[ "$2" = ps ] && echo 0123 || echo "in the container: $*"\n')
    assert check() == "in the container: compose exec --no-TTY status vectorwatch status --json\n"
    assert json.loads(check("--url", f"http://127.0.0.1:{port}"))["status"] == "unknown"
