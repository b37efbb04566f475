"""`.env.example` and docker-compose.yml speak of the same values with the same defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .compose import Render

OF_COMPOSE_ITSELF = {"COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"}
FILES = ("docker-compose.yml", "caddy/docker-compose.yml")


@pytest.fixture(scope="module")
def described(repository: Path) -> dict[str, str]:
    text = (repository / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def used(repository: Path) -> list[tuple[str, str]]:
    """Return each value with its default, in which the defaults of others may stand."""
    text = "".join((repository / name).read_text(encoding="utf-8") for name in FILES)
    found: list[tuple[str, str]] = []
    while inner := re.findall(r"\$\{([A-Z_]+):-([^${}]*)\}", text):
        found += inner
        text = re.sub(r"\$\{[A-Z_]+:-([^${}]*)\}", r"\1", text)
    return found


def test_every_value_is_used_and_every_used_value_is_described(
    described: dict[str, str], used: list[tuple[str, str]]
) -> None:
    assert described.keys() - OF_COMPOSE_ITSELF == {name for name, _ in used}


def test_the_defaults_are_those_of_the_compose_file(
    described: dict[str, str], used: list[tuple[str, str]]
) -> None:
    assert {(name, described[name]) for name, _ in used} == set(used)
    assert described["COMPOSE_PROFILES"] == ""


def test_every_variable_has_a_default_that_an_empty_value_does_not_beat(repository: Path) -> None:
    text = "".join((repository / name).read_text(encoding="utf-8") for name in FILES)
    assert re.findall(r"(?<!\$)\$(?!\{[A-Z_]+:-|\$)\S*", text) == []


def test_every_value_is_explained_above_it(repository: Path) -> None:
    lines = (repository / ".env.example").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#[A-Z_]+=", line):
            assert lines[number - 1].startswith("#"), line


def test_the_file_as_it_is_changes_nothing_when_copied(repository: Path, described: dict[str, str]) -> None:
    lines = (repository / ".env.example").read_text(encoding="utf-8").splitlines()
    assert all(not line or line.startswith("#") for line in lines)


def test_every_value_as_described_gives_the_same_project(render: Render, described: dict[str, str]) -> None:
    assert (
        render(**{name: value for name, value in described.items() if name != "COMPOSE_PROFILES"}) == render()
    )


def test_no_secret_is_asked_for(described: dict[str, str]) -> None:
    assert not any(re.search("PASSWORD|SECRET|TOKEN|KEY", name) for name in described)
