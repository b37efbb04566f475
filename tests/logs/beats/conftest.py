"""Both ends of what Filebeat and Logstash speak, and the certificates that `setup` makes for them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vectorwatch.setup.certificate import issue, make_authority

_SOURCE = Path(__file__).parent / "lumberjack"
_BUILD_SECONDS = 300
SERVER = "logstash"


@dataclass(frozen=True)
class Paths:
    """Files of one stack's certificates."""

    authority: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]


def write_certificates(folder: Path) -> Paths:
    """Make what `setup` gives Logstash and Filebeat."""
    folder.mkdir()
    authority = make_authority()
    (folder / "ca.crt").write_bytes(authority.certificate)
    for kind in ("server", "client"):
        pair = issue(authority, kind, kind, [SERVER, "127.0.0.1"] if kind == "server" else [])
        (folder / f"{kind}.crt").write_bytes(pair.certificate)
        (folder / f"{kind}.key").write_bytes(pair.key)
    server, client = ((folder / f"{kind}.crt", folder / f"{kind}.key") for kind in ("server", "client"))
    return Paths(folder / "ca.crt", server, client)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return write_certificates(tmp_path_factory.mktemp("stack") / "certificates")


@pytest.fixture(scope="session")
def of_another_stack(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return write_certificates(tmp_path_factory.mktemp("other") / "certificates")


@pytest.fixture(scope="session")
def lumberjack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build Elastic's library with our few lines around it; left out where there is no Go."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go here, which Elastic's library of the protocol needs")
    program = tmp_path_factory.mktemp("lumberjack") / "lumberjack"
    done = subprocess.run(
        [go, "build", "-o", str(program), "."],
        cwd=_SOURCE,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return program


@dataclass
class Receiver:
    """A server as Logstash's is: it demands a certificate of the authority and confirms what it has taken."""

    port: int
    output: Path

    def events(self) -> list[dict[str, Any]]:
        """Return what has come so far."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]


@pytest.fixture
def receive(
    lumberjack: Path, certificates: Paths, tmp_path: Path, poll: Callable[..., None]
) -> Callable[..., Any]:
    """Run a receiver: `with receive() as receiver:`; the same `port` again after an end of it."""

    @contextmanager
    def run(port: int = 0) -> Iterator[Receiver]:
        output, errors = tmp_path / "events.ndjson", tmp_path / "receiver.txt"
        files = map(str, (certificates.authority, *certificates.server))
        command = [str(lumberjack), "receive", f"127.0.0.1:{port}", *files]
        with output.open("ab") as events, errors.open("wb") as stderr:
            process = subprocess.Popen(command, stdout=events, stderr=stderr)
        try:
            poll(lambda: "listening on" in errors.read_text(), "the receiver listens")
            found = re.search(r"listening on \S+:([0-9]+)", errors.read_text())
            assert found is not None
            yield Receiver(int(found[1]), output)
        finally:
            process.terminate()
            process.wait(10)

    return run


@pytest.fixture
def send(lumberjack: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Send events: `send(port, authority, pair, events, name="logstash")`."""

    def run(
        port: int, authority: Path, pair: Sequence[Path], events: Sequence[object], name: str = SERVER
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [lumberjack, "send", f"127.0.0.1:{port}", name, authority, *pair],
            input="".join(f"{json.dumps(event)}\n" for event in events),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
