"""A Docker engine unpacked from Debian packages: nothing is installed, nothing of the host changes.

Debian 12's own engine (20.10) is too old for `start_interval`, so a newer suite's runs here: dockerd and
containerd need nothing but an old libc. runc and iptables need more and come from the host's suites.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.smoke.command import attempt
from vectorwatch.demo.debian import HOST, PackageError, PrivateApt, Say, open_suite
from vectorwatch.errors import VectorwatchError

_NEWER_SUITES = ("unstable", "testing", HOST)
_ENGINE = ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd")
_OF_THE_HOST = ("runc", "iptables", "mmdebstrap")
_FORMAT = "1"
"""Raised when the lists above change, so that a folder filled by an earlier version is filled anew."""
_PLUGINS = Path("usr/libexec/docker/cli-plugins")

OpenSuite = Callable[[str, Path, Say], PrivateApt]


class ProgramsError(VectorwatchError):
    """The engine's programs cannot be had."""


@dataclass(frozen=True)
class Programs:
    """A folder with the unpacked programs."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """Folder for DOCKER_CONFIG: it holds the plug-ins `compose` and `buildx`."""
        return self.folder / "configuration"

    @property
    def package_trees(self) -> Mapping[str, Path]:
        """The two roots of packages: `engine` of the newer suite, `host` of this machine's."""
        return {name: self.folder / name for name in ("engine", "host")}

    def extend(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return `environment` in which these programs come first and find their own files."""
        folders = [self.folder / "bin"]
        folders += [tree / "usr" / kind for tree in self.package_trees.values() for kind in ("sbin", "bin")]
        path = ":".join([*map(str, folders), environment.get("PATH", ""), "/usr/sbin:/usr/bin:/sbin:/bin"])
        return {
            **environment,
            "PATH": path,
            "LD_LIBRARY_PATH": self._list("lib/*-linux-*"),
            "XTABLES_LIBDIR": self._list("lib/*-linux-*/xtables"),
            "PERL5LIB": self._list("share/perl5", "share/perl/5.*.*", "lib/*-linux-*/perl/5.*.*"),
        }

    def _list(self, *patterns: str) -> str:
        root = self.folder / "host" / "usr"
        return ":".join(str(found) for pattern in patterns for found in sorted(root.glob(pattern)))


def fetch_programs(folder: Path, say: Say, open_suite: OpenSuite = open_suite) -> Programs:
    """Return the programs in `folder`, fetching them if they are not there. Raises ProgramsError."""
    programs = Programs(folder)
    marker = folder / "format"
    if marker.is_file() and marker.read_text() == _FORMAT:
        return programs
    scratch = folder / "fetching"
    for old in (scratch, programs.configuration, folder / "bin", *programs.package_trees.values()):
        shutil.rmtree(old, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        _unpack_host(programs, open_suite(HOST, scratch / "host", say), say)
        _unpack_engine(programs, scratch, open_suite, say)
    except PackageError as error:
        raise ProgramsError(
            f"smoke: no Docker engine here, and none to be had: {error}; start a Docker engine"
        ) from error
    _link(programs)
    shutil.rmtree(scratch)
    marker.write_text(_FORMAT)
    return programs


def _unpack_host(programs: Programs, suite: PrivateApt, say: Say) -> None:
    for name in _OF_THE_HOST:
        for package in suite.list_packages([name], with_libraries=True):
            suite.unpack(package, programs.package_trees["host"], say)


def _unpack_engine(programs: Programs, scratch: Path, open_suite: OpenSuite, say: Say) -> None:
    tree = programs.package_trees["engine"]
    causes: list[str] = []
    for name in _NEWER_SUITES:
        shutil.rmtree(tree, ignore_errors=True)
        try:
            suite = open_suite(name, scratch / f"engine-{name}", say)
            for package in suite.list_packages(_ENGINE, with_libraries=False):
                suite.unpack(package, tree, say)
        except PackageError as error:
            causes.append(str(error))
            continue
        program = tree / "usr" / "sbin" / "dockerd"
        done = attempt([str(program), "--version"], environment=programs.extend({}))
        if done.returncode == 0:
            return say(f"smoke: engine of {suite}: {done.stdout.strip()}")
        causes.append(f"dockerd of {suite} does not run on this machine")
    raise PackageError("; ".join(causes))


def _link(programs: Programs) -> None:
    tools = programs.folder / "bin"
    tools.mkdir()
    for name in ("iptables", "ip6tables"):
        # The names that `update-alternatives` would have made.
        (tools / name).symlink_to(Path("../host/usr/sbin") / f"{name}-nft")
    plugins = programs.configuration / "cli-plugins"
    plugins.mkdir(parents=True)
    for plugin in sorted((programs.folder / "engine" / _PLUGINS).iterdir()):
        (plugins / plugin.name).symlink_to(Path("../../engine") / _PLUGINS / plugin.name)
