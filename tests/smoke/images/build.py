"""Makes stand-in images and our own, and keeps them in the engine for the next run."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.smoke.command import run
from tests.smoke.docker import Docker
from tests.smoke.engine.programs import Programs
from tests.smoke.images import base_system, root_system
from tests.smoke.images.recipe import SUITES, Built, GoModule, GoProgram
from vectorwatch.demo.debian import PackageError, PrivateApt, Say, open_suite
from vectorwatch.demo.repository import find_repository

LABEL = "vectorwatch.stand-in"
"""Says of an image what stands in for what; images built on it inherit the label."""
_CACHE = "vectorwatch-stand-in"
_HERE = Path(__file__).parent
_BUILD_SECONDS = 900
_GO_BUILD_SECONDS = 1800
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class Builder:
    """Builds into one engine; `scratch` is a folder for the time of the run."""

    def __init__(
        self, docker: Docker, fetch_tools: Callable[[], Programs], repository: Path, scratch: Path, say: Say
    ) -> None:
        self._docker = docker
        self._fetch_tools = fetch_tools
        self._repository = repository
        self._scratch = scratch
        self._say = say
        self._suite: PrivateApt | None = None

    def make_go_program(self, recipe: GoProgram, image: str) -> str:
        """Make `image` of a Debian package; return what it is. Raises PackageError, CommandError."""
        cached = f"{_CACHE}/{recipe.package}:{_hash(asdict(recipe), Path(root_system.__file__).read_bytes())}"
        if self._docker.find_image(cached) is None:
            with self._open_scratch() as scratch:
                version = root_system.unpack(recipe, self._open_suite(), scratch / "root", self._say)
                root_system.pack(recipe, scratch / "root", scratch / "root.tar")
                what = f"Debian's {recipe.package} {version}"
                changes = [*root_system.describe(recipe), f'LABEL {LABEL}="{what}"']
                self._import(scratch / "root.tar", cached, changes)
        self._docker.run("tag", cached, image)
        return self.read_label(cached)

    def make_go_module(self, recipe: GoModule, image: str) -> str:
        """Make `image` of a program built with this machine's Go; return what it is.

        The image is kept in the engine, the program in `.tools/`. Raises PackageError, CommandError.
        """
        script = self._repository / recipe.script
        sources = (
            script.read_bytes(),
            script.with_name("versions").read_bytes(),
            Path(root_system.__file__).read_bytes(),
        )
        cached = f"{_CACHE}/{recipe.program}:{_hash(asdict(recipe), *sources)}"
        if self._docker.find_image(cached) is None:
            folder = find_repository() / ".tools" / recipe.program
            self._say(f"smoke: building {recipe.program} from its Go module: some minutes the first time")
            told = run([str(script), str(folder)], timeout_seconds=_GO_BUILD_SECONDS)
            what = f"{recipe.module} {told.split('(')[-1].rstrip().rstrip(')')}, built from its Go module"
            as_program = recipe.as_program()
            with self._open_scratch() as scratch:
                built, suite = folder / recipe.program, self._open_suite()
                root_system.unpack_beside(built, suite, scratch / "root", self._say)
                root_system.pack(as_program, scratch / "root", scratch / "root.tar")
                changes = [*root_system.describe(as_program), f'LABEL {LABEL}="{what}"']
                self._import(scratch / "root.tar", cached, changes)
        self._docker.run("tag", cached, image)
        return self.read_label(cached)

    def make_python(self, image: str) -> str:
        """Make `image`, an official Python by name, of Debian's; return what it is. Raises PackageError."""
        python = base_system.read_python(image)
        base = f"{_CACHE}/base:{_hash(base_system.describe(python))}"
        if self._docker.find_image(base) is None:
            with self._open_scratch() as scratch:
                self._say("smoke: making a small Debian to build on, which takes about a minute")
                archive = base_system.make_base_system(
                    python, scratch, self._fetch_tools().extend(os.environ)
                )
                self._import(archive, base, [f'LABEL {LABEL}="Debian\'s {python}"'])
        if not _CERTIFICATES.is_file():
            raise PackageError(f"this machine has no {_CERTIFICATES}; install ca-certificates")
        with self._open_scratch() as scratch:
            shutil.copy(_HERE / "python" / "Dockerfile", scratch)
            shutil.copy(_CERTIFICATES, scratch)
            self._build(image, scratch, scratch / "Dockerfile", BASE=base, PYTHON=python)
        return self.read_label(image)

    def make_built(self, recipe: Built, image: str, base: str) -> str:
        """Make `image` from its Dockerfile on `base`, a Python; return what it is."""
        folder = _HERE / recipe.folder
        context = self._repository / recipe.context if recipe.context else folder
        self._build(image, context, folder / "Dockerfile", label=recipe.what, BASE=base)
        return self.read_label(image)

    def make_own(self, image: str, context: Path, target: str) -> None:
        """Build one of our own images as the compose file says."""
        self._build(image, context, context / "Dockerfile", target=target)

    def read_label(self, image: str) -> str:
        """Return what an image is if it is no official one; empty for that, and for one that is not here."""
        found = self._docker.find_image(image) or {}
        labels = found.get("Config", {}).get("Labels") or {}
        return str(labels.get(LABEL, ""))

    def _build(
        self, image: str, context: Path, file: Path, target: str = "", label: str = "", **arguments: str
    ) -> None:
        passed = [f"--build-arg={name}" for name in _PASSED_ON if name in self._docker.environment]
        passed += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        passed += [f"--target={target}"] if target else []
        passed += [f"--label={LABEL}={label}"] if label else []
        # The host's network: an engine that leaves the host's firewall alone gives builds no way out.
        command = [
            "build",
            "--quiet",
            "--network=host",
            f"--tag={image}",
            f"--file={file}",
            *passed,
            str(context),
        ]
        self._docker.run(*command, timeout_seconds=_BUILD_SECONDS)

    def _import(self, archive: Path, image: str, changes: list[str]) -> None:
        options = [argument for change in changes for argument in ("--change", change)]
        self._docker.run("import", *options, str(archive), image, timeout_seconds=_BUILD_SECONDS)

    @contextmanager
    def _open_scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            # The users of a container, and mmdebstrap's, pass through it.
            Path(folder).chmod(0o755)
            yield Path(folder)

    def _open_suite(self) -> PrivateApt:
        """Return the newest suite that can be read; its index serves all packages of this run."""
        causes = []
        for name in SUITES:
            if self._suite is not None:
                break
            try:
                self._suite = open_suite(name, self._scratch / name, self._say)
            except PackageError as error:
                causes.append(str(error))
        if self._suite is None:
            raise PackageError("; ".join(causes))
        return self._suite


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
