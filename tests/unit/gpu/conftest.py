"""A stand-in for NVML: a real shared library built from `nvml_stand_in/nvml.c`, loaded by the real pynvml."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pynvml
import pytest

from vectorwatch.gpu.client import Nvml
from vectorwatch.gpu.collector import Collector
from vectorwatch.gpu.service import build_exporter
from vectorwatch.gpu.settings import GpuSettings, LocalMachine
from vectorwatch.serve.exposition import render
from vectorwatch.settings import load

HERE = Path(__file__).parent
LIBRARY = "libnvidia-ml.so.1"
SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.txt"))


def build(folder: Path, *options: str) -> Path:
    """Compile the stand-in into `folder`; fail without a compiler, because nothing here would be tested."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.fail("gcc is needed to build the stand-in for NVML: install the Debian package `gcc`")
    library = folder / LIBRARY
    command = [compiler, "-std=gnu11", "-shared", "-fPIC", "-O1", f"-Wl,-soname,{LIBRARY}", *options]
    result = subprocess.run(
        [*command, "-o", str(library), str(HERE / "nvml_stand_in" / "nvml.c")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"gcc (Debian packages `gcc` and `libc6-dev`): {result.stderr}"
    return library


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def old_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of a driver that lacks the newer functions."""
    return build(tmp_path_factory.mktemp("nvml-old"), "-DOLD_DRIVER")


class Scenario:
    """What the stand-in says; every change is one atomic replacement of its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, str] = {}
        self._write()

    def play(self, name: str) -> Scenario:
        """Say what the recorded card says."""
        text = (HERE / "scenarios" / f"{name}.txt").read_text()
        pairs = (line.partition(" = ") for line in text.splitlines() if not line.startswith("#"))
        return self.set({key: answer for key, _, answer in pairs})

    def add_card(self, name: str, index: int, uuid: str) -> Scenario:
        """Put the recorded card `name` at `index` beside what there is."""
        other = Scenario(self.path.with_suffix(f".{index}")).play(name)
        gpu = {key: answer for key, answer in other.lines.items() if key.startswith("gpu0")}
        self.set({key.replace("gpu0", f"gpu{index}", 1): answer for key, answer in gpu.items()})
        self.set({f"gpu{index} nvmlDeviceGetUUID": uuid})
        return self.set({"system nvmlDeviceGetCount_v2": str(index + 1)})

    def set(self, lines: dict[str, str]) -> Scenario:
        self.lines.update(lines)
        self._write()
        return self

    def drop(self, *keys: str) -> Scenario:
        for key in keys:
            del self.lines[key]
        self._write()
        return self

    def _write(self) -> None:
        new = self.path.with_suffix(".new")
        new.write_text("".join(f"{key} = {answer}\n" for key, answer in self.lines.items()))
        new.replace(self.path)


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    path = tmp_path / "scenario.txt"
    monkeypatch.setenv("NVML_STAND_IN", str(path))
    return Scenario(path)


@pytest.fixture
def loaded(stand_in: Path) -> ctypes.CDLL:
    """The stand-in in this process: the loader gives it to pynvml because it has the name of NVML."""
    library = ctypes.CDLL(str(stand_in))
    pynvml.nvmlLib = None
    pynvml._nvmlGetFunctionPointer_cache.clear()
    return library


@pytest.fixture
def nvml(loaded: ctypes.CDLL, scenario: Scenario) -> Iterator[Nvml]:
    nvml = Nvml()
    yield nvml
    nvml.close()


def settings(**environ: str) -> GpuSettings:
    return load(GpuSettings, environ={f"VECTORWATCH_GPU_{name}": value for name, value in environ.items()})


Scrape = Callable[..., Awaitable[str]]


@pytest.fixture
async def scraping(nvml: Nvml, poll: Callable[..., None]) -> AsyncIterator[Callable[..., Scrape]]:
    """Scrape as Prometheus does: `scrape = scraping(processes="true"); text = await scrape()`."""
    started: list[Collector] = []

    def start(timeout_seconds: float = 30.0, **environ: str) -> Scrape:
        chosen = settings(**{name.upper(): value for name, value in environ.items()})
        collector = Collector(chosen, nvml)
        collector.start()
        started.append(collector)
        exporter = build_exporter(chosen, collector)

        async def scrape(within_seconds: float = timeout_seconds) -> str:
            sink = await exporter.scrape(LocalMachine(), within_seconds)
            return render(sink.families(), (), use_openmetrics=False).decode()

        return scrape

    yield start
    for collector in started:
        collector.stop()
    await asyncio.to_thread(
        poll, lambda: not any(t.name == "xid" for t in threading.enumerate()), "xid ended"
    )
