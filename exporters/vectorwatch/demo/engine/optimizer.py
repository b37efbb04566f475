"""The background thread that flushes collections and lets a child process build one index at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from vectorwatch.demo.engine.collection import Collection
from vectorwatch.demo.engine.errors import NotFound, Refusal
from vectorwatch.demo.engine.index_build import UNCHANGED
from vectorwatch.demo.engine.settings import Settings

_TICK_SECONDS = 0.1


class Optimizer:
    """Looks after the collections that `list_collections` returns, from `start` to `stop`."""

    def __init__(self, list_collections: Callable[[], Sequence[Collection]], settings: Settings) -> None:
        self._list_collections = list_collections
        self._settings = settings
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="optimizer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; an unfinished index is given up, its child process killed."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            for collection in self._list_collections():
                try:
                    self._tend(collection)
                except NotFound:
                    continue  # deleted meanwhile
                except (Refusal, OSError) as error:
                    collection.failure = str(error)

    def _tend(self, collection: Collection) -> None:
        now = monotonic()
        collection.flush_if_due(now)
        if self._is_due(collection, now) and not self._stopping.is_set():
            self._optimize(collection)

    def _is_due(self, collection: Collection, now: float) -> bool:
        backlog = collection.backlog
        if backlog.examined or not backlog.is_quiet(
            now, self._settings.settle_seconds, self._settings.patience_seconds
        ):
            return False
        backlog.examined = True
        return backlog.is_pending(collection.info(), collection.configuration)

    def _optimize(self, collection: Collection) -> None:
        copy = collection.begin_optimization()
        try:
            if self._build_index(copy, collection):
                collection.adopt(copy)
            else:
                collection.discard(copy, None)
        except NotFound:
            collection.discard(copy, None)
        except (Refusal, OSError) as error:
            collection.discard(copy, str(error))

    def _build_index(self, copy: Path, collection: Collection) -> bool:
        """Return whether the child changed the copy. Raises OSError with the child's last words."""
        command = [sys.executable, "-m", "vectorwatch.demo.engine.index_build", str(copy)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
            while True:
                try:
                    _, complaint = child.communicate(timeout=_TICK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if self._stopping.is_set() or collection.closed:
                        child.kill()
        if self._stopping.is_set() or child.returncode == UNCHANGED:
            return False
        if child.returncode == 0:
            return True
        last_words = complaint.strip().splitlines()[-1:] or [f"exit status {child.returncode}"]
        raise OSError(f"optimizer: {last_words[0]}")
