"""What each fault does to the parts, and that nothing of it is left when it has ended; without servers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vectorwatch.demo.app import database
from vectorwatch.demo.app.background import Background
from vectorwatch.demo.app.faults import KNOWN, Faults
from vectorwatch.demo.app.pipeline import Pipeline
from vectorwatch.demo.app.sabotage import Sabotage
from vectorwatch.demo.app.service import _build_parts
from vectorwatch.demo.app.settings import AppSettings
from vectorwatch.settings import load

ACTS = {"alias_failure", "payload_index_failure", "security_burst"}
"""These change no part but do something every second or five."""


class Stage:
    """A pipeline, its background and the faults, none of them running."""

    def __init__(self, folder: Path) -> None:
        self.parts = _build_parts(load(AppSettings, environ={"VECTORWATCH_APP_DATA": str(folder)}))
        self.pipeline = Pipeline(self.parts, 1.0, random.Random(1))
        self.background = Background(self.pipeline, 1.0, 1.0, random.Random(1))
        self.faults = Faults(monotonic)
        self.sabotage = Sabotage(self.faults, self.pipeline, self.background)

    def state(self) -> dict[str, Any]:
        parts = self.parts
        return {
            "disturbance": self.pipeline.disturbance,
            "search": parts.articles.delay_seconds,
            "large": (parts.large.slowdown, parts.large.verbosity, parts.large.failure_ratio),
            "tools": parts.tools.failure_ratio,
            "cache": parts.cache.entries,
            "hypervectors": (parts.hypervectors.delay_seconds, parts.hypervectors.broken),
            "prediction": self.background.prediction.distortion,
            "database": (
                *(parts.database.pause_seconds, parts.database.lose_affinity),
                *(parts.database.ask_nonsense, parts.database.refuse_connections),
            ),
            "held": len(parts.database._held),
            "backlog": len(self.background._backlog),
        }


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(database, "_POOL_TIMEOUT_SECONDS", 0.1)
    found = Stage(tmp_path)
    yield found
    await found.parts.articles.close()
    await found.parts.cache.close()
    found.parts.database.close()


async def settle(stage: Stage) -> None:
    await stage.sabotage.apply()
    while any(task.cancelling() for task in stage.background._backlog):  # noqa: ASYNC110
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", sorted(KNOWN.keys() - ACTS))
async def test_a_fault_changes_a_part_and_leaves_nothing_behind(name: str, stage: Stage) -> None:
    healthy = stage.state()
    stage.faults.begin(name, 600)
    await settle(stage)
    assert stage.state() != healthy
    stage.faults.end(name)
    await settle(stage)
    assert stage.state() == healthy


async def test_predictions_come_out_three_times_too_high_while_load_drifts(stage: Stage) -> None:
    stage.faults.begin("load_drift", 600)
    await stage.sabotage.apply()
    for _ in range(3):
        stage.background.prediction.observe(1.0)
    assert stage.background.prediction.predicted == pytest.approx(3.0)


async def test_connections_that_were_held_half_way_are_given_back(stage: Stage) -> None:
    pool = stage.parts.database.engine.pool
    others = [stage.parts.database.engine.connect() for _ in range(7)]
    stage.faults.begin("pool_exhaustion", 600)
    with pytest.raises(PoolTimeoutError):
        await stage.sabotage.apply()
    assert "Current Checked out connections: 10" in pool.status()
    stage.faults.end("pool_exhaustion")
    await stage.sabotage.apply()
    for connection in others:
        connection.close()
    assert "Current Checked out connections: 0" in pool.status()
