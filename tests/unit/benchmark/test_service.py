"""The program as a user starts it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from vectorwatch.benchmark.settings import BenchmarkSettings
from vectorwatch.errors import ConfigError
from vectorwatch.settings import load


def test_it_measures_by_itself_and_a_baseline_is_accepted_from_the_terminal(
    engine: str,
    start_program: Callable[..., Any],
    free_port: Callable[[], int],
    vectorwatch_command: list[str],
    tmp_path: Path,
    poll: Callable[..., None],
) -> None:
    url, data = f"http://127.0.0.1:{(port := free_port())}", tmp_path / "data"
    values = {"PORT": port, "DATA": data, "QDRANT_URL": engine, "INTERVAL_SECONDS": 1, "REQUESTS": 5}
    start_program(
        [*vectorwatch_command, "benchmark", "serve"],
        ready_url=f"{url}/readyz",
        env={f"VECTORWATCH_BENCHMARK_{name}": str(value) for name, value in values.items()},
    )
    labels = f'backend="qdrant",server="{engine}",collection="docs",benchmark="search"'
    series = f"benchmark_duration_seconds{{{labels}}}"
    poll(lambda: series in httpx.get(f"{url}/metrics", timeout=10, trust_env=False).text, "a figure")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [*vectorwatch_command, "benchmark", *arguments, "--data", str(data)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120)

    poll(lambda: run("show").returncode == 0, "the figures are on disk")
    assert "not yet" in run("show").stdout
    done = run("accept", "docs")
    assert (done.returncode, done.stdout) == (0, f"accepted: {engine} docs search\n")
    poll(
        lambda: (
            "benchmark_baseline_seconds{" in httpx.get(f"{url}/metrics", timeout=10, trust_env=False).text
        ),
        "the service shows what was accepted",
    )
    refused = run("accept", "nobody")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CACHE_URL", "redis://:secret@cache:6379", "must not hold credentials"),
        ("CACHE_URL", "cache:6379", "redis://host:port"),
        ("QDRANT_URL", "qdrant:6333", "http"),
        ("REQUESTS", "1", "greater than or equal to 5"),
        ("BASELINE", "1", "unknown"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        load(BenchmarkSettings, environ={f"VECTORWATCH_BENCHMARK_{name}": value})
    assert len(raised.value.problems) == 1
    assert "secret" not in str(raised.value)
