"""Everything here happens to real processes: a shell that sleeps is the service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vectorwatch.demo import supervisor as subject
from vectorwatch.demo.interruption import Interruption, InterruptionError
from vectorwatch.demo.supervisor import Running, Service, ServiceError, Supervisor

SLEEP = ("sleep", "600")
# A program that starts another one: both write their process ids.
FAMILY = ("sh", "-c", 'sleep 600 & echo $! >"$CHILD"; echo $$ >"$PARENT"; wait')
Poll = Callable[..., None]


def lives(process_id: int) -> bool:
    """Tell whether the process runs; a zombie that nobody collected does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def ignore(running: Running) -> None:
    """Announce nothing."""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs", Interruption()) as running:
        yield running


def describe_family(tmp_path: Path, command: tuple[str, ...] = FAMILY) -> Service:
    child, parent = tmp_path / "child", tmp_path / "parent"
    return Service(
        "family",
        command,
        ready=lambda: parent.exists() and parent.read_text() != "",
        environment={"CHILD": str(child), "PARENT": str(parent)},
    )


def read_family(tmp_path: Path) -> list[int]:
    return [int((tmp_path / name).read_text()) for name in ("parent", "child")]


def test_services_start_together_and_each_is_announced_once(supervisor: Supervisor) -> None:
    announced: list[str] = []
    started = {"first": False, "second": False}

    def ready_when_other_started(name: str, other: str) -> Callable[[], bool]:
        def ready() -> bool:
            started[name] = True
            return started[other]

        return ready

    supervisor.start(
        [
            Service("first", SLEEP, ready_when_other_started("first", "second")),
            Service("second", SLEEP, ready_when_other_started("second", "first")),
        ],
        announce=lambda running: announced.append(running.service.name),
    )
    assert sorted(announced) == ["first", "second"]


def test_start_up_seconds_are_measured(supervisor: Supervisor) -> None:
    seconds: list[float | None] = []
    supervisor.start(
        [Service("one", SLEEP, lambda: True)], lambda running: seconds.append(running.ready_seconds)
    )
    assert seconds[0] is not None
    assert seconds[0] >= 0


def test_a_service_that_ends_early_is_shown_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    broken = Service("broken", ("sh", "-c", "seq 1 100; echo no such file; exit 3"), ready=lambda: False)
    with pytest.raises(ServiceError) as caught:
        supervisor.start([broken], ignore)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("demo: broken ended with exit code 3; the end of ")
    assert lines[-1] == "no such file"
    assert "100" in lines
    assert "1" not in lines


def test_a_service_that_never_gets_ready_is_named_at_the_deadline(supervisor: Supervisor) -> None:
    with pytest.raises(ServiceError, match=r"demo: slow is not ready after 0\.2 s"):
        supervisor.start([Service("slow", SLEEP, lambda: False)], ignore, deadline_seconds=0.2)


def test_a_program_that_does_not_exist_is_named(supervisor: Supervisor) -> None:
    missing = Service("ghost", ("/no/such/program",), lambda: True)
    with pytest.raises(ServiceError, match="ghost cannot start: /no/such/program: No such file or directory"):
        supervisor.start([missing], ignore)


def test_an_exception_leaves_no_process_behind(tmp_path: Path) -> None:
    def announce_badly(running: Running) -> None:
        raise KeyError(running.service.name)

    with pytest.raises(KeyError), Supervisor(tmp_path, Interruption()) as supervisor:
        supervisor.start([describe_family(tmp_path)], announce_badly)
    assert [lives(process_id) for process_id in read_family(tmp_path)] == [False, False]


def test_a_failed_start_takes_the_other_services_along(tmp_path: Path) -> None:
    child, parent = tmp_path / "child", tmp_path / "parent"
    # It fails only when the family is complete, so that there is something to take along.
    broken = Service(
        "broken", ("sh", "-c", f"until [ -s {child} ] && [ -s {parent} ]; do :; done; exit 1"), bool
    )
    with pytest.raises(ServiceError), Supervisor(tmp_path, Interruption()) as supervisor:
        supervisor.start([describe_family(tmp_path), broken], ignore)
    assert not any(lives(process_id) for process_id in read_family(tmp_path))


def test_a_service_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "STOP_GRACE_SECONDS", 0.3)
    deaf = ("sh", "-c", 'trap "" TERM; sleep 600 & echo $! >"$CHILD"; echo $$ >"$PARENT"; wait; wait')
    with Supervisor(tmp_path, Interruption()) as supervisor:
        supervisor.start([describe_family(tmp_path, deaf)], ignore)
    assert not any(lives(process_id) for process_id in read_family(tmp_path))


