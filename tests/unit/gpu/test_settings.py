"""Settings of the GPU exporter: what is refused, in which words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vectorwatch.errors import ConfigError
from vectorwatch.gpu.settings import GpuSettings, LocalBook, LocalMachine
from vectorwatch.settings import load

BAD = [
    ("prot: 1", {}, "config: {file}:1: unknown key `prot`; did you mean `port`?"),
    (
        "",
        {"VECTORWATCH_GPU_PROCESES": "true"},
        "config: unknown variable `VECTORWATCH_GPU_PROCESES`; did you mean `VECTORWATCH_GPU_PROCESSES`?",
    ),
    (
        "",
        {"VECTORWATCH_GPU_PROCESSES": "perhaps"},
        "config: VECTORWATCH_GPU_PROCESSES: `processes`: Input should be a valid boolean, "
        "unable to interpret input",
    ),
    (
        "devices: [0]",
        {},
        "config: {file}:1: `devices.0`: Input should be a valid string",
    ),
    (
        'devices:\n  - "GPU-11111111-2222"\n  - "0"',
        {},
        "config: {file}:3: `devices.1`: String should match pattern '^GPU-[0-9a-fA-F-]{{8,}}$'",
    ),
    (
        "",
        {"VECTORWATCH_GPU_DEVICES": "GPU-11111111"},
        "config: VECTORWATCH_GPU_DEVICES: not valid JSON; lists and objects are JSON",
    ),
    (
        "max_processes_per_card: 0",
        {},
        "config: {file}:1: `max_processes_per_card`: Input should be greater than or equal to 1",
    ),
    ("port: 70000", {}, "config: {file}:1: `port`: Input should be less than or equal to 65535"),
]


@pytest.mark.parametrize(("text", "environ", "message"), BAD, ids=[case[2][:60] for case in BAD])
def test_bad_settings_give_one_exact_line(
    text: str, environ: dict[str, str], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "gpu.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(GpuSettings, config_file=file, environ=environ)
    assert caught.value.problems == (message.format(file=file),)


def test_the_command_prints_every_problem_and_exits_with_2(
    vectorwatch_command: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "gpu.yml"
    file.write_text("prot: 1\nxid_events: maybe\n")
    result = subprocess.run(
        [*vectorwatch_command, "exporter", "gpu", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert sorted(result.stderr.splitlines()) == [
        f"config: {file}:1: unknown key `prot`; did you mean `port`?",
        f"config: {file}:2: `xid_events`: Input should be a valid boolean, unable to interpret input",
    ]


def test_defaults_are_cheap_and_bounded() -> None:
    settings = load(GpuSettings, environ={})
    assert (settings.port, settings.devices, settings.xid_events) == (9445, (), True)
    assert not settings.processes
    assert not settings.pcie_throughput_sampling


def test_the_only_target_is_this_machine() -> None:
    book = LocalBook()
    assert book.default == LocalMachine()
    assert book.labels() == ["local"]
    assert book.find("local") == LocalMachine()
    assert book.find("10.0.0.1:9445") is None
