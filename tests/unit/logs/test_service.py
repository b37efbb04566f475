"""The real command, as a user or a container runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

URL = {"VECTORWATCH_LOGS_LOGSTASH_URL": "http://127.0.0.1:9600"}


def test_it_serves_logs_json_and_ends_soon_after_sigterm(
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    raw_server: Callable[..., int],
    end_gently: Callable[..., None],
) -> None:
    port, hanging = free_port(), raw_server(b"", hold=True)
    program = start_program(
        [*vectorwatch_command, "exporter", "logs"],
        ready_url=f"http://127.0.0.1:{port}/readyz",
        env={
            "VECTORWATCH_LOGS_PORT": str(port),
            "VECTORWATCH_LOGS_LOGSTASH_URL": f"http://127.0.0.1:{hanging}",
            "VECTORWATCH_LOGS_ELASTICSEARCH_URL": f"http://127.0.0.1:{hanging}",
        },
    )
    text = httpx.get(
        f"http://127.0.0.1:{port}/metrics",
        headers={"X-Prometheus-Scrape-Timeout-Seconds": "1"},
        timeout=30,
    ).text
    assert "logs_up 0" in text
    assert "logstash_up 0" in text
    end_gently(program.process)  # neither the search nor a scrape holds the end up
    line, *_ = [json.loads(line) for line in program.text().splitlines()]
    assert (line["log.level"], line["service"]["name"]) == ("warning", "logs-exporter")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "config: nothing to read; give `logstash_url` or another URL\n"),
        (
            {"VECTORWATCH_LOGS_KIBANA_URL": "kibana:5601"},
            "config: VECTORWATCH_LOGS_KIBANA_URL: `kibana_url`: `kibana:5601` has no scheme http or https; "
            "write `http://kibana:5601`\n",
        ),
        (
            URL | {"VECTORWATCH_LOGS_ELASTICSEARCH_USER": "logs_exporter"},
            "config: give both `elasticsearch_user` and `elasticsearch_password_file`, or neither\n",
        ),
        (
            URL
            | {
                "VECTORWATCH_LOGS_ELASTICSEARCH_USER": "logs_exporter",
                "VECTORWATCH_LOGS_ELASTICSEARCH_PASSWORD_FILE": "/nowhere",
            },
            "config: `elasticsearch_password_file`: cannot read /nowhere: no such file or directory\n",
        ),
        (
            URL | {"VECTORWATCH_LOGS_CA_FILE": "/nowhere"},
            "config: `ca_file`: cannot read /nowhere: no such file or directory\n",
        ),
        (
            URL | {"VECTORWATCH_LOGS_CA_FILE": __file__},
            f"config: `ca_file`: {__file__}: not certificates in PEM\n",
        ),
        (
            URL | {"VECTORWATCH_LOGS_DATA_STREAMS": "logs-*/_delete"},
            "config: VECTORWATCH_LOGS_DATA_STREAMS: `data_streams`: `logs-*/_delete` is no list of names; "
            "write `logs-*` or `logs-a-*,logs-b-*`\n",
        ),
    ],
)
def test_bad_settings_are_one_line_and_exit_2(
    vectorwatch_command: list[str], environ: dict[str, str], line: str
) -> None:
    ended = subprocess.run(
        [*vectorwatch_command, "exporter", "logs"], env=environ, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr, ended.stdout) == (2, line, "")


def test_an_empty_password_file_is_one_line(vectorwatch_command: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "password"
    empty.touch()
    ended = subprocess.run(
        [*vectorwatch_command, "exporter", "logs"],
        env=URL
        | {
            "VECTORWATCH_LOGS_ELASTICSEARCH_USER": "logs_exporter",
            "VECTORWATCH_LOGS_ELASTICSEARCH_PASSWORD_FILE": str(empty),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        f"config: `elasticsearch_password_file`: {empty} is empty; write the secret into it\n"
    )
