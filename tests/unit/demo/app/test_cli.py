"""`vectorwatch demo-app` from the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.demo.ports import find_free_ports

from .conftest import Running


def run(command: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "demo-app", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_faults_are_listed_begun_and_ended(broken: Running, vectorwatch_command: Sequence[str]) -> None:
    url = ("--url", broken.url)
    begun = run(vectorwatch_command, "faults", "begin", "slow_search", "--seconds", "600", *url)
    assert begun.stdout == "slow_search is on for 600 s: each search takes 2.5 s more\n"
    listed = run(vectorwatch_command, "faults", "list", *url)
    assert [line.split()[1:3] for line in listed.stdout.splitlines() if line.startswith("slow_search")] == [
        ["on,", listed.stdout.split("slow_search")[1].split()[1]]
    ]
    ended = run(vectorwatch_command, "faults", "end", "slow_search", *url)
    assert ended.stdout == "slow_search is off\n"
    assert "on," not in run(vectorwatch_command, "faults", "list", *url).stdout


def test_what_cannot_be_done_is_one_line(
    broken: Running, vectorwatch_command: Sequence[str], free_port: Callable[[], int]
) -> None:
    unknown = run(vectorwatch_command, "faults", "begin", "earthquake", "--url", broken.url)
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("demo-app: no fault is called `earthquake`; there are ")
    nobody = run(vectorwatch_command, "faults", "list", "--url", f"http://127.0.0.1:{free_port()}")
    assert nobody.returncode == 1
    assert nobody.stderr.endswith("give its address with --url\n")
    assert nobody.stderr.count("\n") == 1


def test_an_option_wins_over_the_environment_and_a_wrong_one_is_one_line(
    vectorwatch_command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VECTORWATCH_APP_DATABASE", f"sqlite:///{tmp_path / 'good.db'}")
    wrong = run(vectorwatch_command, "--data", str(tmp_path), "--database", "nonsense", "--port", "0")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("demo-app: the database cannot be used: ")
    assert wrong.stderr.count("\n") == 1
    monkeypatch.setenv("VECTORWATCH_APP_LLM_SECONDS", "0")
    refused = run(vectorwatch_command)
    assert refused.returncode == 2
    assert "VECTORWATCH_APP_LLM_SECONDS: `llm_seconds`" in refused.stderr


def test_without_demo_faults_there_are_none(
    tmp_path: Path, start_program: Callable[..., Any], vectorwatch_command: Sequence[str]
) -> None:
    port, nobody = find_free_ports(2)
    url = f"http://127.0.0.1:{port}"
    # Faults need none of the servers.
    servers = ("--qdrant-url", f"http://127.0.0.1:{nobody}", "--cache-url", f"redis://127.0.0.1:{nobody}")
    argv = [*vectorwatch_command, "demo-app", "--data", str(tmp_path), "--port", str(port), *servers]
    start_program(argv, ready_url=f"{url}/metrics")
    assert httpx.post(f"{url}/demo/faults/error_burst", timeout=60, trust_env=False).status_code == 404
    told = run(vectorwatch_command, "faults", "begin", "error_burst", "--url", url)
    assert told.stderr == "demo-app: it takes no faults; start it with --demo-faults\n"
