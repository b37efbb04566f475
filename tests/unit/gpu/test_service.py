"""The real command, the real pynvml, and a driver that is absent, comes, is upgraded, is old, or hangs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

LIBRARY = "libnvidia-ml.so.1"
IN_A_SECOND = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
CARD = "GPU-00000000-0000-0000-0000-000000000200"


@dataclass
class Running:
    """The exporter as a user runs it; `drivers` is the folder in which it looks for the library first."""

    url: str
    drivers: Path
    program: Any

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.get(self.url + path, timeout=30, headers=headers, trust_env=False)

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.program.process.pid}/task").iterdir()))

    def value(self, series: str) -> float | None:
        lines = (line.rsplit(" ", 1) for line in self.get("/metrics").text.splitlines())
        found = {name: number for name, number in lines if not name.startswith("#")}
        return float(found[series]) if series in found else None

    def said(self, word: str) -> list[str]:
        lines = [json.loads(line) for line in self.program.text().splitlines()]
        return [line["message"] for line in lines if word in line["message"]]


@pytest.fixture
def run(
    start_program: Callable[..., Any],
    vectorwatch_command: list[str],
    free_port: Callable[[], int],
    scenario: Any,
    tmp_path: Path,
) -> Callable[..., Running]:
    drivers = tmp_path / "drivers"
    drivers.mkdir()

    def start(library: Path | None = None, **environ: str) -> Running:
        if library:
            install(library, drivers)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        program = start_program(
            [*vectorwatch_command, "exporter", "gpu"],
            ready_url=f"{url}/readyz",
            env={
                "LD_LIBRARY_PATH": str(drivers),
                "NVML_STAND_IN": str(scenario.path),
                "VECTORWATCH_GPU_PORT": str(port),
                **{f"VECTORWATCH_GPU_{name.upper()}": value for name, value in environ.items()},
            },
        )
        return Running(url, drivers, program)

    return start


def install(library: Path, folder: Path) -> None:
    """Replace the library as a package manager does: a new file under the old name."""
    new = folder / "new"
    shutil.copy(library, new)
    new.replace(folder / LIBRARY)


@pytest.mark.parametrize("absence", ["no file", "an empty file, as some container images have"])
def test_without_a_driver_it_runs_says_so_once_and_recovers_when_one_appears(
    absence: str,
    run: Callable[..., Running],
    stand_in: Path,
    scenario: Any,
    poll: Any,
    end_gently: Callable[..., None],
) -> None:
    # The first case needs a machine without a driver of its own; the second one covers the others.
    scenario.play("h200")
    running = run()
    if absence != "no file":
        (running.drivers / LIBRARY).touch()
    for _ in range(3):
        answer = running.get("/metrics")
        assert answer.status_code == 200
        assert "\ngpu_up 0\n" in answer.text
        assert '\ngpu_scrape_failed{reason="unavailable"} 1\n' in answer.text
        assert "\ngpu_devices 0\n" in answer.text
    assert running.said("no NVIDIA driver") == [
        "local: unavailable: no NVIDIA driver: `libnvidia-ml.so.1` cannot be loaded; "
        "install the driver, or in a container pass it in (`--gpus all`)"
    ]
    install(stand_in, running.drivers)
    poll(lambda: running.value("gpu_up") == 1, "the driver is found without a restart")
    assert running.value(f'gpu_temperature_celsius{{uuid="{CARD}"}}') == 52
    poll(lambda: running.value("gpu_xid_watch_active") == 1, "events are watched")
    assert running.said("readable again") == ["local: readable again"]
    end_gently(running.program.process)


def test_without_a_driver_sigterm_ends_it_soon(
    run: Callable[..., Running], end_gently: Callable[..., None]
) -> None:
    running = run()
    running.get("/metrics")
    end_gently(running.program.process)


def test_after_an_upgrade_of_the_driver_the_new_library_is_loaded(
    run: Callable[..., Running], stand_in: Path, scenario: Any, poll: Any
) -> None:
    scenario.play("h200").set({"system nvmlInitWithFlags": "error 18"})
    running = run(stand_in)
    assert running.value("gpu_up") == 0
    assert len(running.said("differ in version")) == 1
    install(stand_in, running.drivers)
    scenario.drop("system nvmlInitWithFlags")
    assert running.value("gpu_up") == 1
    loaded = Path(f"/proc/{running.program.process.pid}/maps").read_text()
    assert LIBRARY in loaded
    assert "(deleted)" not in "".join(line for line in loaded.splitlines() if LIBRARY in line)


def test_a_driver_that_lacks_the_newer_functions_is_read_with_the_older_ones(
    run: Callable[..., Running], old_stand_in: Path, scenario: Any
) -> None:
    scenario.play("h200").set(
        {
            "gpu0 nvmlDeviceGetMemoryInfo": "1000 400 600",
            "gpu0 nvmlDeviceGetTemperature 0": "41",
            "gpu0 nvmlDeviceGetCurrentClocksThrottleReasons": "0x4",
            "gpu0 nvmlDeviceGetComputeRunningProcesses_v2": "77:123",
        }
    )
    running = run(old_stand_in, processes="true")
    assert running.value("gpu_up") == 1
    assert running.value(f'gpu_memory_used_bytes{{uuid="{CARD}"}}') == 600
    assert running.value(f'gpu_temperature_celsius{{uuid="{CARD}"}}') == 41
    assert running.value(f'gpu_clock_event_active{{uuid="{CARD}",reason="sw_power_cap"}}') == 1
    assert running.value(f'gpu_process_memory_used_bytes{{uuid="{CARD}",pid="77"}}') == 123
    assert running.value(f'gpu_memory_reserved_bytes{{uuid="{CARD}"}}') is None


def test_while_the_driver_hangs_health_answers_scrapes_end_and_sigterm_works(
    run: Callable[..., Running], stand_in: Path, scenario: Any, end_gently: Callable[..., None]
) -> None:
    scenario.play("h200").set({"gpu0 nvmlDeviceGetPowerUsage": "hang"})
    running = run(stand_in)
    first = running.get("/metrics", headers=IN_A_SECOND)
    assert '\ngpu_scrape_failed{reason="timeout"} 1\n' in first.text
    threads = running.threads()
    for _ in range(10):
        assert '\ngpu_scrape_failed{reason="timeout"} 1\n' in running.get("/metrics").text
        assert running.get("/healthz").text == "ok\n"
    assert running.threads() == threads
    end_gently(running.program.process)


def test_a_driver_that_hangs_at_its_start_does_not_keep_the_exporter_from_starting(
    run: Callable[..., Running], stand_in: Path, scenario: Any, end_gently: Callable[..., None]
) -> None:
    scenario.set({"system nvmlInitWithFlags": "hang"})
    running = run(stand_in)
    assert running.get("/healthz").text == "ok\n"
    first = running.get("/metrics", headers=IN_A_SECOND)
    assert '\ngpu_scrape_failed{reason="timeout"} 1\n' in first.text
    end_gently(running.program.process)


def test_the_probe_reads_this_machine_and_no_other(
    run: Callable[..., Running], stand_in: Path, scenario: Any
) -> None:
    scenario.play("h200")
    running = run(stand_in)
    assert "\ngpu_up 1\n" in running.get("/probe?target=local").text
    refused = running.get("/probe?target=10.0.0.1:9445")
    assert (refused.status_code, refused.text) == (
        400,
        "That target is not in the configuration; allowed are: local\n",
    )


def test_events_are_counted_from_the_start_without_a_scrape(
    run: Callable[..., Running], stand_in: Path, scenario: Any, poll: Any
) -> None:
    scenario.play("h200").set({"system events": "gpu0:94"})
    running = run(stand_in)
    poll(lambda: running.said("XID 94"), "the event is in the log before any scrape")
    assert running.value(f'gpu_xid_errors_total{{uuid="{CARD}",xid="94"}}') == 1
