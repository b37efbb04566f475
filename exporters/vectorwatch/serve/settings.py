"""Settings that every exporter has, and the book of the targets that it may read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Generic, Literal, Protocol, TypeVar

from pydantic import Field, field_validator

from vectorwatch.errors import ConfigError
from vectorwatch.settings import Settings

from .http_target import check_http_url
from .scrape import Target
from .target_list import TargetList

Port = Annotated[int, Field(ge=0, le=65535)]


class ServeSettings(Settings):
    """Settings that every service has."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: Port = Field(0, description="Port to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least level of the log lines."
    )
    log_file: Path | None = Field(
        None,
        description="File for the log lines as well as stdout, of one process alone; it rotates at 100 MB, "
        "and five older ones are kept.",
    )
    traces_endpoint: str = Field(
        "", description="Where spans of this program go by OTLP, such as http://jaeger:4318; empty: nowhere."
    )

    @field_validator("traces_endpoint")
    @classmethod
    def _check_traces_endpoint(cls, url: str) -> str:
        return check_http_url(url) if url else url


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


class MultiTargetSettings(ExporterSettings):
    """Settings of the exporters that read servers over the network."""

    targets_file: Path | None = Field(
        None,
        description="Prometheus file_sd file whose targets `/probe` may read with the default target's "
        "credentials, so that a target is added in one place. `*` in the path stands for any name.",
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
        """Raise ConfigError when two targets have one label: the second could not be asked for."""
        labels = [target.label for target in targets]
        for label in labels:
            if labels.count(label) > 1:
                raise ConfigError(f"config: two targets are called `{label}`; give one another `name`")
        self._targets = targets
        self._list = TargetList(targets_file, from_address)
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
        return asked if wanted in self._list.addresses() else None

    def labels(self) -> list[str]:
        """Return the labels of all allowed targets."""
        configured = [target.label for target in self._targets]
        return configured + [label for label in self._list.addresses() if label not in configured]
