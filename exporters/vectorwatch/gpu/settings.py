"""Settings of the GPU exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.settings import ExporterSettings, Port
from vectorwatch.settings import Settings

CardUuid = Annotated[str, StringConstraints(pattern=r"^GPU-[0-9a-fA-F-]{8,}$")]


@dataclass(frozen=True)
class LocalMachine:
    """The only target: NVML reads the machine it runs on."""

    label: str = "local"


class LocalBook:
    """The book with the one target."""

    @property
    def default(self) -> LocalMachine:
        """Return this machine."""
        return LocalMachine()

    def find(self, wanted: str) -> LocalMachine | None:
        """Return this machine if it is meant."""
        return LocalMachine() if wanted == LocalMachine().label else None

    def labels(self) -> list[str]:
        """Return the label of this machine."""
        return [LocalMachine().label]


class GpuSettings(ExporterSettings):
    """Settings of `vectorwatch exporter gpu`; variables start with `VECTORWATCH_GPU_`."""

    model_config = SettingsConfigDict(**{**Settings.model_config, "env_prefix": "VECTORWATCH_GPU_"})

    port: Port = Field(9445, description="Port to listen on.")
    devices: tuple[CardUuid, ...] = Field(
        (), description="UUIDs of the cards to export (`nvidia-smi -L`); empty means all."
    )
    xid_events: bool = Field(True, description="Count the errors that the driver reports as XID events.")
    processes: bool = Field(
        False,
        description="Memory by process id. Needs the host's process ids in a container; ids are new series "
        "with every start of a process, hence off.",
    )
    max_processes_per_card: int = Field(
        64, ge=1, le=4096, description="Most processes of one card to show: those with the most memory."
    )
    pcie_throughput_sampling: bool = Field(
        False,
        description="Measure PCIe throughput on cards without 64-bit byte counters (H100 and H200 are such); "
        "takes 40 ms a card and scrape.",
    )
