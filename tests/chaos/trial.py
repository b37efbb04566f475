"""What is done to a service, and what must follow: data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What is done; the last three hit everything at once."""

    CRASHED = "crashed"
    KILLED = "killed"
    PAUSED = "paused"
    CUT = "cut"
    STARVED = "starved"
    FILLED = "filled"
    ALL_CRASHED = "all-crashed"
    ALL_KILLED = "all-killed"
    ENGINE_KILLED = "engine-killed"


WHAT: Mapping[Kind, str] = {
    Kind.CRASHED: "its main process is ended by SIGKILL, as by a bug",
    Kind.KILLED: "`docker kill`: for Docker a person's wish, so nothing restarts it",
    Kind.PAUSED: "`docker pause`: it takes connections and answers none",
    Kind.CUT: "`docker network disconnect` from all of its networks",
    Kind.STARVED: "memory in its cgroup is used up, so that the kernel kills it",
    Kind.FILLED: "its volume lies on a file system of its own, and that is filled to the last byte",
    Kind.ALL_CRASHED: "the main processes of all containers are ended by SIGKILL at once",
    Kind.ALL_KILLED: "`docker kill` of all containers at once",
    Kind.ENGINE_KILLED: "dockerd is ended by SIGKILL, and started again a minute later",
}
MENDING: Mapping[Kind, str] = {
    Kind.KILLED: "`docker start`",
    Kind.PAUSED: "`docker unpause`",
    Kind.CUT: "`docker network connect`",
    Kind.FILLED: "making room",
    Kind.ALL_KILLED: "`docker compose up -d`",
    Kind.ENGINE_KILLED: "that start and `docker compose up -d`",
}
"""What a person does; whatever is not here heals by itself."""


@dataclass(frozen=True)
class Expected:
    """The alert that an outage must raise; `well` is PromQL that is 1 while all is well."""

    alert: str
    severity: str
    well: str
    where: Mapping[str, str] = field(default_factory=dict)
    """Labels that the alert must have."""
    lag_seconds: int = 0
    """What passes beside a scrape until its expression holds."""
    untold: str = ""
    """Why its message cannot arrive before the mending; empty where it must."""

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with these labels is it."""
        wanted = {"alertname": self.alert, "severity": self.severity, **self.where}
        return wanted.items() <= labels.items()


@dataclass(frozen=True, eq=False)
class Trial:
    """One thing done to one service, or to all (`service` is empty)."""

    service: str
    kind: Kind
    expected: Expected | None = None
    silent: str = ""
    """Why no alert is expected."""

    @property
    def name(self) -> str:
        """Return what it is called on the command line and on the page."""
        return f"{self.service}-{self.kind}" if self.service else str(self.kind)

    @property
    def heals_itself(self) -> bool:
        """Tell whether nobody mends it."""
        return self.kind not in MENDING
