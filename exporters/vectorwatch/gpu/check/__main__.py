"""`scripts/check-gpu`: everything about the first card of this machine, under load, on stdout."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from vectorwatch.errors import VectorwatchError
from vectorwatch.gpu.check import exposition, throttle
from vectorwatch.gpu.client import CardLostError, Device, Nvml

_SAMPLE_SECONDS = 0.2
_SCRAPES = 10
_SMI_FIELDS = "driver_version,clocks_event_reasons_counters.sw_power_cap,power.draw,enforced.power.limit"


@click.command()
@click.option("--seconds", default=30.0, show_default=True, help="Length of the load.")
@click.option(
    "--power-limit-watts", type=float, help="Lower the limit meanwhile (root), to force a power cap."
)
def main(seconds: float, power_limit_watts: float | None) -> None:
    """Check the exporter on the first card of this machine."""
    try:
        _check(seconds, power_limit_watts)
    except (VectorwatchError, CardLostError) as error:
        click.echo(f"check-gpu: {error}", err=True)
        sys.exit(1)


def _check(seconds: float, power_limit_watts: float | None) -> None:
    nvml = Nvml()
    nvml.open()
    device = nvml.device(0)
    versions = nvml.versions()
    click.echo(f"{nvml.ask(device, 'nvmlDeviceGetName')}, driver {versions.driver}, NVML {versions.nvml}")
    click.echo(f"nvidia-smi: {_smi()}")
    with exposition.exporter() as url:
        _report_scrapes("idle", url)
        with _limit(nvml, device, power_limit_watts):
            samples = _load(nvml, device, seconds, url)
        text, _ = exposition.scrape(url)
    _heading("series")
    click.echo("\n".join(exposition.own_series(text)))
    _heading("metrics that this card and driver do not have")
    click.echo("\n".join(exposition.absent_metrics(text)) or "none")
    _heading("throttle counters")
    click.echo("\n".join(throttle.describe(samples)))
    click.echo(f"nvidia-smi: {_smi()}")
    click.echo(f"unit of field 74: {throttle.judge(samples)}")


def _load(nvml: Nvml, device: Device, seconds: float, url: str) -> list[throttle.Sample]:
    command = [sys.executable, "-m", "vectorwatch.gpu.check.load", str(seconds)]
    samples = [throttle.take(nvml, device)]
    scraped = False
    with subprocess.Popen(command) as load:
        while load.poll() is None:
            time.sleep(_SAMPLE_SECONDS)
            samples.append(throttle.take(nvml, device))
            if not scraped and samples[-1].seconds - samples[0].seconds > seconds / 2:
                _report_scrapes("under load", url)
                scraped = True
    samples.append(throttle.take(nvml, device))
    if load.returncode:
        click.echo(f"the load ended with {load.returncode}: what follows was read on an idle card")
    return samples


def _report_scrapes(when: str, url: str) -> None:
    texts, times = zip(*(exposition.scrape(url) for _ in range(_SCRAPES)), strict=True)
    shown = {line for line in texts[-1].splitlines() if line.startswith(("gpu_up ", "gpu_scrape_failed"))}
    reason = [line for line in shown if line.endswith(" 1")]
    count = len(exposition.own_series(texts[-1]))
    click.echo(
        f"scrapes {when}: median {statistics.median(times) * 1000:.1f} ms, "
        f"slowest {max(times) * 1000:.1f} ms, {count} series, {', '.join(reason)}"
    )


@contextmanager
def _limit(nvml: Nvml, device: Device, watts: float | None) -> Iterator[None]:
    """Set the power limit and put the old one back."""
    if watts is None:
        yield
        return
    before = nvml.ask(device, "nvmlDeviceGetPowerManagementLimit")
    nvml.call("nvmlDeviceSetPowerManagementLimit", device.handle, int(watts * 1000))
    try:
        yield
    finally:
        nvml.call("nvmlDeviceSetPowerManagementLimit", device.handle, before)
        click.echo(f"the power limit is {before / 1000:.0f} W again")


def _smi() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "not here"
    command = [program, f"--query-gpu={_SMI_FIELDS}", "--format=csv,noheader", "--id=0"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return (result.stdout or result.stderr).strip()


def _heading(text: str) -> None:
    click.echo(f"\n== {text}")


if __name__ == "__main__":
    main()
