"""The page on the architecture says of networks and volumes what docker-compose.yml says."""

from __future__ import annotations

import re
from pathlib import Path

from .compose import Render


def read(repository: Path) -> str:
    return (repository / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_table_of_networks_is_that_of_the_compose_file(repository: Path, render: Render) -> None:
    [table] = re.findall(r"(?s)<!-- networks.+?-->(.+?)<!-- /networks -->", read(repository))
    rows = re.findall(r"(?m)^\| (\*?)(\w+)\*? \| .+? \| (.+) \|$", table)
    said = {name: (bool(star), services.split(", ")) for star, name, services in rows if name != "network"}
    project = render()
    expected: dict[str, tuple[bool, list[str]]] = {"none": (False, [])}
    for name, network in project["networks"].items():
        expected[name] = (bool(network.get("internal")), [])
    for name, service in sorted(project["services"].items()):
        for network in service.get("networks") or [service["network_mode"]]:
            expected[network][1].append(name)
    assert said == expected


def test_the_page_names_every_volume_and_no_other(repository: Path, render: Render) -> None:
    table = read(repository).partition("## Who keeps what")[2].partition("\nEverything else")[0]
    rows = re.findall(r"(?m)^\| (`.+?`) \|", table)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    volumes = render(("*",), repository / "caddy" / "docker-compose.yml")["volumes"].keys()
    assert named == {name for name in volumes if not name.endswith("_secrets")}
