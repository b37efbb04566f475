"""What the pages tell people to run is there: targets of make, scripts, services, queries, dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from .compose import Render

PAGES = ("docs/troubleshooting.md", "docs/how-to/maintain.md", "docs/reference/sizing.md")


@pytest.fixture(scope="module")
def texts(repository: Path) -> dict[str, str]:
    pages = [repository / "README.md", repository / "CONTRIBUTING.md", *(repository / "docs").rglob("*.md")]
    return {str(path.relative_to(repository)): path.read_text(encoding="utf-8") for path in pages}


def list_commands(text: str) -> list[str]:
    """Return the lines of a page's shell blocks and what stands in backticks."""
    blocks = re.findall(r"(?ms)^ *```sh\n(.+?)^ *```", text)
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", text)
    return [line.strip() for block in blocks for line in block.splitlines()] + re.findall(
        r"`([^`\n]+)`", prose
    )


def list_services(verb: str, words: str) -> list[str]:
    """Return the services that a command of Compose names; of `exec` the rest is what runs there."""
    without_options = re.sub(r"(?<!\S)--?[a-z-]+(?: \d\w*)?", "", words.partition(" #")[0].partition(">")[0])
    return without_options.split()[: 1 if verb == "exec" else None]


def test_every_target_of_make_exists(repository: Path, texts: dict[str, str]) -> None:
    known = set(re.findall(r"(?m)^([a-z-]+):", (repository / "Makefile").read_text(encoding="utf-8")))
    named = {
        (page, target)
        for page, text in texts.items()
        for command in list_commands(text)
        for targets in re.findall(r"^make ((?:[a-z-]+ ?)+)", command)
        for target in targets.split()
    }
    assert len(named) > 20
    assert {one for one in named if one[1] not in known} == set()


def test_every_script_exists(repository: Path, texts: dict[str, str]) -> None:
    named = {name for text in texts.values() for name in re.findall(r"\bscripts/([a-z][a-z-]+)\b", text)}
    assert len(named) > 5
    assert {name for name in named if not (repository / "scripts" / name).is_file()} == set()


def test_every_folder_is_on_the_map(repository_files: Sequence[str], texts: dict[str, str]) -> None:
    drawn = re.findall(r"(?m)^([a-z-]+)/? ", texts["README.md"].partition("## Where things live")[2])
    folders = {top for top, _, rest in (path.partition("/") for path in repository_files) if rest}
    assert {folder for folder in folders if not folder.startswith(".")} == set(drawn)


def test_every_service_that_a_command_names_exists(render: Render, texts: dict[str, str]) -> None:
    known = render()["services"].keys()
    named = {
        (page, service)
        for page in PAGES
        for command in list_commands(texts[page])
        for verb, words in re.findall(r"docker compose (exec|restart|logs) (.+)", command)
        for service in list_services(verb, words)
    }
    assert len(named) > 5
    assert {one for one in named if one[1] not in known} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_query_is_one_that_prometheus_takes(
    page: str, texts: dict[str, str], parse_promql: Callable[[str], Any]
) -> None:
    queries = re.findall(r"(?s)```promql\n(.+?)\n```", texts[page])
    assert queries
    for query in queries:
        parse_promql(query)


def test_every_message_that_is_quoted_is_one_that_the_script_says(
    repository: Path, texts: dict[str, str]
) -> None:
    said = (repository / "scripts" / "preflight").read_text(encoding="utf-8")
    said += (repository / "scripts" / "up").read_text(encoding="utf-8")
    quoted = re.findall(r"`(?:preflight|up): ([^`]+)`", texts["docs/troubleshooting.md"])
    assert len(quoted) > 3
    for message in quoted:
        for part in re.split(r" ?… ?|\b3000\b|127\.0\.0\.1", message):
            assert part.strip() in said, message


def test_every_dashboard_that_the_checklists_name_exists(repository: Path, texts: dict[str, str]) -> None:
    titles = {
        json.loads(path.read_text(encoding="utf-8"))["title"]
        for path in (repository / "grafana" / "dashboards").glob("*/*.json")
    }
    named = set(re.findall(r"[Dd]ashboard \*([^*]+)\*", texts["docs/how-to/maintain.md"]))
    assert len(named) > 5
    assert named - titles == set()
