"""The cases of tests/logs/filebeat-cases/ with the real Filebeat; left out where its image is not.

Written where no image could be pulled: its steps were tried with events of a stand-in, never with Filebeat.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from .cases import FILES, REPOSITORY, Case, Event, Step, read_cases
from .conftest import Paths

_FOLDERS = ("/var/lib/docker/containers", "/var/log/vectorwatch", "/var/lib/vectorwatch/inbox")
_DATA = "/usr/share/filebeat/data"
_QUIET_POLLS = 100  # five seconds without a further event: above what filebeat.yml allows for one


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker") or "docker"
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    document = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    found = document["services"].get("filebeat")
    if (
        found is None
        or shutil.which("docker") is None
        or docker("image", "inspect", found["image"]).returncode
    ):
        # In CI too: the image is more than half a gigabyte. The summary names what was skipped.
        pytest.skip(
            "the image of Filebeat that docker-compose.yml names is not here; `docker compose pull filebeat`"
        )
    return dict(found)


class Run:
    """One Filebeat and one receiver, over files below `root`."""

    def __init__(
        self,
        root: Path,
        service: dict[str, Any],
        certificates: Paths,
        receive: Callable[..., Any],
        poll: Callable[..., None],
    ) -> None:
        self._root = root
        self._service = service
        self._receive = receive
        self._poll = poll
        self._connection = ExitStack()
        self._name = f"vectorwatch-filebeat-{uuid4().hex[:8]}"
        for folder in _FOLDERS:
            self.place(folder).mkdir(parents=True)
        self._secrets = root / "secrets"
        self._secrets.mkdir()
        named = zip(("client.crt", "client.key"), certificates.client, strict=True)
        for name, path in (("ca.crt", certificates.authority), *named):
            shutil.copy(path, self._secrets / name)
        self.connect()
        self.start()

    def place(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def connect(self, port: int = 0) -> None:
        self._receiver = self._connection.enter_context(self._receive(port))

    def start(self) -> None:
        mounts = [f"{self.place(folder)}:{folder}:ro" for folder in _FOLDERS]
        # Its data in a volume: root without further rights cannot write into a folder of another user.
        mounts += [f"{self._name}:{_DATA}", f"{self._secrets}:/run/secrets:ro"]
        mounts += [f"{REPOSITORY / 'filebeat'}:/etc/filebeat:ro"]
        done = docker(
            *(
                "run",
                "--detach",
                "--rm",
                "--name",
                self._name,
                "--user",
                "0:0",
                "--read-only",
                "--tmpfs",
                "/tmp",
            ),
            *("--cap-drop", "ALL", "--cap-add", "DAC_READ_SEARCH", "--security-opt", "no-new-privileges"),
            *("--network", "host", "--add-host", "logstash:127.0.0.1"),
            *(word for mount in mounts for word in ("--volume", mount)),
            self._service["image"],
            *self._service["command"],
            *("-E", f'output.logstash.hosts=["logstash:{self._receiver.port}"]', "-E", "http.enabled=false"),
        )
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        docker("stop", "--time", "60", self._name)

    def end(self) -> None:
        docker("rm", "--force", self._name)
        docker("volume", "rm", "--force", self._name)
        self._connection.close()

    def events(self) -> list[Event]:
        found = self._receiver.events()
        return [Event(one["fields"]["log_type"], one.get("stream", ""), one["message"]) for one in found]

    def play(self, step: Step) -> None:
        if step.verb in ("append", "write"):
            path = self.place(FILES[step.subject])
            path.parent.mkdir(exist_ok=True)
            with path.open("a" if step.verb == "append" else "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in step.lines)
        elif step.verb == "rename":
            self.place(FILES[step.subject]).rename(self.place(FILES[step.to]))
        elif step.verb == "remove":
            self.place(FILES[step.subject]).unlink()
        elif step.verb == "await":
            wanted = int(step.subject)
            self._poll(lambda: len(self.events()) >= wanted, f"{wanted} events; there are {self.events()}")
        elif step.verb == "disconnect":
            self._connection.close()
        elif step.verb == "connect":
            self.connect(self._receiver.port)
        else:
            getattr(self, step.verb)()


@pytest.fixture
def run(
    tmp_path: Path,
    service: dict[str, Any],
    certificates: Paths,
    receive: Callable[..., Any],
    poll: Callable[..., None],
) -> Iterator[Run]:
    run = Run(tmp_path / "host", service, certificates, receive, poll)
    yield run
    run.end()


def settle(run: Run, poll: Callable[..., None]) -> None:
    """Wait until nothing has come for a while, so that what comes twice is seen."""
    counts: list[int] = []

    def is_quiet() -> bool:
        counts.append(len(run.events()))
        return len(counts) > _QUIET_POLLS and counts[-_QUIET_POLLS] == counts[-1]

    poll(is_quiet, "no further events")


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: str(case.name))
def test_each_line_comes_once_whatever_happens_to_its_file(
    run: Run, case: Case, poll: Callable[..., None]
) -> None:
    for step in case.steps:
        run.play(step)
    settle(run, poll)
    assert Counter(run.events()) == Counter(case.events)
