"""The repository's own Prometheus and Alertmanager configuration, with the demo's addresses in it.

Only addresses of the form `service:port` change, as text, so that all else is what a user deploys. Two things
follow from what the demo is: the cache is Valkey, which speaks no HTTP, and its list says so in the way that
the documentation tells; and every channel is the inbox, never a Slack or a mail server you have configured.
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

_SERVICE_OF_ADDRESS = {
    f"{service.removesuffix('-smtp')}:{port}": service for service, port in DEFAULT_PORTS.items()
}
_ADDRESS = re.compile(r"(?<![\w.-])(" + "|".join(map(re.escape, _SERVICE_OF_ADDRESS)) + r")(?!\d)")
_NOT_FOR_PROMETHEUS = ("tests", "examples")


@dataclass(frozen=True)
class Configuration:
    """Where the rendered files are, and the jobs left out because their service is not part of the demo."""

    prometheus: Path
    alertmanager: Path
    left_out: Sequence[str]


def render_configuration(repository: Path, folder: Path, ports: Mapping[str, int]) -> Configuration:
    """Copy `prometheus/` and `alertmanager/` of `repository` into `folder` with the addresses of `ports`."""
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    _copy(repository / "prometheus", prometheus, ports, _NOT_FOR_PROMETHEUS)
    _copy(repository / "alertmanager", alertmanager, ports, ("tests", "secrets"))
    _point_channels_at_inbox(alertmanager)
    _say_cache_speaks_no_http(prometheus / "targets" / "dragonfly.yml", f"{HOST}:{ports['dragonfly']}")
    left_out = _leave_out_foreign_jobs(prometheus / "prometheus.yml")
    return Configuration(prometheus / "prometheus.yml", alertmanager / "alertmanager.yml", left_out)


def replace_addresses(text: str, ports: Mapping[str, int]) -> str:
    """Return `text` with `service:port` of every demo service replaced by where the demo runs it."""
    return _ADDRESS.sub(lambda found: f"{HOST}:{ports[_SERVICE_OF_ADDRESS[found[1]]]}", text)


def _copy(source: Path, destination: Path, ports: Mapping[str, int], without: Sequence[str]) -> None:
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns(*without))
    for path in destination.rglob("*"):
        if path.is_file():
            path.write_text(replace_addresses(path.read_text(), ports))


def _point_channels_at_inbox(alertmanager: Path) -> None:
    (alertmanager / "defaults").rename(alertmanager / "secrets")


def _say_cache_speaks_no_http(targets: Path, cache: str) -> None:
    groups = yaml.safe_load(targets.read_text()) or []
    for group in groups:
        if cache in group["targets"]:
            group["targets"].remove(cache)
            labels = {**group.get("labels", {}), "__native_metrics__": "no"}
            groups.append({"targets": [cache], "labels": labels})
            break
    targets.write_text(yaml.safe_dump([group for group in groups if group["targets"]]))


def _leave_out_foreign_jobs(path: Path) -> list[str]:
    """Remove the jobs all of whose fixed targets are services of the stack that the demo does not run."""
    configuration = yaml.safe_load(path.read_text())
    jobs = configuration["scrape_configs"]
    foreign = [job for job in jobs if _is_foreign(job)]
    if foreign:
        configuration["scrape_configs"] = [job for job in jobs if job not in foreign]
        path.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return [job["job_name"] for job in foreign]


def _is_foreign(job: Mapping[str, Any]) -> bool:
    addresses = [str(one) for group in job.get("static_configs", []) for one in group["targets"]]
    # A name without a dot is a service of the stack: what the demo runs has an IP address by now.
    return bool(addresses) and all("." not in address.partition(":")[0] for address in addresses)
