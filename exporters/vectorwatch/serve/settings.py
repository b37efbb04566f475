"""Settings that every exporter has, and the book of the targets that it may read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

import yaml
from pydantic import Field

from vectorwatch.settings import Settings

from .scrape import Target

log = logging.getLogger(__name__)

Port = Annotated[int, Field(ge=0, le=65535)]


class ServeSettings(Settings):
    """Settings that every service has."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: Port = Field(0, description="Port to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least level of the log lines."
    )


class ExporterSettings(ServeSettings):
    """Settings that every exporter has."""

    scrape_timeout_seconds: float = Field(
        9.0, gt=0, le=300, description="Longest a scrape may take; Prometheus' own timeout shortens it."
    )
    max_series: int = Field(
        50_000,
        ge=100,
        description="Most series of one target in one scrape; the rest is counted and left out.",
    )
    targets_file: Path | None = Field(
        None,
        description="Prometheus file_sd file whose targets `/probe` may read with the default target's "
        "credentials, so that a target is added in one place.",
    )


class UrlTarget(Target, Protocol):
    """A target with a URL, so that an address in a list can be told to mean it."""

    @property
    def url(self) -> str:
        """Return the URL that is read."""


T = TypeVar("T", bound=UrlTarget)


class ConfiguredTargets(Generic[T]):
    """The first target of the settings, the others, and those of a file_sd file read when asked.

    `from_address` turns an address of the file into a target; it raises ValueError for one it cannot use.
    """

    def __init__(self, targets: list[T], targets_file: Path | None, from_address: Callable[[str], T]) -> None:
        self._targets = targets
        self._file = targets_file
        self._from_address = from_address

    @property
    def default(self) -> T | None:
        """Return the target of `/metrics`, or None."""
        return self._targets[0] if self._targets else None

    def find(self, wanted: str) -> T | None:
        """Return the target whose label, URL or address is `wanted`, or None: no other host is ever called.

        A configured target comes before the same address in the file: it may have credentials of its own.
        """
        try:
            asked = self._from_address(wanted)
        except ValueError:
            asked = None
        for target in self._targets:
            if target.label == wanted or (asked and target.url == asked.url):
                return target
        return asked if wanted in self._file_addresses() else None

    def labels(self) -> list[str]:
        """Return the labels of all allowed targets."""
        configured = [target.label for target in self._targets]
        return configured + [label for label in self._file_addresses() if label not in configured]

    def _file_addresses(self) -> list[str]:
        """Return the file's addresses; it is read at each request, so that no restart is needed."""
        if self._file is None:
            return []
        try:
            groups = yaml.safe_load(self._file.read_text(encoding="utf-8")) or []
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            log.warning("%s: cannot be read: %s", self._file, type(error).__name__)
            return []
        return [address for address in _addresses(groups) if self._usable(address)]

    def _usable(self, address: str) -> bool:
        try:
            self._from_address(address)
        except ValueError as error:
            # Without the address: it may hold the credentials that make it unusable.
            log.warning("%s: a target is left out: %s", self._file, error)
            return False
        return True


def _addresses(groups: Any) -> list[str]:
    if not isinstance(groups, list):
        return []
    lists = (group.get("targets") for group in groups if isinstance(group, dict))
    return [str(address) for addresses in lists if isinstance(addresses, list) for address in addresses]
