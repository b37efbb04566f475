"""exporters/Dockerfile: what a linter and a reader can see of it without building."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def dockerfile(repository: Path) -> str:
    return (repository / "exporters" / "Dockerfile").read_text(encoding="utf-8")


def test_hadolint_has_nothing_to_say(repository: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [str(hadolint), "--no-color", str(repository / "exporters" / "Dockerfile")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_base_is_pinned_once(dockerfile: str) -> None:
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", dockerfile, re.MULTILINE))
    [foreign] = [base for base in bases if base not in stages]
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", foreign)


def test_the_compilers_stage_is_not_what_runs(dockerfile: str) -> None:
    parents = {name: base for base, name in re.findall(r"^FROM (\S+) AS (\S+)", dockerfile, re.MULTILINE)}
    for final in ("vectorwatch", "demo"):
        line = [final]
        while line[-1] in parents:
            line.append(parents[line[-1]])
        assert not any(stage.startswith("build") for stage in line)
        assert "runtime" in line


def test_it_runs_as_a_number_that_is_not_root(dockerfile: str) -> None:
    [user] = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)
    assert user == "10001:10001"


def test_every_package_is_pinned_by_the_constraints(dockerfile: str, repository: Path) -> None:
    for command in re.findall(r"pip \S* ?\S* install [^\n&]+", dockerfile):
        assert "--constraint constraints.txt" in command or "--no-deps" in command, command
    project = tomllib.loads((repository / "exporters" / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (repository / "exporters" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    extras = project["optional-dependencies"]
    for requirement in (
        *project["dependencies"],
        *extras["exporters"],
        *extras["inbox"],
        *extras["tracing"],
        *extras["workload"],
    ):
        name = re.split(r"[\[<>=]", requirement)[0].lower().replace("_", "-")
        assert name in pinned | {"vectorwatch"}, requirement


def test_only_what_the_image_is_made_of_is_sent_to_the_engine(dockerfile: str, repository: Path) -> None:
    ignore = (repository / "exporters" / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = set(" ".join(re.findall(r"^COPY ([^-\n]+) \S+$", dockerfile, re.MULTILINE)).split())
    assert sent == copied
    assert "*" in ignore
