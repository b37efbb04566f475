"""Every version that the checkout pins, read from the one place where it stands, and the page made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_VERSIONS = "scripts/versions"
_CONSTRAINTS = "exporters/constraints.txt"
_POM = "tests/logs/opensearch/pom.xml"
_DOCKERFILE = "exporters/Dockerfile"
_COMPOSE_FILES = ("docker-compose.yml", "*/docker-compose.yml")
_IMAGE = re.compile(r"^ +image: (?:&\w+ )?([^\s:]+):(\S+)", re.MULTILINE)
_RENOVATED = re.compile(
    r"^# renovate: datasource=(?P<source>\S+) depName=(?P<name>\S+)\n\w+=(?P<version>\S+)", re.M
)
_LEAST = re.compile(r"^minimum_(?P<name>\w+)=(?P<version>[\d.]+) +# (?P<why>.+)$", re.M)


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of something that others make; `kind` is what Renovate calls its manager."""

    name: str
    version: str
    place: str
    kind: str


def read_pins(repository: Path) -> list[Pin]:
    """Return all pins of a checkout but those of Python packages' own needs, which are in constraints.txt."""
    return [*_images(repository), *_base_images(repository), *_modules(repository), *_artifacts(repository)]


def read_python_pins(repository: Path) -> list[Pin]:
    """Return the pins of constraints.txt."""
    lines = (repository / _CONSTRAINTS).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line.strip() and not line.startswith("#"))
    return [Pin(name, version, _CONSTRAINTS, "pip_requirements") for name, version in pairs]


def _images(repository: Path) -> Iterator[Pin]:
    for pattern in _COMPOSE_FILES:
        for path in sorted(repository.glob(pattern)):
            place = str(path.relative_to(repository))
            for name, tag in sorted(_IMAGE.findall(path.read_text(encoding="utf-8"))):
                if not name.startswith("vectorwatch/"):
                    yield Pin(name, tag, place, "docker-compose")


def _base_images(repository: Path) -> Iterator[Pin]:
    text = (repository / _DOCKERFILE).read_text(encoding="utf-8")
    for name, tag in re.findall(r"^FROM (\S+):(\S+)", text, re.MULTILINE):
        yield Pin(name, tag, _DOCKERFILE, "dockerfile")


def _modules(repository: Path) -> Iterator[Pin]:
    text = (repository / _VERSIONS).read_text(encoding="utf-8")
    for found in _RENOVATED.finditer(text):
        yield Pin(found["name"], found["version"], _VERSIONS, "regex")


def _artifacts(repository: Path) -> Iterator[Pin]:
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    # A file of the checkout, not of a stranger's.
    tree = ElementTree.parse(repository / _POM)  # noqa: S314
    for found in tree.iterfind(".//m:dependency", space):
        group, artifact, version = (
            found.findtext(f"m:{name}", "", space) for name in ("groupId", "artifactId", "version")
        )
        yield Pin(f"{group}:{artifact}", version, _POM, "maven")


def versions_page(repository: Path) -> str:
    """Return docs/reference/versions.md without its head."""
    rows = [
        f"| `{pin.name}` | {pin.version} | [{pin.place}](../../{pin.place}) |"
        for pin in read_pins(repository)
    ]
    text = (repository / _VERSIONS).read_text(encoding="utf-8")
    least = [
        f"| {found['name'].capitalize()} | {found['version']} | {found['why']} |"
        for found in _LEAST.finditer(text)
    ]
    return "\n".join(
        [
            "# Versions\n",
            "Each version stands in one place: change it there, nowhere else.",
            "[renovate.json5](../../renovate.json5) lets Renovate propose newer ones;",
            "[upgrade](../how-to/upgrade.md) says how to take them.\n",
            "| what | version | stands in |\n|---|---|---|",
            *rows,
            f"\nBesides them {len(read_python_pins(repository))} Python packages in",
            f"[{_CONSTRAINTS}](../../{_CONSTRAINTS});"
            "\n[pyproject.toml](../../exporters/pyproject.toml) says which ranges we work with.\n",
            "## The oldest that will do\n",
            "| | version | because of |\n|---|---|---|",
            *least,
            "| Python | 3.11 | `requires-python` in [pyproject.toml](../../exporters/pyproject.toml) |\n",
        ]
    )
