"""The log lines of our own programs, on stdout and in a file."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from vectorwatch import __version__
from vectorwatch.errors import ConfigError
from vectorwatch.log_lines import rotation
from vectorwatch.serve.log import configure

log = logging.getLogger("tests.serve.log")


@pytest.fixture(autouse=True)
def keep_the_logs_of_the_tests() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers = handlers
    root.setLevel(level)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_names_the_program_and_hides_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure("inbox", "INFO")
    log.info("cannot reach %s", "redis://:pa55@cache:6379")
    [text] = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    assert line["service"] == {"name": "inbox", "version": __version__}
    assert (line["log.level"], line["message"]) == ("info", "cannot reach redis://:[hidden]@cache:6379")


def test_an_error_has_its_type_and_its_stack(capsys: pytest.CaptureFixture[str]) -> None:
    configure("inbox", "INFO")
    try:
        raise KeyError("gone")
    except KeyError:
        log.exception("failed")
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "KeyError"
    assert "test_log.py" in error["stack_trace"]


def test_a_file_gets_the_same_lines_and_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "FILE_BYTES", 2_000)
    path = tmp_path / "new" / "inbox.log"
    configure("inbox", "INFO", path)
    for number in range(100):
        log.info("line %d", number)
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "inbox.log",
        *(f"inbox.log.{number}" for number in range(1, 1 + rotation.FILES)),
    ]
    assert read(path)[-1]["message"] == "line 99"


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"`log_file`: .*/file/x\.log cannot be written: .*; name another"):
        configure("inbox", "INFO", tmp_path / "file" / "x.log")


def test_every_service_takes_the_setting(
    vectorwatch_command: Sequence[str],
    start_program: Callable[..., Any],
    free_port: Callable[[], int],
    end_gently: Callable[..., None],
    tmp_path: Path,
) -> None:
    port, path = free_port(), tmp_path / "inbox.log"
    environment = {
        "VECTORWATCH_INBOX_PORT": str(port),
        "VECTORWATCH_INBOX_SMTP_PORT": str(free_port()),
        "VECTORWATCH_INBOX_DATA": str(tmp_path / "data"),
        "VECTORWATCH_INBOX_LOG_FILE": str(path),
    }
    program = start_program(
        [*vectorwatch_command, "inbox"], ready_url=f"http://127.0.0.1:{port}/readyz", env=environment
    )
    end_gently(program.process)
    lines = read(path)
    assert lines == [json.loads(line) for line in program.text().splitlines()]
    assert {line["service"]["name"] for line in lines} == {"inbox"}


@pytest.mark.parametrize(
    ("command", "prefix"),
    [
        (("exporter", "qdrant"), "QDRANT"),
        (("exporter", "dragonfly"), "DRAGONFLY"),
        (("exporter", "gpu"), "GPU"),
        (("probe", "hnsw"), "HNSW"),
        (("inbox",), "INBOX"),
    ],
)
def test_a_service_whose_file_cannot_be_written_does_not_start(
    vectorwatch_command: Sequence[str], command: Sequence[str], prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [*vectorwatch_command, *command],
        env={f"VECTORWATCH_{prefix}_LOG_FILE": str(tmp_path / "file" / "x.log"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("config: `log_file`: ")
