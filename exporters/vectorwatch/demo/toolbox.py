"""The tools folder: programs unpacked from Debian packages, with a launcher for each in `bin/`."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vectorwatch.demo.bundles import Bundle, read_version, write_version
from vectorwatch.demo.debian import NoMirrorError, PackageError, PrivateApt, Say, open_suite
from vectorwatch.demo.relocation import relocate, write_launcher

OpenSuite = Callable[[str, Path, Say], PrivateApt]


class Toolbox:
    """Launchers in `<folder>/bin`, packages in `<folder>/packages`; safe to fill from two processes."""

    def __init__(self, folder: Path, say: Say, open_suite: OpenSuite = open_suite) -> None:
        self._folder = folder
        self._say = say
        self._open_suite = open_suite

    def find(self, name: str, bundle: Bundle) -> Path | None:
        """Return the launcher of program `name` if it is here, runs and is new enough."""
        launcher = self._folder / "bin" / name
        version = read_version(launcher) if launcher.is_file() else None
        return launcher if version is not None and version >= bundle.minimum else None

    def fill(self, bundles: Iterable[Bundle]) -> None:
        """Fetch the programs of every bundle that are not here yet. Raises PackageError."""
        with self._own_scratch() as scratch:
            archives: dict[str, PrivateApt] = {}
            for bundle in bundles:
                # Another process may have fetched it while we waited for the lock.
                if not all(self.find(name, bundle) for name in bundle.programs):
                    self._fetch(bundle, scratch, archives)

    @contextmanager
    def _own_scratch(self) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            scratch = self._folder / "fetching"
            shutil.rmtree(scratch, ignore_errors=True)  # left by a run that was killed
            scratch.mkdir()
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def _fetch(self, bundle: Bundle, scratch: Path, archives: dict[str, PrivateApt]) -> None:
        causes: list[str] = []
        for suite in bundle.suites:
            try:
                archive = archives.get(suite) or self._open_suite(suite, scratch / f"apt-{suite}", self._say)
            except NoMirrorError as error:
                causes.append(str(error))
                continue
            archives[suite] = archive
            try:
                return self._fetch_from(archive, bundle, scratch / suite)
            except PackageError as error:
                causes.append(str(error))
        raise PackageError("; ".join(dict.fromkeys(causes)))

    def _fetch_from(self, archive: PrivateApt, bundle: Bundle, staging: Path) -> None:
        root = staging / "packages" / bundle.packages[0]
        for package in archive.list_packages(bundle.packages, with_libraries=bundle.with_libraries):
            archive.unpack(package, root, self._say)
        for name in bundle.programs:
            launcher = staging / "bin" / name
            _install(bundle, name, root, launcher)
            _refuse_unusable(launcher, bundle, archive)
        self._publish(bundle, staging)

    def _publish(self, bundle: Bundle, staging: Path) -> None:
        packages = self._folder / "packages" / bundle.packages[0]
        shutil.rmtree(packages, ignore_errors=True)
        packages.parent.mkdir(exist_ok=True)
        (staging / "packages" / bundle.packages[0]).rename(packages)
        (self._folder / "bin").mkdir(exist_ok=True)
        for name in bundle.programs:
            (staging / "bin" / name).replace(self._folder / "bin" / name)


def _install(bundle: Bundle, name: str, root: Path, launcher: Path) -> None:
    programs = [root / "usr" / "bin" / file_name for file_name in bundle.programs[name]]
    program = next((path for path in programs if path.exists()), None)
    if program is None:
        raise PackageError(f"package {bundle.packages[0]} holds no program {name}")
    relocate(program)
    write_launcher(launcher, program)


def _refuse_unusable(launcher: Path, bundle: Bundle, archive: PrivateApt) -> None:
    version = read_version(launcher)
    if version is None:
        raise PackageError(f"{launcher.name} of {archive} does not run on this machine")
    if version < bundle.minimum:
        raise PackageError(
            f"{launcher.name} of {archive} is {write_version(version)},"
            f" older than {write_version(bundle.minimum)}"
        )
