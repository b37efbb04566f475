"""What a service costs: memory, processor, image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.smoke.project import Project

_SAMPLES = 8
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True)
class Use:
    """What a service used while we looked: mean processor time per time, highest memory without caches."""

    cores: float
    memory_bytes: int


def measure_use(project: Project, services: Sequence[str]) -> Mapping[str, Use]:
    """Return by service what it uses, from samples of about two seconds each."""
    ids = {container.id: name for name, container in project.containers().items() if name in services}
    samples = [
        read_stats(project.docker.run("stats", "--no-stream", "--no-trunc", "--format", "json", *ids))
        for _ in range(_SAMPLES)
    ]
    return {name: combine(sample[number] for sample in samples) for number, name in ids.items()}


def read_stats(text: str) -> Mapping[str, Use]:
    """Return by id of container what `docker stats --format json` says."""
    rows = [json.loads(line) for line in text.splitlines() if line]
    return {
        row["ID"]: Use(
            float(row["CPUPerc"].rstrip("%")) / 100, parse_bytes(row["MemUsage"].partition(" / ")[0])
        )
        for row in rows
    }


def parse_bytes(text: str) -> int:
    """Return the bytes of `15.68MiB`. Raises ValueError for another form."""
    found = re.fullmatch(r"([\d.]+)\s*([a-zA-Z]+)", text.strip())
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"`{text}` is no size")
    return round(float(found[1]) * _UNITS[found[2]])


def combine(uses: Iterable[Use]) -> Use:
    """Return mean processor time and highest memory."""
    uses = list(uses)
    return Use(sum(use.cores for use in uses) / len(uses), max(use.memory_bytes for use in uses))


def measure_images(project: Project, images: Iterable[str]) -> Mapping[str, int]:
    """Return the bytes that each image takes when unpacked."""
    found = {image: project.docker.find_image(image) for image in images}
    return {image: int(body["Size"]) for image, body in found.items() if body is not None}
