"""The repository's own Prometheus and Alertmanager configuration, with the demo's addresses in it.

Only addresses of the form `service:port` change, as text, so that all else is what a user deploys. Two things
follow from what the demo is. Its servers stand in the lists of targets (see `target_lists`). And every
channel is the inbox, never a Slack or a mail server that you have configured.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vectorwatch.demo.jaeger import render_jaeger
from vectorwatch.demo.rendering import parse_yaml, replace_addresses
from vectorwatch.demo.target_lists import TargetLists
from vectorwatch.rules.service import render_rules


@dataclass(frozen=True)
class Configuration:
    """Where the rendered files are, the jobs left out because their service is not part of the demo, and what
    the user has set in the rules.
    """

    prometheus: Path
    alertmanager: Path
    left_out: Sequence[str]
    target_lists: TargetLists
    jaeger: Sequence[Path] = ()
    rules: Sequence[str] = ()


def render_configuration(repository: Path, folder: Path, ports: Mapping[str, int]) -> Configuration:
    """Copy `prometheus/` and `alertmanager/` of `repository` into `folder` with the addresses of `ports`.

    The rules get the user's numbers. Raises VectorwatchError for a file that is no YAML or no list of
    targets, ConfigError for mistakes in thresholds.mine.yml.
    """
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    _copy(repository / "prometheus", prometheus, ports, without=("tests", "examples"))
    target_lists = TargetLists(repository / "prometheus" / "targets", prometheus / "targets", ports)
    target_lists.render()
    rules = list(render_rules(prometheus, prometheus / "rules"))
    left_out = _leave_out_foreign_jobs(prometheus / "prometheus.yml")
    _copy(repository / "alertmanager", alertmanager, ports, without=("tests", "secrets"))
    (alertmanager / "defaults").rename(alertmanager / "secrets")
    jaeger: Sequence[Path] = ()
    if "jaeger" in ports:
        jaeger = render_jaeger(repository / "jaeger", folder / "jaeger", ports, folder.parent / "jaeger")
    return Configuration(
        prometheus / "prometheus.yml",
        alertmanager / "alertmanager.yml",
        left_out,
        target_lists,
        jaeger,
        rules,
    )


def _copy(source: Path, destination: Path, ports: Mapping[str, int], without: Sequence[str]) -> None:
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns(*without))
    for path in destination.rglob("*"):
        if path.is_file():
            # Latin-1 maps every byte to a character and back, whatever a user has put there.
            text = path.read_bytes().decode("latin-1")
            path.write_bytes(replace_addresses(text, ports).encode("latin-1"))


def _leave_out_foreign_jobs(path: Path) -> list[str]:
    """Remove the jobs that ask services of the stack which the demo does not run, and return their names.

    A job that has a list as well keeps that: the list is the user's.
    """
    configuration = parse_yaml(path.read_bytes(), "prometheus/prometheus.yml")
    leave_out_passwords(configuration)
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


def leave_out_passwords(configuration: Mapping[str, Any]) -> None:
    """Remove the passwords that `setup` makes from what prometheus.yml says: nobody asks for one here."""
    alertmanagers = configuration.get("alerting", {}).get("alertmanagers", [])
    for asking in (*configuration["scrape_configs"], *alertmanagers):
        if str(asking.get("basic_auth", {}).get("password_file")).startswith("/run/secrets/"):
            del asking["basic_auth"]


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
