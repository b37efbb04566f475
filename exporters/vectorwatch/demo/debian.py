"""Debian packages without root: a private apt state, signatures checked, unpacked with `dpkg -x`.

Nothing of the host is changed: apt's state, cache and source list all lie in a folder of ours.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import unquote, urlsplit, urlunsplit

from vectorwatch.errors import VectorwatchError

Say = Callable[[str], None]

HOST = "host"
"""Stands for the suites in the host's own apt sources, whatever they are."""

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
# The host's hooks act on the host (they empty its cache): they are not for our private state.
_CLEAR_HOOKS = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""
_PRIVATE_OPTIONS = (
    "APT::Get::AllowUnauthenticated=false",
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::AllowDowngradeToInsecureRepositories=false",
    # apt's own download user may not be allowed into the checkout (a home folder, say).
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    "Acquire::Retries=1",
    "Acquire::http::Timeout=20",
    "Acquire::https::Timeout=20",
)
_PRINTED_URI = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size_bytes>\d+)", re.MULTILINE)


class PackageError(VectorwatchError):
    """A package that cannot be fetched; the message is the cause alone, without a remedy."""


class NoMirrorError(PackageError):
    """This machine's configuration leads to no Debian mirror; its own suites may still help."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    size_bytes: int


class PrivateApt:
    """One source list with a state of its own in `folder`; the index is fetched at construction.

    `sources` are lines of sources.list, or None for the host's own. Raises PackageError.
    """

    def __init__(self, name: str, sources: str | None, folder: Path, say: Say) -> None:
        self._name = name
        self._folder = folder
        self._options = self._write_state(sources)
        self._fetch_index(say)

    def list_packages(self, names: Sequence[str], *, with_libraries: bool) -> list[Package]:
        """Return what must be downloaded for `names`: themselves, or also what the host lacks for them."""
        install = ["install", "--reinstall", "--no-install-recommends"]
        command = install if with_libraries else ["download"]
        done = self._apt(*command, "--print-uris", "-qq", *names)
        packages = [_read_package(found) for found in _PRINTED_URI.finditer(done.stdout)]
        if done.returncode or not packages:
            raise PackageError(_last_complaint(done) or f"{self._name} has no {' '.join(names)}")
        return packages

    def unpack(self, package: Package, destination: Path, say: Say) -> None:
        """Download `package`, let apt check its hash against the signed index, and unpack it."""
        start = monotonic()
        downloads = self._folder / "downloads"
        downloads.mkdir(exist_ok=True)
        done = self._apt("download", "-qq", f"{package.name}={package.version}", cwd=downloads)
        files = list(downloads.glob(f"{package.name}_*.deb"))
        if done.returncode or len(files) != 1:
            raise PackageError(_last_complaint(done) or f"{package.name} did not arrive")
        destination.mkdir(parents=True, exist_ok=True)
        unpacked = _run(["dpkg", "-x", str(files[0]), str(destination)])
        if unpacked.returncode:
            raise PackageError(_last_complaint(unpacked) or f"dpkg cannot unpack {files[0].name}")
        say(
            f"tools: {package.name} {package.version}: {package.size_bytes / 1e6:.1f} MB"
            f" in {monotonic() - start:.1f} s"
        )
        files[0].unlink()

    def __str__(self) -> str:
        return self._name

    def _write_state(self, sources: str | None) -> list[str]:
        for name in ("state/lists/partial", "cache/archives/partial", "preferences.d"):
            (self._folder / name).mkdir(parents=True)
        hooks = self._folder / "apt.conf"
        hooks.write_text(_CLEAR_HOOKS)
        options = [
            *_PRIVATE_OPTIONS,
            f"Dir::State={self._folder / 'state'}",
            f"Dir::Cache={self._folder / 'cache'}",
            # Container images switch this cache off; without it every call reads the whole index again.
            "Dir::Cache::pkgcache=packages.bin",
            # The host's database of installed packages stays untouched, so its lock is not ours to take.
            "Debug::NoLocking=true",
        ]
        if sources is not None:
            source_list = self._folder / "sources.list"
            source_list.touch(mode=0o600)  # a mirror's address may hold the host's credentials
            source_list.write_text(sources)
            options += [
                f"Dir::Etc::SourceList={source_list}",
                "Dir::Etc::SourceParts=/dev/null",
                f"Dir::Etc::PreferencesParts={self._folder / 'preferences.d'}",
                "Dir::Etc::Preferences=/dev/null",
                # A release file may be past its date where a mirror lags; its signature still counts.
                "Acquire::Check-Valid-Until=false",
            ]
        return ["-c", str(hooks), *(argument for option in options for argument in ("-o", option))]

    def _fetch_index(self, say: Say) -> None:
        start = monotonic()
        done = self._apt("update")
        fetched = re.search(r"^Fetched (\S+ \S+) in", done.stdout, re.MULTILINE)
        if not any(self._folder.glob("state/lists/*Packages*")):
            raise PackageError(f"{self._name} cannot be read: {_last_complaint(done) or 'no index arrived'}")
        size = fetched[1] if fetched else "nothing new"
        say(f"tools: index of {self._name}: {size} in {monotonic() - start:.1f} s")

    def _apt(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return _run(["apt-get", *self._options, *arguments], cwd=cwd)


def open_suite(suite: str, folder: Path, say: Say) -> PrivateApt:
    """Read the index of a Debian suite, or of the suites that the host uses (HOST).

    Raises NoMirrorError when the host knows no Debian mirror, PackageError when apt is missing or fails.
    """
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise PackageError(f"this machine has no {program}, so Debian packages cannot be fetched")
    if suite == HOST:
        return PrivateApt("this machine's own suites", None, folder, say)
    keyring, mirrors = _find_keyring(), find_mirrors(folder)
    # `target=Packages`: the index alone, not the software-centre data that hosts often add (6 MB).
    lines = [f"deb [signed-by={keyring} target=Packages] {mirror} {suite} main" for mirror in mirrors]
    return PrivateApt(f"Debian {suite}", "\n".join([*lines, ""]), folder, say)


def find_mirrors(folder: Path) -> list[str]:
    """Return the addresses in the host's apt sources that may be a Debian mirror; `folder` is for apt.

    Third parties imitate Debian's layout; one of them here costs a failed request and no more, for only
    what Debian's keyring has signed is used. Raises NoMirrorError when there is none.
    """
    state = folder / "sources"
    (state / "lists" / "partial").mkdir(parents=True)
    # What an update would fetch: unlike `indextargets`, it also tells of sources never fetched before.
    listed = _run(["apt-get", "-o", f"Dir::State={state}", "update", "--print-uris"])
    # `bookworm`, never `bookworm-security` or `-backports`: only the main archive has every suite.
    found = re.findall(r"^'(\S+)/dists/[^/'-]+/main/binary-", listed.stdout, re.MULTILINE)
    if not found:
        raise NoMirrorError("this machine's apt sources name no Debian mirror")
    return list(dict.fromkeys(found))


def _find_keyring() -> Path:
    for path in _KEYRINGS:
        if path.is_file():
            return path
    raise NoMirrorError("this machine has no Debian archive keyring, so signatures cannot be checked")


def _read_package(found: re.Match[str]) -> Package:
    name, version, _ = unquote(found["file"]).split("_")
    return Package(name, version, int(found["size_bytes"]))


def _run(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _last_complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return apt's or dpkg's most telling line, without credentials."""
    lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:", "dpkg"))]
    errors = [line for line in lines if line.startswith("E:")]
    failures = [line for line in lines if "Failed to fetch" in line]
    line = next(iter(failures or errors or lines), "")
    return re.sub(r"\S+://\S+", lambda uri: _hide_credentials(uri[0]), line.partition(" ")[2].strip())


def _hide_credentials(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
