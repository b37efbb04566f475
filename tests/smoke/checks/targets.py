"""Prometheus reads everything, and what is put on its lists without being restarted."""

from __future__ import annotations

from tests.smoke.stage import CheckError, Stage, wait

_NEW_JOB = "app"
_READERS = (
    "setup",
    "demo-targets",
    "prometheus",
    "qdrant-exporter",
    "dragonfly-exporter",
    "hnsw-probe",
    "logs-exporter",
)
_READ = ("qdrant_up", "dragonfly_up", "hnsw_up", "logs_source_up")
"""1 when an exporter has read its server."""


def all_up(stage: Stage) -> str:
    """See that every target of a service that runs is up, and that our exporters read their servers."""
    wait(lambda: _name_missing(stage), "targets", _READERS)
    addresses = [target.address for target in stage.prometheus.list_targets()]
    absent = sorted(address for address in addresses if _is_absent(stage, address))
    count = len(addresses) - len(absent)
    return f"{count} targets up" + (f"; not counted: {', '.join(absent)}" if absent else "")


def _name_missing(stage: Stage) -> str:
    targets = [target for target in stage.prometheus.list_targets() if not _is_absent(stage, target.address)]
    down = [
        f"{target.job} {target.instance} {target.error}".strip()
        for target in targets
        if target.health != "up"
    ]
    unread = [
        f"{sample.labels['job']} cannot read {sample.labels.get('instance')}"
        for sample in stage.prometheus.query(f'{{__name__=~"{"|".join(_READ)}"}} == 0')
    ]
    silent = [name for name in _READ if not stage.prometheus.query(f"{name} == 1")]
    return ", ".join([*down, *unread, *(f"no {name}" for name in silent)])


def _is_absent(stage: Stage, address: str) -> bool:
    return address.partition(":")[0] in stage.absent


def new_one_found(stage: Stage) -> str:
    """Save a list with a new target, as a user does, and see it scraped by the very same process."""
    before = stage.project.containers()["prometheus"]
    lists = stage.project.folder / "prometheus" / "targets"
    # Saved as editors save: a new file takes the place of the old one.
    scratch = lists / ".app.yml.new"
    scratch.write_text("- targets: [inbox:9446]\n  labels: {added_by: smoke}\n", encoding="utf-8")
    scratch.replace(lists / f"{_NEW_JOB}.yml")
    seconds = wait(lambda: _find_new(stage), "the new target", ("prometheus",), limit_seconds=360)
    after = stage.project.containers()["prometheus"]
    if (after.id, after.started_at, after.restarts) != (before.id, before.started_at, before.restarts):
        raise CheckError("Prometheus was restarted meanwhile", ("prometheus",))
    return f"scraped {seconds:.0f} s after it was saved"


def _find_new(stage: Stage) -> str:
    found = stage.prometheus.query(f'up{{job="{_NEW_JOB}", added_by="smoke"}} == 1')
    return "" if found else f"no up{{job={_NEW_JOB}}}"
