"""`scripts/test-alerts` on a real Alertmanager and a real inbox: it says where each alert arrived."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.setup.web_users import write_web_users

FAST = {"group_wait: 10s": "group_wait: 1s", "group_interval: 30s": "group_interval: 1s"}
HOURS = 'weekdays: ["monday:friday"]\n        times: [{start_time: "07:00", end_time: "19:00"}]'


@dataclass
class Running:
    script: Path
    secrets: Path
    users: Path
    alertmanager: str
    inbox: str

    def test(self, *more: str) -> subprocess.CompletedProcess[str]:
        options = ["--alertmanager", self.alertmanager, "--inbox", self.inbox, *more]
        return subprocess.run(
            [sys.executable, str(self.script), *options], capture_output=True, text=True, timeout=120
        )


@pytest.fixture
def hours() -> str:
    return 'times: [{start_time: "00:00", end_time: "24:00"}]'


@pytest.fixture
def running(
    hours: str,
    repository: Path,
    tools: Mapping[str, Path],
    tmp_path: Path,
    copy: Callable[..., Path],
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
) -> Running:
    http, smtp, port = free_port(), free_port(), free_port()
    settings = {"PORT": http, "SMTP_PORT": smtp, "DATA": tmp_path / "inbox"}
    start_program(
        [*vectorwatch_command, "inbox"],
        ready_url=f"http://127.0.0.1:{http}/readyz",
        env={f"VECTORWATCH_INBOX_{name}": str(value) for name, value in settings.items()},
    )
    replaced = {"inbox:9446": f"127.0.0.1:{http}", "inbox:1025": f"127.0.0.1:{smtp}", HOURS: hours}
    folder = copy(repository / "alertmanager", tmp_path / "alertmanager", FAST | replaced)
    (folder / "secrets").mkdir()
    subprocess.run([str(repository / "scripts" / "default-receivers"), str(folder)], check=True)
    url = f"http://127.0.0.1:{port}"
    users = tmp_path / "web.yml"
    users.write_bytes(write_web_users(None, b""))
    argv = [
        *("env", f"--chdir={folder}", str(tools["alertmanager"])),
        "--config.file=alertmanager.yml",
        f"--storage.path={tmp_path / 'alertmanager-data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        f"--web.config.file={users}",
    ]
    start_program(argv, ready_url=f"{url}/-/ready")
    script = repository / "scripts" / "test-alerts"
    return Running(script, folder / "secrets", users, url, f"http://127.0.0.1:{http}")


def table(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], str]:
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert rows, done.stderr
    return {(severity, receiver): known for severity, receiver, known in rows}


def test_each_severity_is_found_in_every_channel_that_it_is_for(running: Running) -> None:
    done = running.test()
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(table(done)) == {
        *(("critical", name) for name in ("log", "pager", "webhook", "slack-on-call", "email")),
        *(("warning", name) for name in ("log", "slack-alerts", "email")),
        *(("info", name) for name in ("log", "slack-info")),
    }
    assert all(known.startswith("in the inbox, #") for known in table(done).values()), done.stdout


def test_a_channel_of_ones_own_is_told_from_the_inbox_and_from_one_that_fails(
    running: Running, sinks: Any, free_port: Callable[[], int]
) -> None:
    (running.secrets / "slack_url").write_text(f"http://127.0.0.1:{sinks.http_port}/slack\n")
    done = running.test()
    assert ("warning", "slack-alerts") in table(done), done.stdout + done.stderr
    assert "sent elsewhere" in table(done)["warning", "slack-alerts"]
    (running.secrets / "webhook_url").write_text(f"http://127.0.0.1:{free_port()}/nobody\n")
    done = running.test()
    assert done.returncode == 1
    assert "FAILED" in table(done)["critical", "webhook"]


def test_a_password_that_alertmanager_asks_for_is_taken_from_a_file(running: Running, tmp_path: Path) -> None:
    running.users.write_bytes(write_web_users(b"right", b""))
    (tmp_path / "wrong").write_text("wrong\n")
    (tmp_path / "right").write_text("right\n")
    for options in ((), ("--password-file", str(tmp_path / "wrong"))):
        done = running.test(*options)
        assert done.returncode == 1
        assert done.stderr.startswith("test-alerts: Alertmanager asks for a password")
        assert len(done.stderr.splitlines()) == 1
    done = running.test("--password-file", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "none cannot be read: No such file or directory" in done.stderr
    done = running.test("--password-file", str(tmp_path / "right"))
    assert done.returncode == 0, done.stdout + done.stderr


class TestOutOfHours:
    @pytest.fixture
    def hours(self) -> str:
        return 'years: ["1999"]'

    def test_a_ticket_that_waits_is_said_to_wait(self, running: Running) -> None:
        done = running.test()
        assert table(done)["warning", "email"] == "held back until business hours"
        assert done.returncode == 0


def test_without_a_stack_it_is_one_line(repository: Path, free_port: Callable[[], int]) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    running = Running(repository / "scripts" / "test-alerts", Path(), Path(), nowhere, nowhere)
    done = running.test()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is the stack running" in done.stderr
