from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.inbox.settings import InboxSettings
from vectorwatch.settings import load

PREFIX = "VECTORWATCH_INBOX_"


def run(command: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"} | {
        PREFIX + name: value for name, value in settings.items()
    }
    return subprocess.run(
        [*command, "inbox"], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_defaults_listen_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    settings = load(InboxSettings, environ={})
    assert (settings.host, settings.port) == ("127.0.0.1", 9446)
    assert (settings.smtp_host, settings.smtp_port) == ("127.0.0.1", 1025)
    assert settings.data == Path("/state/vectorwatch/inbox")


def test_a_file_sets_what_the_environment_does_not(tmp_path: Path) -> None:
    config = tmp_path / "inbox.yml"
    config.write_text("port: 1\ndata: /a\nmax_message_bytes: 2048\n", encoding="utf-8")
    settings = load(InboxSettings, config_file=config, environ={f"{PREFIX}DATA": "/b"})
    assert (settings.port, settings.data, settings.max_message_bytes) == (1, Path("/b"), 2048)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"DTAA": "/x"}, f"config: unknown variable `{PREFIX}DTAA`; did you mean `{PREFIX}DATA`?"),
        (
            {"SMTP_PORT": "99999"},
            f"config: {PREFIX}SMTP_PORT: `smtp_port`: Input should be less than or equal to 65535",
        ),
        ({"DATA": "/bin/sh"}, f"config: {PREFIX}DATA: `data`: /bin/sh is a file; name a folder"),
        ({"DATA": "/proc/nothing"}, "config: `data`: cannot use /proc/nothing: no such file or directory"),
        (
            {"MAX_JOURNAL_BYTES": "1000000"},
            "config: `max_journal_bytes` is 1000000; with `max_message_bytes` 5242880 "
            "it must be at least 62914560",
        ),
        (
            {"ALLOWED_HOSTS": '["https://inbox.example.com"]'},
            f"config: {PREFIX}ALLOWED_HOSTS: `allowed_hosts`: `https://inbox.example.com` is not "
            "a host name; write it like `inbox.example.com`",
        ),
    ],
    ids=["unknown", "port", "file", "folder", "too-small", "host"],
)
def test_a_setting_that_cannot_be_used_is_one_line_and_exit_2(
    vectorwatch_command: list[str], free_port: Callable[[], int], settings: dict[str, str], line: str
) -> None:
    ports = {"PORT": str(free_port()), "SMTP_PORT": str(free_port())}
    ended = run(vectorwatch_command, **(ports | settings))
    assert (ended.returncode, ended.stderr) == (2, f"{line}\n")


@pytest.mark.parametrize("taken", ["PORT", "SMTP_PORT"])
def test_a_taken_port_is_one_line(
    vectorwatch_command: list[str], free_port: Callable[[], int], tmp_path: Path, taken: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {"PORT": str(free_port()), "SMTP_PORT": str(free_port())} | {taken: str(port)}
        ended = run(vectorwatch_command, DATA=str(tmp_path / "journal"), **ports)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"port {port} on 127.0.0.1 is taken by another program; stop it or set `{PREFIX}{taken}`\n"
    )


def test_a_folder_in_use_is_one_line(
    vectorwatch_command: list[str], start_inbox: Callable[..., Any], free_port: Callable[[], int]
) -> None:
    inbox = start_inbox()
    ended = run(vectorwatch_command, DATA=str(inbox.data), PORT=str(free_port()), SMTP_PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr == (f"folder {inbox.data} is used by another inbox; stop it or set `{PREFIX}DATA`\n")
