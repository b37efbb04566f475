from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.smoke.checks.processes import Process, explain_rights, find_processes, read_process

_STATUS = """\
Name:\tprometheus
Uid:\t65534\t65534\t65534\t65534
CapEff:\t0000000000000000
CapBnd:\t{bounding}
NoNewPrivs:\t{gain}
Seccomp:\t{filter}
"""


def _process(bounding: str = "0" * 16, gain: str = "1", filter_mode: str = "2") -> Process:
    return read_process(_STATUS.format(bounding=bounding, gain=gain, filter=filter_mode))


def test_a_process_without_rights_passes() -> None:
    process = _process()
    assert (process.name, process.user_id) == ("prometheus", 65534)
    assert explain_rights(process, may_be_root=False) == ""


@pytest.mark.parametrize(
    ("process", "told"),
    [
        (_process(bounding="00000000a80425fb"), "has capabilities a80425fb"),
        (_process(gain="0"), "can gain privileges"),
        (_process(filter_mode="0"), "may make any system call"),
        (Process("sh", 0, 0, can_gain=False, is_filtered=True), "runs as root"),
    ],
)
def test_each_right_too_much_is_named(process: Process, told: str) -> None:
    assert explain_rights(process, may_be_root=False) == told


def test_a_service_that_is_root_by_decision_still_gains_nothing() -> None:
    root = Process("cadvisor", 0, 0x4, can_gain=False, is_filtered=True)
    assert explain_rights(root, may_be_root=True) == ""
    assert explain_rights(_process(gain="0"), may_be_root=True) == "can gain privileges"


def test_processes_of_another_machine_are_not_found(tmp_path: Path) -> None:
    assert find_processes(os.getpid(), root=tmp_path) == []


def test_a_process_is_found_in_its_own_namespace() -> None:
    found = find_processes(os.getpid())
    assert any("pytest" in process.arguments for process in found)
