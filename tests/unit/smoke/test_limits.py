from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.smoke.limits import leave_out_refused
from tests.smoke.model import read_services
from tests.smoke.project import OVERRIDE, Project


class Refusing:
    """Stands in for a project on a machine where nobody may raise one of the limits."""

    def __init__(self, folder: Path, refused: str) -> None:
        self.folder = folder
        self.docker = self
        self._refused = refused
        services = {
            "setup": {"image": "own:1"},
            "elasticsearch": {"image": "e:1", "ulimits": {"nofile": {"soft": 65536, "hard": 65536}}},
        }
        self.services = {one.name: one for one in read_services({"services": services})}

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        is_refused = any(argument.startswith(self._refused) for argument in arguments)
        return subprocess.CompletedProcess(arguments, int(is_refused), "", "")


@pytest.mark.parametrize(
    ("refused", "is_left_out"), [("--ulimit=nofile=65536:65536", True), ("--privileged", False)]
)
def test_only_a_limit_that_the_machine_refuses_is_left_out(
    refused: str, is_left_out: bool, tmp_path: Path
) -> None:
    said: list[str] = []
    leave_out_refused(cast("Project", Refusing(tmp_path, refused)), said.append)
    override = tmp_path / OVERRIDE
    assert override.exists() == is_left_out
    assert ["ulimits of elasticsearch" in line for line in said] == [True] * is_left_out
    if is_left_out:
        text = override.read_text(encoding="utf-8").replace("!reset ", "")
        found: Any = yaml.safe_load(text)
        assert found == {"services": {"elasticsearch": {"ulimits": None}}}
