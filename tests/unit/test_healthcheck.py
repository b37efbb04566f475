"""exporters/healthcheck.py, run as the engine runs it in a container."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI, Response

PROGRAM = Path(__file__).parents[2] / "exporters" / "healthcheck.py"


def check(port: int | str) -> int:
    command = [sys.executable, "-IS", str(PROGRAM), str(port)]
    return subprocess.run(command, timeout=30, stderr=subprocess.DEVNULL).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_it_says_what_readyz_says(serve: Callable[[FastAPI], str], status: int, code: int) -> None:
    app = FastAPI()
    app.add_api_route("/readyz", lambda: Response("", status_code=status))
    assert check(serve(app).rpartition(":")[2]) == code


def test_a_program_that_is_not_there_fails(free_port: Callable[[], int]) -> None:
    assert check(free_port()) == 1


def test_a_program_that_takes_connections_and_answers_nothing_fails_in_time(
    raw_server: Callable[..., int],
) -> None:
    port = raw_server(b"", hold=True)
    start = time.monotonic()
    assert check(port) == 1
    assert time.monotonic() - start < 15
