"""The programs we need that are not Python: what they are called, from which packages, how new."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectorwatch.demo.debian import HOST

Version = tuple[int, int]

PROMETHEUS_MINIMUM: Version = (3, 0)
"""3.0 made range selectors left-open and added `fallback_scrape_protocol`: rules and tests assume both."""
ALERTMANAGER_MINIMUM: Version = (0, 27)
"""0.27 parses matchers as UTF-8 by default; every `*_file` setting we use is older."""
REDIS_MINIMUM: Version = (6, 0)
"""6.0 brought users, ACL and RESP3."""
COMPOSE_MINIMUM: Version = (2, 24)
"""2.20 brought `start_interval` of health checks, 2.24 the `!reset` that docs/how-to/configure.md uses."""
BLACKBOX_EXPORTER_MINIMUM: Version = (0, 24)
"""What blackbox/blackbox.yml asks for is older; below it nobody has tried."""
REDIS_EXPORTER_MINIMUM: Version = (1, 60)
"""It is only compared with; an old one would make the comparison too easy."""

_GO_SUITES = ("unstable", "testing", HOST)
"""Newest first: Go programs need nothing but an old libc, so a newer suite's run here."""
_VERSION = re.compile(r"(?:version v?|\bv=|Exporter v?)(\d+)\.(\d+)")


@dataclass(frozen=True)
class Bundle:
    """Programs that come together, from the packages of the first suite whose programs run here."""

    programs: Mapping[str, Sequence[str]]
    """Our name of each program, and the file names it goes by."""
    packages: Sequence[str]
    minimum: Version
    suites: Sequence[str] = _GO_SUITES
    with_libraries: bool = False


BUNDLES = (
    Bundle({"prometheus": ("prometheus",)}, ("prometheus",), PROMETHEUS_MINIMUM),
    Bundle({"promtool": ("promtool",)}, ("promtool",), PROMETHEUS_MINIMUM),
    Bundle(
        {"alertmanager": ("alertmanager", "prometheus-alertmanager"), "amtool": ("amtool",)},
        ("prometheus-alertmanager",),
        ALERTMANAGER_MINIMUM,
    ),
    # Linked against its suite's libc and libraries, so only the host's own suite fits.
    Bundle(
        {"redis-server": ("redis-server",)},
        ("redis-server", "redis-tools"),
        REDIS_MINIMUM,
        suites=(HOST,),
        with_libraries=True,
    ),
    # Renders docker-compose.yml without an engine.
    Bundle({"docker-compose": ("docker-compose",)}, ("docker-compose",), COMPOSE_MINIMUM),
    Bundle(
        {"blackbox_exporter": ("blackbox_exporter", "prometheus-blackbox-exporter")},
        ("prometheus-blackbox-exporter",),
        BLACKBOX_EXPORTER_MINIMUM,
    ),
    Bundle(
        {"prometheus-redis-exporter": ("prometheus-redis-exporter", "redis_exporter")},
        ("prometheus-redis-exporter",),
        REDIS_EXPORTER_MINIMUM,
    ),
)
BUNDLE_OF = {name: bundle for bundle in BUNDLES for name in bundle.programs}


def read_version(program: Path) -> Version | None:
    """Return major and minor version that `program --version` tells, or None when it does not run."""
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if done.returncode == 0 and found else None


def write_version(version: Version) -> str:
    """Return a version as people write it: `3.5`."""
    return ".".join(map(str, version))
