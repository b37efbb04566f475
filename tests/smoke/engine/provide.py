"""A usable Docker engine: the one that runs here, else one of our own for the time of the run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.smoke.command import CommandError
from tests.smoke.docker import Docker
from tests.smoke.engine.daemon import EngineError, run_engine
from tests.smoke.engine.programs import fetch_programs
from vectorwatch.demo.bundles import COMPOSE_MINIMUM, Version
from vectorwatch.demo.debian import Say

ENGINE_MINIMUM = (25, 0)
"""25 brought `start_interval` of health checks."""


@contextmanager
def provide_engine(folder: Path, say: Say) -> Iterator[Docker]:
    """Yield an engine that understands the compose file. Raises EngineError, ProgramsError.

    `folder` keeps the programs, images and build cache of our own engine between runs.
    """
    own = Docker(os.environ)
    lack = explain_lack(
        _ask(own, "version", "--format", "{{.Server.Version}}"), _ask(own, "compose", "version")
    )
    if not lack:
        say("smoke: the Docker engine that runs here is used; what it holds stays as it is")
        yield own
        return
    if os.geteuid() != 0:
        raise EngineError(
            f"smoke: {lack}; start or update Docker, or run this as root to start one for the test"
        )
    say(f"smoke: {lack}; one is started for the test")
    folder.mkdir(parents=True, exist_ok=True)
    with run_engine(fetch_programs(folder, say)) as docker:
        yield docker


def explain_lack(engine: str, compose: str) -> str:
    """Return why an engine with these versions cannot be used, or an empty text."""
    found = read_version(engine)
    if found is None:
        return "no Docker engine answers here"
    if found < ENGINE_MINIMUM:
        return f"the Docker engine {engine.strip()} is too old for the compose file"
    found = read_version(compose)
    if found is None:
        return "there is no `docker compose` here"
    return "" if found >= COMPOSE_MINIMUM else f"{compose.strip()} is too old for the compose file"


def read_version(text: str) -> Version | None:
    """Return major and minor version in what a program says of itself."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def _ask(docker: Docker, *arguments: str) -> str:
    try:
        done = docker.attempt(*arguments, timeout_seconds=30)
    except CommandError:
        return ""
    return done.stdout if done.returncode == 0 else ""
