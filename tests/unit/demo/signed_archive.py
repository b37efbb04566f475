"""A small Debian archive with a real signature, for tests of what apt and dpkg do with it.

It is a stand-in for a mirror only; apt-get, gpgv and dpkg are the real ones.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

SUITE = "unstable"


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class SignedArchive:
    """Packages under `root`, served at `address`, signed by a key whose public half is `keyring`."""

    root: Path
    address: str
    architecture: str = field(default_factory=lambda: run("dpkg", "--print-architecture").strip())

    def __post_init__(self) -> None:
        self.keyring = self.root / "keyring.gpg"
        self._index = self.root / "dists" / SUITE / "main" / f"binary-{self.architecture}"
        self._index.mkdir(parents=True)
        self._home = self.root / "gnupg"
        self._home.mkdir(mode=0o700)
        self._gpg("--quick-gen-key", "archive@example.org", "rsa2048", "default", "never")
        self._gpg("--output", str(self.keyring), "--export")
        self._paragraphs: list[str] = []

    def add(self, name: str, version: str, files: dict[str, str], depends: str = "") -> None:
        """Build a package from the texts in `files` (path inside: text, all executable) and publish it."""
        tree = self.root / "build"
        for path, text in files.items():
            target = tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(0o755)
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example.org>\n"
            f"{f'Depends: {depends}' if depends else 'Section: misc'}\nDescription: for a test\n"
        )
        (tree / "DEBIAN").mkdir(exist_ok=True)
        (tree / "DEBIAN" / "control").write_text(control)
        package = self.root / "pool" / f"{name}_{version}_all.deb"
        package.parent.mkdir(exist_ok=True)
        run("dpkg-deb", "--build", "--root-owner-group", tree, package)
        shutil.rmtree(tree)
        content = package.read_bytes()
        self._paragraphs.append(
            f"{control}Filename: pool/{package.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
        self.publish()

    def publish(self, valid_until: str = "") -> None:
        """Write and sign the index of all packages added so far."""
        index = "\n".join(self._paragraphs).encode()
        packed = gzip.compress(index, mtime=0)
        (self._index / "Packages.gz").write_bytes(packed)
        release = self._index.parents[1]
        name = f"main/{self._index.name}/Packages"
        text = (
            f"Origin: Test\nSuite: {SUITE}\nCodename: {SUITE}\nArchitectures: {self.architecture}\n"
            f"Components: main\nDate: {formatdate(usegmt=True)}\n{valid_until}"
            f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {name}\n"
            f" {hashlib.sha256(packed).hexdigest()} {len(packed)} {name}.gz\n"
        )
        (release / "Release").write_text(text)
        (release / "InRelease").unlink(missing_ok=True)
        self._gpg("--output", str(release / "InRelease"), "--clearsign", str(release / "Release"))

    def source_line(self) -> str:
        return f"deb [signed-by={self.keyring} target=Packages] {self.address} {SUITE} main\n"

    def _gpg(self, *arguments: str) -> None:
        # gpg's helper listens on a socket in its folder, and the path of a socket is short.
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            home = Path(folder) / "home"
            home.symlink_to(self._home)
            run("gpg", "--homedir", home, "--batch", "--passphrase", "", *arguments)
            # The helper would outlive the test.
            run("gpgconf", "--homedir", home, "--kill", "gpg-agent")
