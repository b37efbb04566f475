from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from vectorwatch.demo.configuration import Configuration
from vectorwatch.demo.ports import DEFAULT_PORTS, JAEGER_PORTS
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
WITH_JAEGER = {**PORTS, **{service: 21_001 + place for place, service in enumerate(JAEGER_PORTS)}}


@pytest.fixture
def services(tmp_path: Path) -> list[Service]:
    return describe(tmp_path, PORTS)


def describe(tmp_path: Path, ports: Mapping[str, int]) -> list[Service]:
    lists = TargetLists(tmp_path / "targets", tmp_path / "p" / "targets", ports)
    configuration = Configuration(
        tmp_path / "p" / "prometheus.yml",
        tmp_path / "a" / "alertmanager.yml",
        [],
        lists,
        [tmp_path / "config.yml"],
    )
    tools = {name: Path("/tools") / name for name in ("prometheus", "alertmanager", "jaeger")}
    site = Site(ports, tools, tmp_path, configuration, tmp_path / "docs")
    return [*describe_watched(site), *describe_watchers(site), describe_prometheus(site)]


def test_every_port_has_its_service(services: list[Service]) -> None:
    without_page = {"workload", "demo-load", "inbox-smtp"}
    assert {service.name for service in services} ^ set(DEFAULT_PORTS) == without_page
    for service in services:
        if service.name in PORTS:
            assert service.url.endswith(f":{PORTS[service.name]}")


def test_jaeger_runs_and_gets_spans_where_it_is_to_be_had_and_not_elsewhere(tmp_path: Path) -> None:
    without, with_it = describe(tmp_path, PORTS), describe(tmp_path, WITH_JAEGER)
    [jaeger] = [service for service in with_it if service.name == "jaeger"]
    assert jaeger.command == ("/tools/jaeger", f"--config={tmp_path / 'config.yml'}")
    assert jaeger.url.endswith(f":{WITH_JAEGER['jaeger']}")
    assert "jaeger" not in {service.name for service in without}

    def told(services: list[Service]) -> set[str]:
        found = (service.environment.items() for service in services)
        return {value for pairs in found for name, value in pairs if name.endswith("TRACES_ENDPOINT")}

    assert told(without) == set()
    assert told(with_it) == {f"http://127.0.0.1:{WITH_JAEGER['jaeger-otlp']}"}


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
