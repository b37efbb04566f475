"""The page on security says of each exposure what docker-compose.yml says, and root has a written reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.setup.keyring import KEYRINGS

from .compose import Render, Service

Rows = Sequence[Sequence[str]]


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "reference" / "security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project(render: Render) -> Any:
    return render()


@pytest.fixture(scope="module")
def services(project: Any) -> Mapping[str, Service]:
    return dict(project["services"])


def read_rows(page: str, table: str) -> Rows:
    [text] = re.findall(rf"(?s)<!-- {table}\b[^>]*-->(.+?)<!-- /{table} -->", page)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert len({tuple(row) for row in rows}) == len(rows), "a row stands twice"
    return [[cell.replace("`", "") for cell in row] for row in rows[1:]]


def is_root(service: Service) -> bool:
    return str(service.get("user", "0")).partition(":")[0] in ("0", "root")


def find_mounts(repository: Path, services: Mapping[str, Service]) -> Iterator[tuple[str, str]]:
    for name, service in services.items():
        for mount in service.get("volumes", []):
            if mount["type"] == "bind" and not Path(mount["source"]).is_relative_to(repository):
                assert mount["read_only"] is True, name
                yield name, mount["source"]
        for device in service.get("devices", []):
            assert device["permissions"] == "r", name
            yield name, device["source"]


def test_the_page_lists_every_published_port(page: str, services: Mapping[str, Service]) -> None:
    published = {
        (port["published"], name) for name, service in services.items() for port in service.get("ports", [])
    }
    rows = read_rows(page, "ports")
    assert {(row[0], row[1]) for row in rows} == published
    assert len(rows) == len(published)


def test_the_page_lists_every_network_and_whether_it_leads_out(page: str, project: Any) -> None:
    inside = {name: "no" if body.get("internal") else "yes" for name, body in project["networks"].items()}
    assert {row[0]: row[1] for row in read_rows(page, "networks")} == inside


def test_the_page_lists_who_reaches_the_machine_itself(page: str, services: Mapping[str, Service]) -> None:
    listed = [name for row in read_rows(page, "gateway") for name in row[0].split(", ")]
    assert sorted(listed) == sorted(name for name, service in services.items() if service.get("extra_hosts"))


def test_the_page_lists_every_root_and_every_capability(page: str, services: Mapping[str, Service]) -> None:
    expected = {
        name: (
            ", ".join(service.get("cap_add") or ["none"]),
            ", ".join(service.get("networks") or [service.get("network_mode", "")]),
        )
        for name, service in services.items()
        if is_root(service) or service.get("cap_add")
    }
    assert {row[0]: (row[1], row[3]) for row in read_rows(page, "root")} == expected
    assert not any(service.get("privileged") for service in services.values())


def test_the_page_lists_every_folder_and_device_of_the_machine(
    page: str, repository: Path, services: Mapping[str, Service]
) -> None:
    assert {(row[0], row[1]) for row in read_rows(page, "mounts")} == {*find_mounts(repository, services)}


def test_the_page_lists_who_reads_which_secrets(page: str) -> None:
    expected = {f"{one.service}_secrets": ", ".join(one.mounted_by) or "nobody" for one in KEYRINGS}
    assert {row[0]: row[1] for row in read_rows(page, "secrets")} == expected


def test_each_service_that_runs_as_root_has_the_reason_beside_it(
    repository: Path, services: Mapping[str, Service]
) -> None:
    text = (repository / "docker-compose.yml").read_text(encoding="utf-8")
    for name in (name for name, service in services.items() if is_root(service)):
        [body] = re.findall(rf"(?ms)^  {name}:\n(.+?)(?=^  \S|^\S|\Z)", text)
        before, line = body[: body.index("    user:")], body[body.index("    user:") :].partition("\n")[0]
        above = re.search(r"(?:    #[^\n]*\n)+\Z", before)
        reason = above[0] if above else line.partition("#")[2]
        assert "root" in reason.lower(), f"{name} runs as root; write the reason above its `user:`"


def test_compose_takes_each_way_to_close_it_and_all_of_them_do_what_the_page_says(
    page: str, render: Render, tmp_path: Path
) -> None:
    examples = re.findall(r"(?s)`(services: \{.+?\}\}?)`", page)
    assert len(examples) == 3
    closed: dict[str, Service] = {}
    for number, example in enumerate(examples):
        override = tmp_path / f"{number}.yml"
        override.write_text(example, encoding="utf-8")
        touched = re.findall(r"(\w[\w-]*): \{(?:ports|scale)", example)
        assert touched
        closed |= {name: render(("*",), override)["services"][name] for name in touched}
    assert {port.get("host_ip") for port in closed["grafana"]["ports"]} == {"127.0.0.1", "192.0.2.1"}
    assert not closed["logstash"].get("ports")
    assert [closed[name]["scale"] for name in ("cadvisor", "docker-socket", "node-exporter")] == [0, 0, 0]
