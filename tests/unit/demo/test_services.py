from __future__ import annotations

import re
from pathlib import Path

import pytest

from vectorwatch.demo.configuration import Configuration
from vectorwatch.demo.ports import DEFAULT_PORTS
from vectorwatch.demo.services import (
    Site,
    clean_environment,
    describe_prometheus,
    describe_watched,
    describe_watchers,
)
from vectorwatch.demo.supervisor import Service
from vectorwatch.demo.target_lists import TargetLists

PORTS = {service: 20_001 + place for place, service in enumerate(DEFAULT_PORTS)}


@pytest.fixture
def services(tmp_path: Path) -> list[Service]:
    lists = TargetLists(tmp_path / "targets", tmp_path / "p" / "targets", PORTS)
    configuration = Configuration(
        tmp_path / "p" / "prometheus.yml", tmp_path / "a" / "alertmanager.yml", [], lists
    )
    tools = {name: Path("/tools") / name for name in ("prometheus", "alertmanager")}
    site = Site(PORTS, tools, tmp_path, configuration, tmp_path / "docs")
    return [*describe_watched(site), *describe_watchers(site), describe_prometheus(site)]


def test_every_port_has_its_service(services: list[Service]) -> None:
    without_page = {"workload", "demo-load", "inbox-smtp"}
    assert {service.name for service in services} ^ set(DEFAULT_PORTS) == without_page
    for service in services:
        if service.name in PORTS:
            assert service.url.endswith(f":{PORTS[service.name]}")


def test_only_loopback_and_only_chosen_ports_are_named(services: list[Service]) -> None:
    for service in services:
        text = " ".join([*service.command, *service.environment.values()])
        assert set(re.findall(r"\d+\.\d+\.\d+\.\d+", text)) <= {"127.0.0.1"}
        assert not any(re.search(rf"\b{port}\b", text) for port in DEFAULT_PORTS.values())


def test_settings_for_another_vectorwatch_do_not_reach_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VECTORWATCH_QDRANT_URL", "https://production.example")
    monkeypatch.setenv("HOME", "/home/someone")
    environment = clean_environment()
    assert not any(name.startswith("VECTORWATCH_") for name in environment)
    assert environment["HOME"] == "/home/someone"


def test_alertmanager_starts_where_its_secret_files_are(services: list[Service], tmp_path: Path) -> None:
    alertmanager = next(service for service in services if service.name == "alertmanager")
    assert alertmanager.folder == tmp_path / "a"
