"""What was taken and not yet stored, on disk: like Logstash's queue it survives the end of the process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition
from time import sleep
from typing import Any

Event = dict[str, Any]
"""`fields`, and `metadata`, which is not written into the document."""

_FULL_SECONDS = 1.0


def insist(change: Callable[[], None], wait_seconds: float = _FULL_SECONDS) -> None:
    """Make a change to a queue, again and again while its disk is full."""
    while True:
        try:
            return change()
        except sqlite3.OperationalError as error:
            print(json.dumps({"level": "ERROR", "message": f"queue: {error}; tried again"}), flush=True)
            sleep(wait_seconds)


class Queue:
    """Events in the order in which they came; one that was read stays until it is `forget`ten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._changed = Condition()
        self._file = sqlite3.connect(path, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute(
            "PRAGMA synchronous = NORMAL"
        )  # what was committed survives the end of the process
        self._file.execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, event TEXT NOT NULL)")
        self._file.commit()

    def put(self, events: Sequence[Event]) -> None:
        """Add events; when this returns they are on disk."""
        rows = [(json.dumps(event),) for event in events]
        with self._changed, self._file:
            self._file.executemany("INSERT INTO events (event) VALUES (?)", rows)
            self._changed.notify_all()

    def read(self, most: int) -> list[tuple[int, Event]]:
        """Return the oldest events with their numbers, waiting until there are some."""
        with self._changed:
            while not (rows := self._select(most)):
                self._changed.wait()
        return [(number, json.loads(event)) for number, event in rows]

    def forget(self, numbers: Sequence[int]) -> None:
        """Remove events that are done with."""
        with self._changed, self._file:
            self._file.executemany("DELETE FROM events WHERE id = ?", [(number,) for number in numbers])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        with self._changed:
            return int(self._file.execute("SELECT count(*) FROM events").fetchone()[0])

    @property
    def size_bytes(self) -> int:
        """Return what the queue takes on disk."""
        return sum(path.stat().st_size for path in self.path.parent.glob(f"{self.path.name}*"))

    def _select(self, most: int) -> list[tuple[int, str]]:
        return self._file.execute("SELECT id, event FROM events ORDER BY id LIMIT ?", (most,)).fetchall()
