"""Settings, a clock that moves when told, a stand-in for faults, and the real engine.

The stand-in searches by brute force and forgets what it is told to forget, so that the right recall is
known beforehand. What it cannot show, real graphs and real refusals, is tested against the real engine.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import aiohttp
import httpx
import numpy as np
import pytest
from fastapi import FastAPI, Request, Response
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from vectorwatch.demo.ports import find_free_ports
from vectorwatch.hnsw.metrics import expose
from vectorwatch.hnsw.probe import Probe
from vectorwatch.hnsw.settings import HnswSettings
from vectorwatch.serve.exposition import render
from vectorwatch.serve.metric import Sink
from vectorwatch.settings import load

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
Fault = Callable[[str, str, dict[str, Any]], Awaitable[Response | None]]


@dataclass
class ManualClock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_settings() -> Callable[..., HnswSettings]:
    def make(**values: Any) -> HnswSettings:
        environ = {
            f"VECTORWATCH_HNSW_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in values.items()
        }
        return load(HnswSettings, environ=environ)

    return make


@pytest.fixture
def open_probe(
    make_settings: Callable[..., HnswSettings],
) -> Callable[..., AbstractAsyncContextManager[Probe]]:
    """Open a probe of one URL: `async with open_probe(url, clock=..., ef=[16]) as probe`."""

    @asynccontextmanager
    async def start(
        url: str,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        **values: Any,
    ) -> Any:
        settings = make_settings(**({"url": url, "seed": 7, "k": [10], "ef": [16, 64]} | values))
        async with aiohttp.ClientSession() as session:
            yield Probe(
                settings.first_target(),
                settings,
                session,
                rng=Random(7),
                clock=clock,
                wall_clock=wall_clock,
            )

    return start


def show(probe: Probe, stale_after_seconds: float = 600) -> str:
    """Return what a scrape would show, as OpenMetrics text."""
    sink = Sink(50_000)
    expose(probe.state, sink, stale_after_seconds=stale_after_seconds, max_series=50_000)
    return render(sink.families(), sink.registries, use_openmetrics=True).decode()


@pytest.fixture(name="show")
def show_fixture() -> Callable[[Probe], str]:
    return show


def read_samples(probe: Probe, stale_after_seconds: float = 600) -> Samples:
    """Return what a scrape would show, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(show(probe, stale_after_seconds))
        for sample in family.samples
    }


@pytest.fixture
def read() -> Callable[..., dict[Any, float]]:
    """Read one metric of a probe: `read(probe, "hnsw_recall_ratio", "ef")` gives values by that label."""

    def read_metric(
        probe: Probe, name: str, *labels: str, stale_after_seconds: float = 600, **wanted: str
    ) -> dict[Any, float]:
        found = {}
        for (sample, given), value in read_samples(probe, stale_after_seconds).items():
            named = dict(given)
            if sample == name and all(named.get(label) == value for label, value in wanted.items()):
                key = tuple(named.get(label, "") for label in labels)
                found[key[0] if len(key) == 1 else key] = value
        return found

    return read_metric


