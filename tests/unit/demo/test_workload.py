"""The load on real servers: the embedded engine and a real Valkey, killed and started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import pytest
import redis
from qdrant_client import QdrantClient

from vectorwatch.demo import COLLECTION
from vectorwatch.demo.answers import Answers
from vectorwatch.demo.documents import DocumentMaker, Documents, Size
from vectorwatch.demo.interruption import Interruption, InterruptionError
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.questions import Questions
from vectorwatch.demo.readiness import answers_http
from vectorwatch.demo.supervisor import Service, Supervisor
from vectorwatch.demo.valkey import describe_valkey
from vectorwatch.demo.workload import Load, Workload

SIZE = Size(documents=1_500, dimensions=32)


class Rig:
    """The two servers, a workload on them, and time that passes when the workload pauses."""

    def __init__(self, folder: Path) -> None:
        engine_port, cache_port = find_free_ports(2)
        self.supervisor = Supervisor(folder / "logs", Interruption())
        self.cache = describe_valkey("dragonfly", cache_port, folder / "cache")
        self.engine_url = f"http://{HOST}:{engine_port}"
        self.client = QdrantClient(url=self.engine_url, check_compatibility=False)
        self.redis = redis.Redis(port=cache_port)
        self.load = Load(self.engine_url, f"redis://{HOST}:{cache_port}", size=SIZE)
        self._folder = folder
        self._engine_port = engine_port
        self._engines = 0
        self.now = 0.0
        self.loops_left = 0

    def describe_empty_engine(self) -> Service:
        self._engines += 1
        data = self._folder / f"engine-{self._engines}"
        command = [sys.executable, "-m", "vectorwatch.demo.engine"]
        options = ["--port", str(self._engine_port), "--data", str(data)]
        return Service("qdrant", [*command, *options], answers_http(f"{self.engine_url}/readyz"))

    def start(self, *services: Service) -> None:
        self.supervisor.start(services, announce=lambda _: None)

    def make_workload(self) -> Workload:
        maker = DocumentMaker(SIZE, 1)
        answers = Answers(self.load.cache_url, lambda: 600)
        documents = Documents(self.client, maker)
        return Workload(
            self.load, documents, answers, Questions(maker, 2), clock=lambda: self.now, pause=self.pause
        )

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.loops_left -= seconds > 0
        if self.loops_left < 0:
            raise InterruptionError

    def run(self, workload: Workload, pauses: int) -> None:
        self.loops_left = pauses
        with pytest.raises(InterruptionError):
            workload.run()

    def count_documents(self) -> int:
        return self.client.count(COLLECTION).count if self.client.collection_exists(COLLECTION) else 0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    with rig.supervisor:
        yield rig
    rig.client.close()
    rig.redis.close()


def test_it_makes_documents_and_then_searches_and_caches(rig: Rig) -> None:
    rig.start(rig.describe_empty_engine(), rig.cache)
    rig.run(rig.make_workload(), pauses=300)
    assert rig.count_documents() == SIZE.documents
    stats = rig.redis.info("stats")
    assert stats["keyspace_misses"] > 10
    assert stats["keyspace_hits"] > 10
    assert rig.redis.dbsize() > 10


def test_searches_and_writes_keep_their_rates(rig: Rig) -> None:
    rig.start(rig.describe_empty_engine(), rig.cache)
    workload = rig.make_workload()
    rig.run(workload, pauses=400)
    searches = rig.redis.info("stats")["keyspace_hits"] + rig.redis.info("stats")["keyspace_misses"]
    assert searches / rig.now == pytest.approx(rig.load.searches_per_second, rel=0.1)


def test_a_dead_cache_stops_neither_searches_nor_writes(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.start(rig.describe_empty_engine(), rig.cache)
    workload = rig.make_workload()
    rig.run(workload, pauses=50)
    rig.supervisor.kill("dragonfly")
    before = _count_searches(rig)
    rig.run(workload, pauses=100)
    assert _count_searches(rig) > before + 50
    assert [text for text in caplog.messages if text.startswith("cache does not answer")] == [
        "cache does not answer (ConnectionError); going on without it"
    ]


def test_a_cache_that_returns_is_used_again(rig: Rig) -> None:
    rig.start(rig.describe_empty_engine(), rig.cache)
    workload = rig.make_workload()
    rig.run(workload, pauses=50)
    rig.supervisor.kill("dragonfly")
    rig.run(workload, pauses=50)
    rig.start(rig.cache)
    rig.run(workload, pauses=100)
    assert rig.redis.dbsize() > 0


def test_an_engine_that_is_not_there_yet_is_waited_for(rig: Rig) -> None:
    rig.start(rig.cache)
    workload = rig.make_workload()
    rig.run(workload, pauses=50)
    rig.start(rig.describe_empty_engine())
    rig.run(workload, pauses=50)
    assert rig.count_documents() == SIZE.documents


def test_documents_that_vanished_with_the_engine_are_made_anew(rig: Rig) -> None:
    rig.start(rig.describe_empty_engine(), rig.cache)
    workload = rig.make_workload()
    rig.run(workload, pauses=50)
    rig.supervisor.kill("qdrant")
    workload.write_once()
    rig.start(rig.describe_empty_engine())
    assert rig.count_documents() == 0
    rig.now += 2
    rig.loops_left = 1
    workload.write_once()
    assert rig.count_documents() == SIZE.documents


def test_it_logs_json_lines_and_ends_at_once_with_sigterm(rig: Rig, tmp_path: Path) -> None:
    rig.start(rig.describe_empty_engine(), rig.cache)
    script = (
        "from vectorwatch.demo.workload import Load, run; from vectorwatch.demo.documents import Size;"
        f" run(Load({rig.load.qdrant_url!r}, {rig.load.cache_url!r}, size=Size(1500, 32)))"
    )
    log = tmp_path / "workload.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-c", script], stdout=stream, stderr=subprocess.STDOUT)
    deadline = monotonic() + 60
    while rig.redis.dbsize() == 0 and monotonic() < deadline:
        assert process.poll() is None, log.read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["message"] == "ended"
    assert any(line["message"] == "documents: 1500 of 1500 documents" for line in lines)
    assert {line["service"]["name"] for line in lines} == {"workload"}


def _count_searches(rig: Rig) -> int:
    metrics = httpx.get(f"{rig.engine_url}/metrics", trust_env=False, timeout=60).text
    line = next(line for line in metrics.splitlines() if "points/query" in line and "responses_total" in line)
    return int(float(line.rsplit(" ", 1)[1]))
