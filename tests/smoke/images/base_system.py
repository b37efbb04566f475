"""A small Debian with Python, made by mmdebstrap in about a minute: what stand-ins are built on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from pathlib import Path

from tests.smoke.command import CommandError, run
from tests.smoke.images.recipe import SUITES
from vectorwatch.demo.debian import find_mirrors
from vectorwatch.errors import VectorwatchError

_PACKAGES = ("python3-pip-whl", "ca-certificates")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_LIMIT_SECONDS = 900
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


class BaseSystemError(VectorwatchError):
    """No base system can be made."""


def read_python(image: str) -> str:
    """Return the Debian package of the Python in an official image: `python:3.9.1-slim` → `python3.9`."""
    found = re.fullmatch(r"python:(\d+\.\d+)[\w.-]*", image)
    if found is None:
        raise BaseSystemError(
            f"smoke: exporters/Dockerfile is built on {image}, for which there is no stand-in"
        )
    return f"python{found[1]}"


def describe(python: str) -> object:
    """Return all that the system depends on, so that it is made anew when that changes."""
    return python, _PACKAGES, _LEFT_OUT, SUITES


def make_base_system(python: str, scratch: Path, environment: Mapping[str, str]) -> Path:
    """Write a Debian with `python` as a tar archive into `scratch`; return where. Raises BaseSystemError."""
    archive, sources = scratch / "base-system.tar", scratch / "sources.list"
    sources.touch(mode=0o600)  # a mirror's address may hold the host's credentials
    causes = []
    for suite, mirror in product(SUITES, find_mirrors(scratch)):
        sources.write_text(f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n")
        try:
            run(
                _write_command(python, suite, archive, sources),
                environment=environment,
                timeout_seconds=_LIMIT_SECONDS,
            )
        except CommandError as error:
            causes.append(str(error))
        else:
            return archive
    raise BaseSystemError("smoke: no base system can be made\n" + "\n".join(causes))


def _write_command(python: str, suite: str, archive: Path, sources: Path) -> list[str]:
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join([python, *_PACKAGES])}",
        # A release file may be past its date where a mirror lags; its signature still counts.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Sandbox::User "root"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        suite,
        str(archive),
        str(sources),
    ]
