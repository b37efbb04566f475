"""The embedded Qdrant as a real process, and collections to try it with."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from qdrant_client import QdrantClient, models

READY_SECONDS = 60.0


@dataclass
class Engine:
    """One running server; `restart` ends it (gently or not) and starts it on the same data."""

    data: Path
    log: Path
    api_key_file: Path | None
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "vectorwatch.demo.engine", "--port", "0", "--data", str(self.data)]
        if self.api_key_file is not None:
            command += ["--api-key-file", str(self.api_key_file)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.url = self._wait_for_url(self.process)

    def stop(self, *, kill: bool = False) -> int:
        assert self.process is not None
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        return self.process.wait(30)

    def restart(self, *, kill: bool = False) -> None:
        self.stop(kill=kill)
        self.start()

    def connect(self, **options: Any) -> QdrantClient:
        # The check runs in a thread of its own, which may outlive the engine of a short test.
        return QdrantClient(url=self.url, timeout=60, check_compatibility=False, **options)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def _wait_for_url(self, process: subprocess.Popen[bytes]) -> str:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            said = self.log.read_text(encoding="utf-8")
            if "http://" in said and said.endswith("\n"):
                url = said.partition("on ")[2].partition(",")[0]
                # The port listens by now: the answer comes as soon as the server has started.
                httpx.get(f"{url}/healthz", timeout=READY_SECONDS, trust_env=False).raise_for_status()
                return url
            if process.poll() is not None:
                pytest.fail(f"the engine ended with {process.returncode}: {said}")
            time.sleep(0.02)
        pytest.fail(f"the engine did not start: {self.log.read_text(encoding='utf-8')}")


def make_point(point_id: int | str, vector: Any, payload: dict[str, Any] | None = None) -> models.PointStruct:
    """Return a point; `vector` may be written with whole numbers, which the client's types refuse."""
    return models.PointStruct(id=point_id, vector=vector, payload=payload)


class StartEngine(Protocol):
    def __call__(self, folder: Path, api_key_file: Path | None = None) -> Engine: ...


@contextmanager
def _starter() -> Iterator[StartEngine]:
    with ExitStack() as stack:

        def start(folder: Path, api_key_file: Path | None = None) -> Engine:
            engine = Engine(folder / "data", folder / "engine.log", api_key_file)
            stack.callback(lambda: engine.stop(kill=True))
            engine.start()
            return engine

        yield start


@pytest.fixture
def start_engine() -> Iterator[StartEngine]:
    """Start engines that end with the test."""
    with _starter() as start:
        yield start


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all tests of a module; each test uses collections of its own."""
    with _starter() as start:
        yield start(tmp_path_factory.mktemp("engine"))


@pytest.fixture
def client(engine: Engine) -> Iterator[QdrantClient]:
    connected = engine.connect()
    yield connected
    connected.close()


@pytest.fixture
def http(engine: Engine) -> Iterator[httpx.Client]:
    with engine.http() as connected:
        yield connected