def test_a_frozen_service_gets_to_end_by_itself(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    script = f'trap "echo farewell >{journal}; exit" TERM; : >{tmp_path}/ready; while :; do sleep 0.01; done'
    with Supervisor(tmp_path, Interruption()) as supervisor:
        supervisor.start([Service("frozen", ("sh", "-c", script), (tmp_path / "ready").exists)], ignore)
        process_id = supervisor.process_id("frozen")
        os.killpg(process_id, signal.SIGSTOP)
    assert not lives(process_id)
    assert journal.read_text() == "farewell\n"


def test_every_service_is_asked_to_end_before_it_is_killed(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    script = 'trap \'echo "$NAME" >>"$JOURNAL"; exit 0\' TERM; : >"$READY"; while :; do sleep 0.01; done'

    def describe(name: str) -> Service:
        ready = tmp_path / f"{name}.ready"
        environment = {"NAME": name, "JOURNAL": str(journal), "READY": str(ready)}
        return Service(name, ("sh", "-c", script), ready.exists, environment=environment)

    with Supervisor(tmp_path, Interruption()) as supervisor:
        supervisor.start([describe("first"), describe("last")], ignore)
    assert sorted(journal.read_text().split()) == ["first", "last"]


def test_a_killed_service_can_be_started_again(supervisor: Supervisor) -> None:
    service = Service("cache", SLEEP, lambda: True)
    supervisor.start([service], ignore)
    first = supervisor.process_id("cache")
    supervisor.kill("cache")
    assert not lives(first)
    supervisor.start([service], ignore)
    assert lives(supervisor.process_id("cache"))


def test_a_service_that_ends_by_itself_is_reported_once(supervisor: Supervisor, poll: Poll) -> None:
    supervisor.start([Service("cache", SLEEP, lambda: True)], ignore)
    assert supervisor.collect_ended() == []
    os.kill(supervisor.process_id("cache"), signal.SIGKILL)
    reports: list[str] = []

    def noticed() -> bool:
        reports.extend(supervisor.collect_ended())
        return reports != []

    poll(noticed, "the end is noticed")
    assert reports[0].startswith("demo: cache was ended by SIGKILL; the end of ")
    assert supervisor.collect_ended() == []


def test_an_interruption_ends_the_wait_for_readiness(tmp_path: Path) -> None:
    interruption = Interruption()

    def never_ready() -> bool:
        interruption.ask()
        return False

    with pytest.raises(InterruptionError), Supervisor(tmp_path, interruption) as supervisor:
        supervisor.start([Service("slow", SLEEP, never_ready)], ignore)


SCRIPT = """
import sys
from pathlib import Path
from vectorwatch.demo.interruption import InterruptionError, catch_signals
from vectorwatch.demo.supervisor import Service, Supervisor

folder = Path(sys.argv[1])
parent, child = folder / "parent", folder / "child"
family = Service("family", {family!r}, lambda: parent.exists() and parent.read_text() != "",
                 environment={{"CHILD": str(child), "PARENT": str(parent)}})
try:
    with catch_signals() as interruption, Supervisor(folder, interruption) as supervisor:
        supervisor.start([family], lambda running: None)
        (folder / "guard").write_text(str(supervisor._guard.pid))
        while True:
            interruption.pause(60)
except InterruptionError:
    (folder / "goodbye").touch()
"""


@pytest.fixture
def supervising_process(tmp_path: Path, poll: Poll) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that supervises a family and waits for a signal."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT.format(family=FAMILY), str(tmp_path)])
    guard = tmp_path / "guard"
    poll(lambda: guard.exists() and guard.read_text() != "", "the supervising process runs")
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_to_the_supervisor_ends_the_family(
    supervising_process: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    supervising_process.send_signal(number)
    assert supervising_process.wait(30) == 0
    assert (tmp_path / "goodbye").exists()
    assert not any(lives(process_id) for process_id in read_family(tmp_path))


def test_a_killed_supervisor_leaves_neither_family_nor_guard(
    supervising_process: subprocess.Popen[bytes], tmp_path: Path, poll: Poll
) -> None:
    processes = [*read_family(tmp_path), int((tmp_path / "guard").read_text())]
    assert all(lives(process_id) for process_id in processes)
    supervising_process.kill()
    poll(lambda: not any(lives(process_id) for process_id in processes), "all of them end")


def test_a_service_ends_when_supervisor_and_guard_are_killed_together(
    supervising_process: subprocess.Popen[bytes], tmp_path: Path, poll: Poll
) -> None:
    os.kill(int((tmp_path / "guard").read_text()), signal.SIGKILL)
    supervising_process.kill()
    parent, child = read_family(tmp_path)
    poll(lambda: not lives(parent), "the kernel ends the service")
    os.kill(child, signal.SIGKILL)  # nobody was left to do it