@dataclass
class StandInCollection:
    """Vectors that are searched by brute force; `forgets` are the ranks that its graph misses."""

    vectors: np.ndarray[Any, Any]
    forgets: dict[int | None, set[int]] = field(default_factory=dict)
    larger_is_better: bool = True
    info: dict[str, Any] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    after_exact: Callable[[], None] = lambda: None

    def describe(self) -> dict[str, Any]:
        count, size = self.vectors.shape
        distance = "Dot" if self.larger_is_better else "Euclid"
        described = {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": count,
            "indexed_vectors_count": count,
            "segments_count": 1,
            "config": {
                "params": {"vectors": {"size": size, "distance": distance}},
                "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 1},
                "quantization_config": None,
            },
        }
        return described | self.info

    def search(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        limit = body["limit"]
        if isinstance(body["query"], dict):
            chosen = np.random.default_rng(1).integers(len(self.vectors), size=limit)
            return [{"id": int(i), "score": 0.0, "vector": self.vectors[i].tolist()} for i in chosen]
        query = np.asarray(body["query"])
        if self.larger_is_better:
            scores = self.vectors @ query
            order = np.argsort(-scores, kind="stable")
        else:
            scores = np.linalg.norm(self.vectors - query, axis=1)
            order = np.argsort(scores, kind="stable")
        order = order[~np.isin(order, list(self.deleted))]
        params = body.get("params", {})
        if params.get("exact"):
            wanted = [one["has_id"] for one in body.get("filter", {}).get("must", []) if "has_id" in one]
            ranked = [i for i in order if not wanted or i in wanted[0]][:limit]
        else:
            forgotten = self.forgets.get(params.get("hnsw_ef"), set())
            ranked = [i for rank, i in enumerate(order) if rank not in forgotten][:limit]
        found = [{"id": int(i), "version": 1, "score": float(scores[i])} for i in ranked]
        if params.get("exact") and "filter" not in body:
            self.after_exact()
        return found


@dataclass
class StandIn:
    """A Qdrant that does as it is told. `fault` may answer instead; `seconds` is what `time` says."""

    collections: dict[str, StandInCollection] = field(default_factory=dict)
    fault: Fault | None = None
    seconds: float | None = 0.001
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def searches(self) -> int:
        return sum(path.endswith("/points/query") for _, path, _ in self.requests)

    async def answer(self, request: Request, _next: object) -> Response:
        path = unquote(request.scope["raw_path"].decode())
        body = json.loads(await request.body() or b"{}")
        self.requests.append((request.method, path, body))
        if self.fault is not None:
            faulty = await self.fault(request.method, path, body)
            if faulty is not None:
                return faulty
        return self._answer(path, body)

    def _answer(self, path: str, body: dict[str, Any]) -> Response:
        if path == "/collections":
            return self._envelope({"collections": [{"name": name} for name in self.collections]})
        tail = next((end for end in ("/points/query", "/points/count") if path.endswith(end)), "")
        collection = self.collections.get(path.removeprefix("/collections/").removesuffix(tail))
        if collection is None:
            return Response('{"status":{"error":"Not found"},"time":0}', 404)
        if tail == "/points/query":
            return self._envelope({"points": collection.search(body)})
        if tail == "/points/count":
            return self._envelope({"count": len(collection.vectors)})
        return self._envelope(collection.describe())

    def _envelope(self, result: Any) -> Response:
        document = {"result": result, "status": "ok", "time": self.seconds}
        return Response(json.dumps(document), media_type="application/json")


def make_vectors(count: int = 500, size: int = 8, seed: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal((count, size))


@pytest.fixture
def stand_in() -> StandIn:
    """A server with one collection `docs`, whose graph forgets rank 1 at ef=16 and nothing at ef=64."""
    return StandIn({"docs": StandInCollection(make_vectors(), {16: {1}})})


@pytest.fixture
def stand_in_collection() -> Callable[..., StandInCollection]:
    def make(count: int = 500, size: int = 8, seed: int = 3, **given: Any) -> StandInCollection:
        return StandInCollection(make_vectors(count, size, seed), **given)

    return make


@pytest.fixture
def serve_stand_in(serve: Callable[[FastAPI], str]) -> Callable[[StandIn], str]:
    def start(stand_in: StandIn) -> str:
        app = FastAPI()
        # No route: their patterns match no line feed, and a collection's name may hold one.
        app.middleware("http")(stand_in.answer)
        return serve(app)

    return start


@pytest.fixture
def always() -> Callable[..., Fault]:
    """Answer a kind of request always alike: `always("/points/query", 429, "...", exact=True)`."""

    def build(
        end: str, status: int = 200, body: str = "", *, exact: bool | None = None, hang_seconds: float = 0
    ) -> Fault:
        async def fault(method: str, path: str, sent: dict[str, Any]) -> Response | None:
            if not path.endswith(end):
                return None
            if exact is not None and bool(sent.get("params", {}).get("exact")) is not exact:
                return None
            await asyncio.sleep(hang_seconds)
            return Response(body, status, media_type="application/json") if status else None

        return fault

    return build


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait until a condition holds that only the event loop can bring about."""

    async def wait(condition: Callable[[], Any], deadline_seconds: float = 60) -> None:
        async with asyncio.timeout(deadline_seconds):
            while not condition():  # noqa: ASYNC110  # the code under test has no event to wait for
                await asyncio.sleep(0.005)

    return wait


@dataclass(frozen=True)
class Engine:
    """The real engine behind Qdrant's routes."""

    url: str

    def send(self, method: str, path: str, document: Any) -> None:
        answer = httpx.request(method, f"{self.url}/collections{path}", json=document, timeout=60)
        answer.raise_for_status()

    def create(self, name: str, **given: Any) -> None:
        self.send("PUT", f"/{name}", given)

    def store(
        self, name: str, vectors: np.ndarray[Any, Any], vector: str = "", payloads: list[Any] | None = None
    ) -> None:
        for start in range(0, len(vectors), 2000):
            part = vectors[start : start + 2000].tolist()
            batch: dict[str, Any] = {
                "ids": list(range(start, start + len(part))),
                "vectors": {vector: part} if vector else part,
            }
            if payloads:
                batch["payloads"] = payloads[start : start + len(part)]
            self.send("PUT", f"/{name}/points?wait=true", {"batch": batch})

    def describe(self, name: str) -> dict[str, Any]:
        result: dict[str, Any] = httpx.get(f"{self.url}/collections/{name}", timeout=30).json()["result"]
        return result

    def wait_until_indexed(self, name: str, vectors: int, deadline_seconds: float = 120) -> None:
        end = time.monotonic() + deadline_seconds
        while True:
            info = self.describe(name)
            if info["status"] == "green" and info["indexed_vectors_count"] >= vectors:
                return
            if time.monotonic() > end:
                pytest.fail(f"{name} is not indexed: {info}")
            time.sleep(0.1)

    def search(
        self, name: str, queries: np.ndarray[Any, Any], ef: int, k: int, **params: Any
    ) -> np.ndarray[Any, Any]:
        """Return ids as the graph finds them, a row for each query: asked directly, without the probe."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            rows = []
            for query in queries.tolist():
                body = {"query": query, "limit": k, "params": {"hnsw_ef": ef} | params}
                answer = client.post(f"/collections/{name}/points/query", json=body).raise_for_status()
                rows.append([point["id"] for point in answer.json()["result"]["points"]])
        return np.array(rows)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One embedded Qdrant for all tests of this folder; each uses collections of its own."""
    folder = tmp_path_factory.mktemp("engine")
    with start_engine(folder) as started:
        yield started


@pytest.fixture
def start_own_engine(tmp_path: Path) -> Callable[..., Any]:
    """Start another embedded Qdrant, for tests that need a key or that stop it."""
    return lambda *arguments: start_engine(tmp_path, *arguments)


class start_engine:  # noqa: N801  # used as a function
    """Run `python -m vectorwatch.demo.engine` until the block ends."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._port = find_free_ports(1)[0]
        self._log = folder / "engine.log"
        self._argv = [sys.executable, "-m", "vectorwatch.demo.engine", "--port", str(self._port)]
        self._argv += ["--data", str(folder / "data"), *arguments]

    def __enter__(self) -> Engine:
        with self._log.open("wb") as stream:
            self.process = subprocess.Popen(self._argv, stdout=stream, stderr=subprocess.STDOUT)
        url, end = f"http://127.0.0.1:{self._port}", time.monotonic() + 60
        while True:
            try:
                httpx.get(url, timeout=2).raise_for_status()
                return Engine(url)
            except httpx.HTTPError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.process.kill()
                    pytest.fail(f"the engine did not start:\n{self._log.read_text()[-2000:]}")
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
