"""The engine of ours: dockerd in the background for the time of a run, in folders of its own."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from tests.smoke.docker import Docker
from tests.smoke.engine.bridge import has_bridge, remove_bridge
from tests.smoke.engine.programs import Programs
from vectorwatch.errors import VectorwatchError

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_SHOWN_LOG_LINES = 20
# The host's firewall and its routes stay as they are; published ports then go through docker-proxy, and what
# a build fetches through the host's own network.
_LEAVE_HOST_ALONE = ("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")


class EngineError(VectorwatchError):
    """The engine does not start; the message holds the end of its log."""


@contextmanager
def run_engine(programs: Programs) -> Iterator[Docker]:
    """Start dockerd, and stop it at the end. Raises EngineError; needs root."""
    runtime = _find_runtime(programs)
    runtime.mkdir(mode=0o700, exist_ok=True)
    environment = _describe(programs, runtime)
    with (programs.folder / "lock").open("w") as lock:
        # A second run waits for the first to end, for it would find its containers gone.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _stop_left_over(runtime)
        had_bridge = has_bridge()
        daemon = _start(programs, runtime, environment)
        try:
            docker = Docker(environment, is_ours=True)
            _wait(daemon, docker, programs.folder / "dockerd.log")
            _remove_left_over(docker)
            yield docker
        finally:
            if daemon.poll() is None:
                _stop(daemon.pid, daemon)
            _stop_left_over(runtime)  # another one, if this was killed meanwhile
            shutil.rmtree(runtime, ignore_errors=True)
            if not had_bridge:
                remove_bridge()


def kill_engine(programs: Programs) -> None:
    """End the engine by SIGKILL; what it ran runs on."""
    process_id = int((_find_runtime(programs) / "dockerd.pid").read_text())
    os.kill(process_id, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        # Nobody else asks for it, and the next one would take it for alive.
        os.waitpid(process_id, 0)
    while _lives(process_id, None):
        sleep(0.05)


def start_engine(programs: Programs) -> None:
    """Start the engine again after `kill_engine`; return when it answers. Raises EngineError."""
    runtime = _find_runtime(programs)
    environment = _describe(programs, runtime)
    daemon = _start(programs, runtime, environment)
    _wait(daemon, Docker(environment, is_ours=True), programs.folder / "dockerd.log")


def _find_runtime(programs: Programs) -> Path:
    # The path of a socket must be short, so it does not lie in the checkout.
    return Path("/run") / f"vectorwatch-smoke-{_shorten(programs.folder)}"


def _describe(programs: Programs, runtime: Path) -> dict[str, str]:
    return {
        **programs.extend(os.environ),
        "DOCKER_HOST": f"unix://{runtime}/docker.sock",
        "DOCKER_CONFIG": str(programs.configuration),
    }


def _start(programs: Programs, runtime: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [
        "dockerd",
        *_LEAVE_HOST_ALONE,
        f"--data-root={programs.folder / 'data'}",
        f"--exec-root={runtime / 'exec'}",
        f"--pidfile={runtime / 'dockerd.pid'}",
        f"--host=unix://{runtime}/docker.sock",
    ]
    with (programs.folder / "dockerd.log").open("wb") as log:
        # A session of its own: Ctrl-C is for us, and we end it in order.
        return subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(daemon: subprocess.Popen[bytes], docker: Docker, log: Path) -> None:
    deadline = monotonic() + _START_SECONDS
    while docker.attempt("info").returncode:
        if daemon.poll() is not None or monotonic() > deadline:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LOG_LINES:]
            raise EngineError("smoke: the Docker engine does not start:\n" + "\n".join(lines))
        sleep(0.2)


def _remove_left_over(docker: Docker) -> None:
    """Remove what a run that was killed has left in this engine of ours."""
    if containers := docker.run("ps", "--all", "--quiet").split():
        docker.run("rm", "--force", "--volumes", *containers)
    docker.run("volume", "prune", "--all", "--force")
    docker.run("network", "prune", "--force")
    docker.run("image", "prune", "--force")


def _stop_left_over(runtime: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        process_id = int((runtime / "dockerd.pid").read_text())
        if b"dockerd" in Path(f"/proc/{process_id}/cmdline").read_bytes():
            _stop(process_id)


def _stop(process_id: int, daemon: subprocess.Popen[bytes] | None = None) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGTERM)
        deadline = monotonic() + _STOP_SECONDS
        while monotonic() < deadline and _lives(process_id, daemon):
            sleep(0.1)
        if _lives(process_id, daemon):
            os.kill(process_id, signal.SIGKILL)
            if daemon is not None:
                daemon.wait()


def _lives(process_id: int, daemon: subprocess.Popen[bytes] | None) -> bool:
    if daemon is not None:
        return daemon.poll() is None
    with contextlib.suppress(OSError):
        # One that has ended stays there until its parent asks.
        return "State:\tZ" not in Path(f"/proc/{process_id}/status").read_text()
    return False


def _shorten(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:8]
