"""Several worker processes behind one `/metrics`: real gunicorn, real uvicorn."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.instrument import SetupError
from vectorwatch.instrument.workers import find_folder, remove_dead_workers

SERVICE = """
import asyncio, os
from fastapi import FastAPI
from vectorwatch.instrument import instrument, track

app = FastAPI()
instrument(app, service="workers")

@app.get("/pid")
async def pid() -> int:
    track.hyde_cache(hit=True)
    return os.getpid()

@app.get("/hold")
async def hold() -> None:
    await asyncio.sleep(600)
"""
CONFIGURATION = "from vectorwatch.instrument import end_worker as child_exit  # noqa: F401\n"
PYTHON = sys.executable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")
    (tmp_path / "gunicorn.conf.py").write_text(CONFIGURATION, encoding="utf-8")
    shared = tmp_path / "metrics"
    shared.mkdir()
    return tmp_path


COMMANDS = {
    "gunicorn": [
        *(
            "-m",
            "gunicorn",
            "service:app",
            "--workers",
            "2",
            "--worker-class",
            "uvicorn_worker.UvicornWorker",
        ),
        *("--config", "{folder}/gunicorn.conf.py", "--chdir", "{folder}", "--bind", "127.0.0.1:{port}"),
    ],
    "uvicorn": [
        "-m",
        "uvicorn",
        "service:app",
        "--workers",
        "2",
        "--app-dir",
        "{folder}",
        "--port",
        "{port}",
    ],
}


class Served:
    """A running server with two workers."""

    def __init__(self, url: str, program: Any, folder: Path) -> None:
        self.url = url
        self.program = program
        self.folder = folder

    def get(self, path: str) -> httpx.Response:
        """Ask over a new connection, so that either worker may answer."""
        return httpx.get(self.url + path, timeout=30, trust_env=False)

    def read(self, pattern: str) -> float:
        found = re.search(rf"(?m)^{pattern} (\S+)$", self.get("/metrics").text)
        return float(found[1]) if found else 0.0

    def meet_both(self, poll: Callable[..., None]) -> tuple[set[int], int]:
        """Ask until two workers have answered; return their pids and how often they were asked."""
        pids: list[int] = []

        def met() -> bool:
            pids.append(int(self.get("/pid").text))
            return len(set(pids)) == 2

        poll(met, "both workers have answered")
        return set(pids), len(pids)


@pytest.fixture(params=COMMANDS)
def served(
    request: pytest.FixtureRequest,
    folder: Path,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
) -> Served:
    port = free_port()
    command = [PYTHON, *(part.format(folder=folder, port=port) for part in COMMANDS[request.param])]
    url = f"http://127.0.0.1:{port}"
    env = {"PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    return Served(url, start_program(command, ready_url=f"{url}/health", env=env), folder)


REQUESTS = r'http_requests_total\{endpoint="/pid",method="GET",status="200"\}'


def test_any_worker_answers_for_all(served: Served, poll: Callable[..., None]) -> None:
    _, asked = served.meet_both(poll)
    # A worker counts after it has answered.
    poll(lambda: served.read(REQUESTS) == asked, "all requests are counted, whoever is asked")
    assert {served.read(REQUESTS) for _ in range(6)} == {asked}
    assert served.read("hyde_cache_hits_total") == asked
    assert {served.read("active_connections") for _ in range(6)} == {0.0}
    records = [json.loads(line) for line in served.program.text().splitlines() if line.startswith("{")]
    assert sum(record["message"] == "GET /pid 200" for record in records) == asked


def test_what_a_killed_worker_held_is_forgotten_and_what_it_counted_is_not(
    served: Served, poll: Callable[..., None]
) -> None:
    pids, asked = served.meet_both(poll)

    def hold() -> None:
        with suppress(httpx.HTTPError):
            served.get("/hold")

    for _ in range(2):
        threading.Thread(target=hold, daemon=True).start()
    poll(lambda: served.read("active_connections") == 2, "both requests are held")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    def new_workers_answer() -> bool:
        with suppress(httpx.HTTPError):
            return served.read("active_connections") == 0
        return False

    poll(new_workers_answer, "the requests that the killed workers held are not active")
    assert served.read(REQUESTS) >= asked
    assert not [path for pid in pids for path in (served.folder / "metrics").glob(f"gauge_live*_{pid}.db")]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _: None, "is no folder; make it before the server starts, and empty it then"),
        (
            lambda path: path.write_text(""),
            "is no folder; make it before the server starts, and empty it then",
        ),
    ],
    ids=["missing", "file"],
)
def test_a_folder_that_is_none_is_one_clear_line_before_the_service_starts(
    folder: Path, make: Callable[[Path], object], sentence: str
) -> None:
    shared = folder / "elsewhere"
    make(shared)
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(shared), "PYTHONPATH": str(folder)}
    ended = subprocess.run(
        [PYTHON, "-c", "import service"], env=env, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode != 0
    last = ended.stderr.strip().splitlines()[-1]
    assert last.endswith(f"PROMETHEUS_MULTIPROC_DIR: `{shared}` {sentence}")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    # Root may write everywhere, so the answer of the system is played.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SetupError, match=rf"cannot be written by uid {os.getuid()}; give it to that user"):
        find_folder()


def test_one_process_needs_no_folder() -> None:
    assert find_folder() is None


def test_an_empty_name_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    with pytest.raises(SetupError, match="`` is no folder"):
        find_folder()


def test_only_the_gauges_of_the_dead_are_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([PYTHON, "-c", ""])
    dead.wait()
    kept = [f"gauge_livesum_{os.getpid()}.db", f"counter_{dead.pid}.db", f"gauge_all_{dead.pid}.db", "other"]
    gone = [f"gauge_livesum_{dead.pid}.db", f"gauge_livemostrecent_{dead.pid}.db"]
    for name in (*kept, *gone):
        (tmp_path / name).write_bytes(b"")
    remove_dead_workers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
