"""The whole demo as one thing: prepared, started, announced, and gone when its block ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from vectorwatch.demo import CACHE
from vectorwatch.demo.configuration import render_configuration
from vectorwatch.demo.interruption import Interruption
from vectorwatch.demo.jaeger import MISSING, find_jaeger
from vectorwatch.demo.ports import DEFAULT_PORTS, JAEGER_PORTS, choose_ports
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.run_folder import open_run_folder
from vectorwatch.demo.services import (
    Site,
    clean_environment,
    describe_cache,
    describe_prometheus,
    describe_watched,
    describe_watchers,
)
from vectorwatch.demo.supervisor import Running, Service, Supervisor
from vectorwatch.demo.tools import ensure_tools


@dataclass(frozen=True)
class Stack:
    """The running demo."""

    site: Site
    supervisor: Supervisor
    start_seconds: float

    @property
    def logs(self) -> Path:
        """Return the folder of the logs."""
        return self.site.folder / "logs"

    @property
    def tools_have_no_pages(self) -> bool:
        """Tell whether Prometheus comes from Debian, which leaves the web pages out of its package."""
        return ".tools" in self.site.tools["prometheus"].parts

    @property
    def jaeger_has_no_pages(self) -> bool:
        """Tell whether Jaeger was built from its Go module, which leaves its web pages out."""
        return ".tools" in self.site.tools.get("jaeger", Path()).parts

    def kill_cache(self) -> None:
        """Kill the cache as a crash would."""
        self.supervisor.kill(CACHE)

    def restart_cache(self) -> None:
        """Start the cache again after it was killed."""
        self.supervisor.start([describe_cache(self.site)], announce=lambda _: None)

    def cache_process_id(self) -> int:
        """Return the process id of the cache."""
        return self.supervisor.process_id(CACHE)


@dataclass(frozen=True)
class Needs:
    """What must be there before anything starts."""

    repository: Path
    ports: Mapping[str, int]
    tools: Mapping[str, Path]


def gather_needs(ports: str) -> Needs:
    """Choose ports (`default` or `free`) and find or fetch the tools. Raises VectorwatchError."""
    repository = find_repository()
    folder = repository / ".tools"
    jaeger = find_jaeger(folder)
    chosen = choose_ports(ports, {**DEFAULT_PORTS, **(JAEGER_PORTS if jaeger else {})})
    tools = ensure_tools(("prometheus", "alertmanager"), folder)
    return Needs(repository, chosen, {**tools, **({"jaeger": jaeger} if jaeger else {})})


def explain_absent(needs: Needs, left_out: Sequence[str]) -> list[str]:
    """Return a line for each thing that a user of the whole stack would miss."""
    lines = [] if "jaeger" in needs.tools else [MISSING]
    return lines + ([f"demo: not part of it, so not scraped: {', '.join(left_out)}"] if left_out else [])


@contextmanager
def run_stack(needs: Needs, interruption: Interruption) -> Iterator[Stack]:
    """Start everything, announcing each service; stop it all at the end.

    Raises VectorwatchError when a service does not start; InterruptionError.
    """
    start = monotonic()
    with open_run_folder(needs.repository / ".demo") as folder:
        configuration = render_configuration(needs.repository, folder / "configuration", needs.ports)
        for line in explain_absent(needs, configuration.left_out):
            print(line)
        print("\n".join(f"demo: {line}" for line in configuration.rules))
        site = Site(needs.ports, needs.tools, folder, configuration, needs.repository / "docs")
        with Supervisor(folder / "logs", interruption, clean_environment()) as supervisor:
            _start(supervisor, [*describe_watched(site), *describe_watchers(site)])
            _start(supervisor, [describe_prometheus(site)])
            yield Stack(site, supervisor, monotonic() - start)


def _start(supervisor: Supervisor, services: Sequence[Service]) -> None:
    supervisor.start(services, _announce)


def _announce(running: Running) -> None:
    print(f"  {running.service.name:<20}{running.ready_seconds:5.1f} s  {running.service.url}", flush=True)
