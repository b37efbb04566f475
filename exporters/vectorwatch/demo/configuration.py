"""The repository's own Prometheus and Alertmanager configuration, with the demo's addresses in it.

Only addresses of the form `service:port` change, as text, so that all else is what a user deploys. Two things
follow from what the demo is. Its servers stand in the lists of targets whatever a user has made of those, the
cache as one that speaks no HTTP, for it is Valkey. And every channel is the inbox, never a Slack or a mail
server that you have configured.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vectorwatch.demo.ports import DEFAULT_PORTS, HOST
from vectorwatch.errors import VectorwatchError

_SERVICE_OF_ADDRESS = {
    f"{service.removesuffix('-smtp')}:{port}": service for service, port in DEFAULT_PORTS.items()
}
_ADDRESS = re.compile(r"(?<![\w.-])(" + "|".join(map(re.escape, _SERVICE_OF_ADDRESS)) + r")(?!\d)")
_LISTED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "qdrant.yml": ("qdrant", {}),
    "dragonfly.yml": ("dragonfly", {"__native_metrics__": "no"}),
    "gpu.yml": ("gpu-exporter", {}),
}
"""By list of targets: the demo's service in it, and its labels (see docs/how-to/add-targets.md)."""


@dataclass(frozen=True)
class Configuration:
    """Where the rendered files are, and the jobs left out because their service is not part of the demo."""

    prometheus: Path
    alertmanager: Path
    left_out: Sequence[str]


def render_configuration(repository: Path, folder: Path, ports: Mapping[str, int]) -> Configuration:
    """Copy `prometheus/` and `alertmanager/` of `repository` into `folder` with the addresses of `ports`.

    Raises VectorwatchError for a file that is no YAML."""
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    _copy(repository / "prometheus", prometheus, ports, without=("tests", "examples"))
    for name, (service, labels) in _LISTED.items():
        _list_target(prometheus / "targets" / name, f"{HOST}:{ports[service]}", labels)
    left_out = _leave_out_foreign_jobs(prometheus / "prometheus.yml")
    _copy(repository / "alertmanager", alertmanager, ports, without=("tests", "secrets"))
    (alertmanager / "defaults").rename(alertmanager / "secrets")
    return Configuration(prometheus / "prometheus.yml", alertmanager / "alertmanager.yml", left_out)


def replace_addresses(text: str, ports: Mapping[str, int]) -> str:
    """Return `text` with `service:port` of every demo service replaced by where the demo runs it."""
    return _ADDRESS.sub(lambda found: f"{HOST}:{ports[_SERVICE_OF_ADDRESS[found[1]]]}", text)


def _copy(source: Path, destination: Path, ports: Mapping[str, int], without: Sequence[str]) -> None:
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns(*without))
    for path in destination.rglob("*"):
        if path.is_file():
            # Latin-1 maps every byte to a character and back, whatever a user has put there.
            text = path.read_bytes().decode("latin-1")
            path.write_bytes(replace_addresses(text, ports).encode("latin-1"))


def _list_target(path: Path, address: str, labels: Mapping[str, str]) -> None:
    groups = _read_yaml(path) or []
    listed = [group for group in groups if address in group.get("targets", ())]
    if listed and not labels:
        return
    for group in listed:
        group["targets"].remove(address)
    kept = [group for group in groups if group.get("targets")]
    path.write_text(yaml.safe_dump([*kept, {"targets": [address], "labels": dict(labels)}]))


def _leave_out_foreign_jobs(path: Path) -> list[str]:
    """Remove the jobs that ask services of the stack which the demo does not run, and return their names.

    A job that has a list as well keeps that: the list is the user's.
    """
    configuration = _read_yaml(path)
    kept, left_out = [], []
    for job in configuration["scrape_configs"]:
        if _asks_foreign(job):
            left_out.append(job["job_name"])
            continue
        if _are_foreign(_fixed_addresses(job)):
            del job["static_configs"]
        kept.append(job)
    configuration["scrape_configs"] = kept
    path.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return left_out


def _asks_foreign(job: Mapping[str, Any]) -> bool:
    asked = [
        str(step["replacement"])
        for step in job.get("relabel_configs", [])
        if step.get("target_label") == "__address__" and "replacement" in step
    ]
    return _are_foreign(asked) or ("file_sd_configs" not in job and _are_foreign(_fixed_addresses(job)))


def _fixed_addresses(job: Mapping[str, Any]) -> list[str]:
    return [str(one) for group in job.get("static_configs", []) for one in group["targets"]]


def _are_foreign(addresses: Sequence[str]) -> bool:
    # A name without a dot is a service of the stack: what the demo runs has an IP address by now.
    return bool(addresses) and all("." not in address.partition(":")[0] for address in addresses)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        name = Path(*path.parts[-2:])
        raise VectorwatchError(
            f"demo: {name}{line} is no YAML; `make validate-rules` tells what is wrong"
        ) from error
