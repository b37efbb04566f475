"""One scrape after the other against the stand-in for NVML."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from vectorwatch.gpu.collector import Collector
from vectorwatch.gpu.settings import GpuSettings, LocalMachine
from vectorwatch.serve.metric import Sink
from vectorwatch.settings import load

SCENARIOS = sorted(path.stem for path in (Path(__file__).parent / "scenarios").glob("*.txt"))
GOLDEN = Path(__file__).parent / "golden"
VOLATILE = ("gpu_scrape_duration_seconds", "gpu_xid_")  # registering for events runs beside the first scrape


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return `(name, label values...) -> number`."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def stable_lines(text: str) -> list[str]:
    lines = (line for line in text.splitlines() if line)
    return [
        line
        for line in lines
        if not line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(VOLATILE)
    ]


@pytest.mark.parametrize("card", SCENARIOS)
async def test_a_recorded_card_gives_its_golden_exposition(card: str, scenario: Any, scraping: Any) -> None:
    scenario.play(card)
    lines = stable_lines(await scraping()())
    assert "gpu_up 1" in lines
    golden = GOLDEN / f"{card}.prom"
    if not golden.exists():  # `make golden` removes them; the diff shows what has moved
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("\n".join(lines) + "\n")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert lines == golden.read_text().splitlines()


@pytest.mark.parametrize("card", SCENARIOS)
def test_promtool_finds_no_fault_with_a_golden_exposition(card: str, promtool: str) -> None:
    with (GOLDEN / f"{card}.prom").open("rb") as golden:
        result = subprocess.run(
            [promtool, "check", "metrics"], stdin=golden, capture_output=True, text=True, check=False
        )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


FIRST = "GPU-00000000-0000-0000-0000-000000000200"
SECOND = "GPU-00000000-0000-0000-0000-00000000000b"


def failed(text: str) -> str:
    """Return the reason why the scrape was not complete, empty if it was."""
    return "".join(
        key[1] for key, number in samples(text).items() if key[0] == "gpu_scrape_failed" and number
    )


async def until(scrape: Any, holds: Callable[[dict[tuple[str, ...], float]], bool]) -> None:
    """Scrape until `holds`; fail after 30 s."""
    async with asyncio.timeout(30):
        while not holds(samples(await scrape())):  # noqa: ASYNC110 - the driver is asked, nobody tells
            await asyncio.sleep(0.02)


async def test_a_lost_card_is_down_and_the_others_are_read(scenario: Any, scraping: Any) -> None:
    scenario.play("h200").add_card("rtx-4080-super", 1, SECOND)
    scrape = scraping()
    assert failed(await scrape()) == ""
    scenario.set({"gpu0 *": "error 15"})
    text = await scrape()
    found = samples(text)
    assert failed(text) == "partial"
    assert (found["gpu_up",], found["gpu_devices",]) == (0, 2)
    assert (found["gpu_device_up", FIRST], found["gpu_device_up", SECOND]) == (0, 1)
    assert found["gpu_temperature_celsius", SECOND] == 46
    assert ("gpu_temperature_celsius", FIRST) not in found


async def test_a_driver_that_comes_and_goes_is_followed_and_told_once_each(
    scenario: Any, scraping: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    scenario.play("h200").set({"system *": "error 9"})
    scrape = scraping(xid_events="false")
    for _ in range(3):
        text = await scrape()
        assert failed(text) == "unavailable"
        assert (samples(text)["gpu_up",], samples(text)["gpu_devices",]) == (0, 0)
    scenario.drop("system *")
    assert samples(await scrape())["gpu_up",] == 1
    assert [record.getMessage() for record in caplog.records if record.name.startswith("vectorwatch")] == [
        "local: unavailable: the NVIDIA kernel module is not loaded; run `nvidia-smi`",
        "local: readable again",
    ]


async def test_a_card_that_knows_nothing_is_up_with_its_identity_alone(scenario: Any, scraping: Any) -> None:
    scenario.set({"system nvmlDeviceGetCount_v2": "1", "gpu0 nvmlDeviceGetUUID": FIRST})
    text = await scraping(processes="true", pcie_throughput_sampling="true")()
    assert failed(text) == ""
    about_the_card = {key[0] for key in samples(text) if FIRST in key}
    assert about_the_card <= {"gpu_device_up", "gpu_info", "gpu_xid_errors_total"}


async def test_a_hanging_driver_costs_one_deadline_and_then_fails_fast(scenario: Any, scraping: Any) -> None:
    scenario.play("h200").set({"gpu0 nvmlDeviceGetPowerUsage": "hang"})
    scrape = scraping(timeout_seconds=0.3)
    assert failed(await scrape()) == "timeout"
    threads = threading.active_count()
    async with asyncio.timeout(60):  # one that waited for its deadline would take longer than all may
        for _ in range(20):
            text = await scrape(600)
            assert failed(text) == "timeout"
            assert "gpu_devices " not in text
    assert threading.active_count() == threads
    scenario.drop("gpu0 nvmlDeviceGetPowerUsage")
    await until(scrape, lambda found: found["gpu_up",] == 1)


async def test_nothing_is_written_after_the_deadline(
    scenario: Any, nvml: Any, poll: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scenario.play("h200").set({"gpu0 nvmlDeviceGetPowerUsage": "hang"})
    collector = Collector(load(GpuSettings, environ={"VECTORWATCH_GPU_XID_EVENTS": "false"}), nvml)
    collector.start()
    sink = Sink(1_000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(collector.collect(LocalMachine(), sink), 0.2)
    scenario.drop("gpu0 nvmlDeviceGetPowerUsage")
    call = collector._driver._running
    assert call is not None
    await asyncio.to_thread(call.result, 30)
    await asyncio.sleep(0)
    assert sink.series == 0


async def test_xid_events_stay_visible_while_the_driver_is_away(
    scenario: Any, scraping: Any, poll: Any
) -> None:
    scenario.play("h200")
    scrape = scraping()
    await until(scrape, lambda found: found["gpu_xid_watch_active",] == 1)
    scenario.set({"system events": "gpu0:79 gpu0:79"})
    await until(scrape, lambda found: found["gpu_xid_errors_total", FIRST, "79"] == 2)
    scenario.set({"system *": "error 9"})
    found = samples(await scrape())
    assert found["gpu_xid_errors_total", FIRST, "79"] == 2
    assert found["gpu_xid_errors_total", FIRST, "48"] == 0
    assert found["gpu_xid_last_timestamp_seconds", FIRST, "79"] > 1_700_000_000
    assert ("gpu_xid_last_timestamp_seconds", FIRST, "48") not in found


async def test_processes_are_capped_and_counted(scenario: Any, scraping: Any) -> None:
    many = " ".join(f"{pid}:{pid * 1000}" for pid in range(1, 41))
    scenario.play("h200").set({"gpu0 nvmlDeviceGetComputeRunningProcesses_v3": many})
    found = samples(await scraping(processes="true", max_processes_per_card="5")())
    shown = {key[2] for key in found if key[0] == "gpu_process_memory_used_bytes"}
    assert shown == {"36", "37", "38", "39", "40"}
    assert found["gpu_processes", FIRST] == 40


async def test_hostile_text_from_the_driver_stays_a_label(scenario: Any, scraping: Any) -> None:
    scenario.play("h200").set({"gpu0 nvmlDeviceGetName": 'x"} 1\\n# HELP'})
    text = await scraping()()
    assert failed(text) == ""
    (info,) = [key for key in samples(text) if key[0] == "gpu_info"]
    assert info[2] == 'x"} 1\\n# HELP'


async def test_many_failures_are_one_bounded_line(
    scenario: Any, scraping: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scenario.play("h200")
    scenario.set({key: "error 999" for key in scenario.lines if "Clock" in key or " field " in key})
    assert failed(await scraping(xid_events="false")()) == "partial"
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line.count(";") == 4
    assert " more" in line
    assert len(line) < 400
