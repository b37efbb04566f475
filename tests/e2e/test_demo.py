"""The demo as users run it: real servers, the repository's own rules and routes, a real alert."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from vectorwatch.demo import COLLECTION, check
from vectorwatch.demo.jaeger import MISSING, find_jaeger
from vectorwatch.demo.ports import DEFAULT_PORTS, HOST
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.story import StoryError

Poll = Callable[..., None]

# The limit of the story itself is 300 s; starting and ending on a busy machine come on top.
STORY_DEADLINE_SECONDS = 420
SERVICES = (
    "alertmanager",
    "benchmark",
    "demo-app",
    "demo-load",
    "dragonfly",
    "dragonfly-exporter",
    "gpu-exporter",
    "hnsw-probe",
    "inbox",
    "prometheus",
    "qdrant",
    "qdrant-exporter",
    "status",
    "workload",
)


@dataclass
class Demo:
    """A running `vectorwatch demo up` and what it printed so far."""

    process: subprocess.Popen[bytes]
    output: Path

    def text(self) -> str:
        return self.output.read_text()

    def url(self, service: str) -> str:
        found = re.search(rf"^  {service} .*(http://\S+)$", self.text(), re.MULTILINE)
        assert found, self.text()
        return found[1]


@pytest.fixture
def demo(vectorwatch_command: Sequence[str], tmp_path: Path, poll: Poll) -> Iterator[Demo]:
    output = tmp_path / "demo.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*vectorwatch_command, "demo", "up", "--ports", "free"], stdout=stream, stderr=subprocess.STDOUT
        )
    demo = Demo(process, output)
    try:
        poll(lambda: process.poll() is not None or "all of it runs" in demo.text(), "all services run", 180)
        assert process.poll() is None, demo.text()
        yield demo
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def list_family(process_id: int) -> set[int]:
    """Return the ids of a process's children and theirs."""
    family: set[int] = set()
    for task in Path(f"/proc/{process_id}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            family |= {child} | list_family(child)
    return family


def lives(process_id: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_the_story_happens_from_start_to_end(vectorwatch_command: Sequence[str]) -> None:
    done = subprocess.run(
        [*vectorwatch_command, "demo", "check"],
        capture_output=True,
        text=True,
        timeout=STORY_DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall(r"^  (\S.*?)  +\d+\.\d s(?:$|   )", done.stdout, re.MULTILINE)
    assert sorted(step for step in steps if step.startswith("CacheDown")) == [
        "CacheDown firing as a Slack message",
        "CacheDown firing as a mail",
        "CacheDown resolved as a Slack message",
        "CacheDown resolved as a mail",
    ]
    total = re.search(r"all of it happened, in (\d+) s", done.stdout)
    assert total
    assert int(total[1]) <= check.LIMIT_SECONDS


def test_every_service_is_announced_with_seconds_and_address(demo: Demo) -> None:
    announced = re.findall(r"^  (\S+) +\d+\.\d s  \S+", demo.text(), re.MULTILINE)
    jaeger = ["jaeger"] if find_jaeger(find_repository() / ".tools") else []
    assert sorted(announced) == sorted([*SERVICES, *jaeger])


def test_the_announced_pages_answer(demo: Demo) -> None:
    for service in (
        "inbox",
        "qdrant",
        "qdrant-exporter",
        "hnsw-probe",
        "gpu-exporter",
        "dragonfly-exporter",
        "status",
    ):
        answer = httpx.get(demo.url(service), trust_env=False, timeout=60)
        assert answer.status_code == 200, service
    runbook = httpx.get(f"{demo.url('prometheus')}/user/runbooks/CacheDown.md", trust_env=False, timeout=60)
    assert "CacheDown" in runbook.text
    for service in ("prometheus", "alertmanager"):
        answer = httpx.get(f"{demo.url(service)}/-/healthy", trust_env=False, timeout=60)
        assert answer.status_code == 200, service


def test_ctrl_c_ends_everything(demo: Demo, poll: Poll) -> None:
    family = list_family(demo.process.pid)
    assert len(family) >= len(SERVICES)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert demo.text().endswith("goodbye\n")
    poll(lambda: not any(map(lives, family)), "every process has ended", 60)


def test_a_killed_demo_leaves_no_process_behind(demo: Demo, poll: Poll) -> None:
    family = list_family(demo.process.pid)
    demo.process.kill()
    demo.process.wait(60)
    poll(lambda: not any(map(lives, family)), "every process has ended", 60)


def test_a_service_that_ends_is_told_and_the_others_go_on(demo: Demo, poll: Poll) -> None:
    cache = re.search(r"kill -STOP (\d+)", demo.text())
    assert cache
    os.kill(int(cache[1]), signal.SIGKILL)
    poll(lambda: "demo: dragonfly was ended by SIGKILL" in demo.text(), "the end is told", 60)
    assert demo.process.poll() is None
    assert httpx.get(f"{demo.url('inbox')}/readyz", trust_env=False, timeout=60).status_code == 200


def test_a_search_of_the_probe_is_a_trace_where_there_is_a_jaeger(demo: Demo, poll: Poll) -> None:
    if find_jaeger(find_repository() / ".tools") is None:
        assert MISSING in demo.text()
        return
    search = f"{demo.url('jaeger')}/api/traces"
    asked = {"service": "hnsw-probe", "operation": f"search {COLLECTION}", "limit": "1"}

    def found() -> bool:
        answer = httpx.get(search, params=asked, trust_env=False, timeout=60).raise_for_status().json()
        spans = [span for trace in answer["data"] for span in trace["spans"]]
        tags = {tag["key"] for span in spans for tag in span["tags"]}
        return {"vectorwatch.search.ef", "vectorwatch.search.k", "db.collection.name"} <= tags

    poll(found, "a search is a trace", 180)


def test_a_taken_port_is_named_before_anything_starts(vectorwatch_command: Sequence[str]) -> None:
    port = DEFAULT_PORTS["hnsw-probe"]
    with closing(socket.socket()) as listener:
        # As the services bind; where that fails, another program holds the port: as good.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listener.bind((HOST, port))
            listener.listen()
        done = subprocess.run(
            [*vectorwatch_command, "demo", "up"], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert f"{port} (wanted by hnsw-probe)" in done.stderr
    assert "make demo PORTS=free" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_story_that_cannot_be_told_shows_the_logs_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "LIMIT_SECONDS", 0.0)
    before = list_family(os.getpid())
    with pytest.raises(StoryError, match="not within 0 s: all targets up: "):
        check.run()
    output = capsys.readouterr().out
    assert "prometheus.log" in output
    assert "Server is ready to receive web requests" in output
    assert list_family(os.getpid()) <= before
