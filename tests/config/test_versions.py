"""Each version is pinned in one place, and Renovate knows all of these places.

The patterns of renovate.json5 are used as they are. That Renovate itself reads it so was seen by hand:
docs/how-to/upgrade.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.dashboards.grafana import PLUGIN_VERSION
from vectorwatch.demo.bundles import COMPOSE_MINIMUM
from vectorwatch.demo.repository import find_repository
from vectorwatch.pins import Pin, read_pins, read_python_pins

REPOSITORY = find_repository()
PINS = read_pins(REPOSITORY)
# What looks like `name:tag` in other files and is none of ours: made up for tests of the stand-ins.
MADE_UP = {"python:3.9.1-slim", "python:3.14", "jaegertracing/jaeger:2.0.0"}


@pytest.fixture(scope="module")
def texts(repository_files: Sequence[str]) -> dict[str, str]:
    return {
        name: path.read_text(encoding="utf-8", errors="replace")
        for name in repository_files
        if (path := REPOSITORY / name).is_file()
    }


def renovate(repository: Path) -> dict[str, Any]:
    """Read renovate.json5: JSON but for comments, bare names and commas at ends."""
    text = (repository / "renovate.json5").read_text(encoding="utf-8")
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(\s*\{?\s*)([$\w]+):", r'\1"\2":', text, flags=re.MULTILINE)
    text = re.sub(r"([{,] ?)([$\w]+): ", r'\1"\2": ', text)
    return dict(json.loads(re.sub(r",(\s*[}\]])", r"\1", text)))


def test_all_kinds_of_pins_are_found() -> None:
    assert {pin.kind for pin in PINS} == {"docker-compose", "dockerfile", "regex", "maven"}
    assert len([pin for pin in PINS if pin.kind == "docker-compose"]) >= 14
    assert len(read_python_pins(REPOSITORY)) > 90


def test_no_pin_stands_twice() -> None:
    names = [pin.name for pin in PINS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.name)
def test_no_other_file_repeats_it(pin: Pin, texts: dict[str, str]) -> None:
    for joint in (":", "@", "=", "=="):
        found = [path for path, text in texts.items() if f"{pin.name}{joint}{pin.version}" in text]
        assert found == ([pin.place] if found else [])


def test_no_image_is_pinned_elsewhere(texts: dict[str, str]) -> None:
    image = re.compile(
        r"\b(?:(?:[a-z0-9-]+\.)+[a-z]{2,}/)?[a-z0-9][\w.-]*/[\w./-]+:v?\d+\.\d+[\w.-]*|\bpython:3[\w.-]+"
    )
    places = {pin.place for pin in PINS}
    strays = {
        f"{path}: {found}"
        for path, text in texts.items()
        if path not in places
        for found in image.findall(text)
        if found not in MADE_UP
    }
    assert strays == set()


def test_renovate_has_a_manager_for_each_kind_of_pin() -> None:
    managers = set(renovate(REPOSITORY)["enabledManagers"])
    assert {
        pin.kind.replace("regex", "custom.regex") for pin in [*PINS, *read_python_pins(REPOSITORY)]
    } <= managers


def test_renovates_pattern_finds_each_module_once() -> None:
    (manager,) = renovate(REPOSITORY)["customManagers"]
    (pattern,) = manager["matchStrings"]
    text = (REPOSITORY / "scripts" / "versions").read_text(encoding="utf-8")
    # JavaScript and Python spell named groups differently.
    found = re.findall(pattern.replace("(?<", "(?P<"), text)
    assert [(name, version) for _, name, version in found] == [
        (pin.name, pin.version) for pin in PINS if pin.kind == "regex"
    ]
    (path,) = manager["managerFilePatterns"]
    assert re.search(path.strip("/"), "scripts/versions")


def test_each_value_of_the_file_of_versions_is_used_and_known(texts: dict[str, str]) -> None:
    text = texts["scripts/versions"]
    names = re.findall(r"^(\w+)=", text, re.MULTILINE)
    assert len(names) >= 5
    for name in names:
        users = [path for path, other in texts.items() if path.startswith("scripts/") and f"${name}" in other]
        assert users, name
        assert (
            name.startswith("minimum_")
            or "renovate: datasource=go" in text.partition(f"\n{name}=")[0].splitlines()[-1]
        )


def test_what_the_package_asks_of_compose_is_what_preflight_asks(texts: dict[str, str]) -> None:
    assert f"minimum_compose={'.'.join(map(str, COMPOSE_MINIMUM))} " in texts["scripts/versions"]


def test_dashboards_are_made_for_the_grafana_that_runs() -> None:
    (grafana,) = [pin for pin in PINS if pin.name == "grafana/grafana"]
    assert grafana.version.split(".")[:2] == PLUGIN_VERSION.split(".")[:2], (
        "raise PLUGIN_VERSION, `make dashboards`"
    )
