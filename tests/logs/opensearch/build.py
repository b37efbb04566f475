"""Fetch OpenSearch from Maven Central into `.tools/opensearch/`, unless it is there already.

`python -m tests.logs.opensearch.build` prints its class path. OpenSearch is the fork of Elasticsearch 7.10
under the Apache licence: the only server of that family that may be had as a Maven artifact.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vectorwatch.demo.repository import find_repository
from vectorwatch.errors import VectorwatchError

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_SOURCE = _HERE / "Node.java"
_OLDEST_JAVA, _NEWEST_JAVA = 17, 23
"""Java 24 has no security manager, without which OpenSearch 2 does not start."""
_REMEDY = "install openjdk-17-jdk-headless and maven, and put both on PATH"


class OpenSearchError(VectorwatchError):
    """OpenSearch cannot be had on this machine; one line with the cause and the remedy."""


def build(folder: Path | None = None) -> str:
    """Return the class path of OpenSearch and our `Node`. Raises OpenSearchError."""
    folder = folder or find_repository() / ".tools" / "opensearch"
    version = re.findall(r"<version>([\d.]+)</version>", _POM.read_text(encoding="utf-8"))[-1]
    place = folder / version
    javac = _find_java()
    if not (place / "complete").exists():
        _fetch(folder, place)
    classes = place / "classes"
    compiled = classes / "Node.class"
    if not compiled.exists() or compiled.stat().st_mtime < _SOURCE.stat().st_mtime:
        _run([javac, "-cp", f"{place}/lib/*", "-d", str(classes), str(_SOURCE)], "compiling Node.java")
    return f"{classes}:{place}/lib/*"


def _fetch(folder: Path, place: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise OpenSearchError(f"opensearch: no Maven here; {_REMEDY}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        target = ["-DincludeScope=runtime", f"-DoutputDirectory={scratch}/lib"]
        _run([maven, "--batch-mode", "--quiet", "--file", str(_POM), goal, *target], "fetching (about 53 MB)")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        Path(scratch, "lib").rename(place / "lib")
        (place / "complete").touch()


def _find_java() -> str:
    javac = shutil.which("javac")
    if javac is None or shutil.which("java") is None:
        raise OpenSearchError(f"opensearch: no Java development kit here; {_REMEDY}")
    said = subprocess.run([javac, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", said.stdout + said.stderr)
    version = int(found.group(1)) if found else 0
    if not _OLDEST_JAVA <= version <= _NEWEST_JAVA:
        raise OpenSearchError(
            f"opensearch: Java {version} cannot run it, {_OLDEST_JAVA} to {_NEWEST_JAVA} can; {_REMEDY}"
        )
    return javac


def _run(argv: Sequence[str], what: str) -> None:
    said = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    if said.returncode:
        lines = [line for line in (said.stdout + said.stderr).splitlines() if line.strip()]
        raise OpenSearchError(f"opensearch: {what} failed: {lines[0] if lines else said.returncode}")


if __name__ == "__main__":
    print(build())
