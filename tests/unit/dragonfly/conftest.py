from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI

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


@pytest.fixture
def start_valkey(
    start_valkey: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    """Start servers that each have a folder of their own: a replica writes its master's data into it."""

    def start(*arguments: str, port: int | None = None) -> Any:
        return start_valkey("--dir", str(tmp_path_factory.mktemp("valkey")), *arguments, port=port)

    return start


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
