"""`vectorwatch dashboards import`: push the dashboards to a Grafana that someone already runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vectorwatch import __version__
from vectorwatch.errors import ConfigError, VectorwatchError

from .dashboard_files import DashboardFile, read_dashboards, start_with
from .grafana_api import PROVISIONED, DataSource, Grafana, GrafanaError, GrafanaUnusableError, Standing
from .token_file import is_open_to_all, read_token

_OWN_TO_GRAFANA = ("id", "uid", "version")
"""What Grafana keeps beside a dashboard, and puts into it when it is asked for."""
_MESSAGE = f"Vectorwatch {__version__}"
"""What Grafana shows in the history of a dashboard."""


def import_dashboards(
    *,
    url: str,
    token_file: Path | None,
    source: Path,
    folders: Sequence[str] = (),
    data_source: str = "",
    ca_file: Path | None = None,
    dry_run: bool = False,
) -> Iterator[str]:
    """Make the Grafana at `url` hold the dashboards of `source`; yield the lines to show.

    What already stands there as it should is not written again. Raises ConfigError before anything is
    written, and VectorwatchError at the end when a dashboard failed; the others have been written.
    """
    files = read_dashboards(source, folders)
    token = read_token(token_file)
    if token_file and is_open_to_all(token_file):
        yield f"dashboards: every user here can read {token_file}; mend that with: chmod 600 {token_file}"
    with Grafana(url, token, ca_file) as grafana:
        grafana.check_health()
        if data_source:
            chosen = _find_data_source(grafana, data_source)
            files = [start_with(file, chosen.uid, chosen.name) for file in files]
        yield from _Import(grafana, dry_run).run(files)


def _find_data_source(grafana: Grafana, uid: str) -> DataSource:
    try:
        there = grafana.list_data_sources()
    except GrafanaError as error:
        raise VectorwatchError(f"dashboards: --datasource: {error}") from error
    for data_source in there:
        if data_source.uid == uid:
            return data_source
    known = ", ".join(f"{found.uid} ({found.name})" for found in there) or "none at all"
    raise ConfigError(
        f"dashboards: --datasource: no data source of type Prometheus has the uid {uid}; there are: {known}"
    )


class _Import:
    """One run: what became of each dashboard."""

    def __init__(self, grafana: Grafana, dry_run: bool) -> None:
        self._grafana = grafana
        self._dry_run = dry_run
        self._folders: set[str] = set()
        self._counts: Counter[str] = Counter()

    def run(self, files: Sequence[DashboardFile]) -> Iterator[str]:
        for file in files:
            try:
                yield from self._push(file)
            except GrafanaError as error:
                yield self._tell("failed", f"{_name(file)}: {error}", counts=True)
            except GrafanaUnusableError as error:
                raise VectorwatchError(
                    f"{error}; {self._counts.total()} of {len(files)} were done"
                ) from error
        failed = self._counts["failed"]
        if failed:
            raise VectorwatchError(
                f"dashboards: {failed} of {len(files)} failed; mend that and run this again"
            )
        yield f"dashboards: {', '.join(f'{count} {word}' for word, count in self._counts.items())}"

    def _push(self, file: DashboardFile) -> Iterator[str]:
        standing = self._grafana.find_dashboard(file.uid)
        if standing and _is_as_wanted(standing, file):
            yield self._tell("unchanged", _name(file), counts=True)
            return
        if standing and standing.provisioned_from:
            raise GrafanaError(f"it is provisioned from {standing.provisioned_from}; {PROVISIONED}")
        yield from self._ensure_folder(file)
        if not self._dry_run:
            self._grafana.save_dashboard(file.model, file.folder_uid, _MESSAGE)
        yield self._tell("updated" if standing else "created", _name(file), counts=True)

    def _ensure_folder(self, file: DashboardFile) -> Iterator[str]:
        if file.folder_uid in self._folders:
            return
        if not self._grafana.has_folder(file.folder_uid):
            if not self._dry_run:
                self._grafana.create_folder(file.folder_uid, file.folder)
            yield self._tell("created", f"folder {file.folder} ({file.folder_uid})")
        self._folders.add(file.folder_uid)

    def _tell(self, outcome: str, what: str, *, counts: bool = False) -> str:
        word = f"would be {outcome}" if self._dry_run and outcome in ("created", "updated") else outcome
        if counts:
            self._counts[word] += 1
        return f"{word:<18}{what}" if self._dry_run else f"{word:<11}{what}"


def _is_as_wanted(standing: Standing, file: DashboardFile) -> bool:
    # A provisioned one lies in a folder that Grafana has made itself.
    placed = standing.folder_uid == file.folder_uid or standing.provisioned_from is not None
    return placed and _strip(standing.model) == _strip(file.model)


def _strip(model: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in model.items() if name not in _OWN_TO_GRAFANA}


def _name(file: DashboardFile) -> str:
    return f"{file.folder} / {file.title} ({file.uid})"
