"""The real engine with a small collection, and the recorded answers of a cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.unit.qdrant.conftest import play, recorded_routes, start_engine

__all__ = ["play", "recorded_routes", "start_engine"]

API_KEY = "engine-key"
POINTS = 40


class Engine:
    """The embedded Qdrant engine behind our HTTP layer, and the file with its key."""

    def __init__(self, url: str, key: Path) -> None:
        self.url = url
        self.key = key

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        headers = {"api-key": API_KEY}
        httpx.request(method, self.url + path, json=body, headers=headers, timeout=60).raise_for_status()

    def fill(self, collection: str, points: int, payload: Callable[[int], dict[str, Any]]) -> None:
        written = [{"id": one, "vector": [1.0, one], "payload": payload(one)} for one in range(points)]
        self.ask("PUT", f"/collections/{collection}/points?wait=true", {"points": written})


@pytest.fixture
def engine(start_engine: Callable[[Path], str], tmp_path: Path) -> Engine:
    """Start an engine that holds `documents`, whose `year` is indexed, behind the alias `live`."""
    key = tmp_path / "key"
    key.write_text(API_KEY)
    engine = Engine(start_engine(key), key)
    engine.ask("PUT", "/collections/documents", {"vectors": {"size": 2, "distance": "Dot"}})
    engine.fill("documents", POINTS, lambda one: {"year": 2000 + one, "tag": {"name": "a"}})
    index = {"field_name": "year", "field_schema": "integer"}
    engine.ask("PUT", "/collections/documents/index?wait=true", index)
    alias = {"create_alias": {"collection_name": "documents", "alias_name": "live"}}
    engine.ask("POST", "/collections/aliases", {"actions": [alias]})
    return engine


@pytest.fixture
def verify(vectorwatch_command: list[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a user does."""

    def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
        argv = [*vectorwatch_command, "verify", *map(str, options)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def expect(
    verify: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Write servers into a file and verify them."""

    def run(servers: dict[str, Any], *options: str | Path) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "expectations.yml"
        file.write_text(yaml.safe_dump({"servers": servers}), encoding="utf-8")
        return verify("--expect", file, *options)

    return run
