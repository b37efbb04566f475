from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vectorwatch.demo import guard

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def watched() -> Iterator[Start]:
    """Start programs in process groups of their own."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def keeper() -> Iterator[subprocess.Popen[bytes]]:
    """A guard, run as the supervisor runs it."""
    process = subprocess.Popen([sys.executable, "-I", "-S", guard.__file__], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


def tell(keeper: subprocess.Popen[bytes], *lines: str) -> None:
    assert keeper.stdin
    keeper.stdin.write("".join(f"{line}\n" for line in lines).encode())
    keeper.stdin.flush()


def test_groups_end_when_the_pipe_ends(keeper: subprocess.Popen[bytes], watched: Start) -> None:
    service = watched("sleep", "600")
    tell(keeper, f"+{service.pid}")
    keeper.communicate(timeout=30)
    assert service.wait(30) == -signal.SIGTERM


def test_a_group_that_ignores_sigterm_is_killed(keeper: subprocess.Popen[bytes], watched: Start) -> None:
    service = watched("sh", "-c", 'trap "" TERM; echo ready; while :; do sleep 0.1; done')
    assert service.stdout
    assert service.stdout.readline() == b"ready\n"
    tell(keeper, f"+{service.pid}")
    keeper.communicate(timeout=30)
    assert service.wait(30) == -signal.SIGKILL


def test_a_group_taken_off_the_list_is_left_alone(keeper: subprocess.Popen[bytes], watched: Start) -> None:
    ended, kept = watched("sleep", "600"), watched("sleep", "600")
    tell(keeper, f"+{ended.pid}", f"+{kept.pid}", f"-{kept.pid}")
    keeper.communicate(timeout=30)
    assert ended.wait(30) == -signal.SIGTERM
    assert kept.poll() is None


def test_groups_that_are_gone_do_not_hold_it_up(keeper: subprocess.Popen[bytes], watched: Start) -> None:
    gone = watched("true")
    gone.wait(30)
    tell(keeper, f"+{gone.pid}")
    keeper.communicate(timeout=30)
    assert keeper.returncode == 0


def test_signals_for_the_terminal_do_not_end_it(
    keeper: subprocess.Popen[bytes], watched: Start, poll: Callable[..., None]
) -> None:
    service = watched("sleep", "600")
    status = Path(f"/proc/{keeper.pid}/status")

    def ignores_sigterm() -> bool:
        mask = next(line for line in status.read_text().splitlines() if line.startswith("SigIgn"))
        return bool(int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    poll(ignores_sigterm, "the guard is up")
    for number in (signal.SIGINT, signal.SIGTERM):
        keeper.send_signal(number)
    tell(keeper, f"+{service.pid}")
    keeper.communicate(timeout=30)
    assert service.wait(30) == -signal.SIGTERM
