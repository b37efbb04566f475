from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.demo.configuration import Configuration
from vectorwatch.demo.interruption import Interruption, InterruptionError
from vectorwatch.demo.ports import DEFAULT_PORTS
from vectorwatch.demo.services import Site
from vectorwatch.demo.stack import Stack
from vectorwatch.demo.supervisor import Supervisor
from vectorwatch.demo.target_lists import TargetLists
from vectorwatch.demo.up import _watch


class TwoLooks(Interruption):
    """Asked to end at the second pause, so that there is one look."""

    def pause(self, seconds: float) -> None:
        super().pause(0)
        self.ask()


def test_a_list_that_is_saved_while_the_demo_runs_is_followed_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, destination = tmp_path / "source", tmp_path / "destination"
    source.mkdir()
    destination.mkdir()
    lists = TargetLists(source, destination, DEFAULT_PORTS)
    lists.render()
    configuration = Configuration(tmp_path / "prometheus.yml", tmp_path / "alertmanager.yml", [], lists)
    site = Site(DEFAULT_PORTS, {}, tmp_path, configuration, tmp_path)
    interruption = TwoLooks()
    (source / "app.yml").write_text("- targets: [mine.example.net:1]\n")
    with Supervisor(tmp_path / "logs", interruption) as supervisor, pytest.raises(InterruptionError):
        _watch(Stack(site, supervisor, 0.0), interruption)
    assert capsys.readouterr().out == "demo: prometheus/targets/app.yml was saved and is followed\n"
    assert "mine.example.net:1" in (destination / "app.yml").read_text()
