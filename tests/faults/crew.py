"""Runs trials side by side, each demo in a process of its own: it belongs to the thread that started it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.outcome import Outcome, write_now
from tests.faults.results import name_file, read_outcome
from vectorwatch.demo.interruption import Interruption

_LOOK_SECONDS = 0.5

Note = Callable[[Outcome], None]


@dataclass
class Member:
    """A process that runs trials in turn, and the names of those that are not done."""

    process: subprocess.Popen[bytes]
    log: Path
    waiting: list[str]


class Crew:
    """Runs `python -m tests.faults --into <folder> <name>…` for each of several lists of names."""

    def __init__(self, folder: Path, options: Sequence[str], interruption: Interruption) -> None:
        self._folder = folder
        self._options = options
        self._interruption = interruption
        self._members: list[Member] = []

    def run(self, shares: Sequence[Sequence[str]], note: Note) -> None:
        """Run all trials and note the outcome of each as it ends. Raises InterruptionError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            for share in shares:
                self._members.append(self._start(share))
            while self._members:
                for member in list(self._members):
                    self._look_at(member, note)
                self._interruption.pause(_LOOK_SECONDS)
        finally:
            self._end()

    def _start(self, names: Sequence[str]) -> Member:
        for name in names:
            name_file(self._folder, name).unlink(missing_ok=True)
        log = self._folder / f"{names[0]}.log"
        command = [sys.executable, "-m", "tests.faults", "--into", str(self._folder), *self._options, *names]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
        return Member(process, log, list(names))

    def _look_at(self, member: Member, note: Note) -> None:
        # Before the results: what is written then is written.
        ended = member.process.poll() is not None
        for name in list(member.waiting):
            result = name_file(self._folder, name)
            if result.is_file():
                member.waiting.remove(name)
                note(read_outcome(json.loads(result.read_text(encoding="utf-8"))))
        if ended:
            self._members.remove(member)
            for name in member.waiting:
                note(_give_up(name, member))

    def _end(self) -> None:
        for member in self._members:
            member.process.terminate()
        for member in self._members:
            member.process.wait()


def _give_up(name: str, member: Member) -> Outcome:
    """Return that there is no outcome, and the last word of the process."""
    lines = member.log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = lines[-1].strip() if lines else "it said nothing"
    return Outcome(name, write_now(), failures=[f"not tried, since its process ended: {last}"])
