"""One collection: a shard of the real engine, its configuration, and the change to a better indexed copy.

The engine's Python binding holds the interpreter lock during each call, `optimize` included (measured: 20,000
vectors of 128 dimensions freeze all threads for 6 s). So the optimizer works on a copy in a child process,
writes that arrive meanwhile are kept and replayed on the copy, and then the copy takes over.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Any, TypeVar

import qdrant_edge as edge

from vectorwatch.demo.engine.backlog import Backlog
from vectorwatch.demo.engine.configuration import patch_configuration
from vectorwatch.demo.engine.durable_json import read_json, write_json
from vectorwatch.demo.engine.engine_config import build_engine_config
from vectorwatch.demo.engine.errors import NotFound, from_engine
from vectorwatch.demo.engine.fields import Fields
from vectorwatch.demo.engine.shard_folder import copy_shard_folder, name_shard_folder, remove_other_shards
from vectorwatch.demo.engine.strict_mode import StrictMode

Answer = TypeVar("Answer")
Shard = edge.EdgeShard

_FILE = "collection.json"
_ENGINE_PARTS = ("params", "hnsw_config", "optimizer_config", "quantization_config")


class Collection:
    """Reads and writes may come from any thread."""

    def __init__(self, folder: Path, record: dict[str, Any], shard_folder: Path, shard: Shard) -> None:
        self.name: str = record["name"]
        self.configuration: dict[str, Any] = record["configuration"]
        self.index_schemas: dict[str, Any] = record["index_schemas"]
        self.strict_mode = StrictMode(self.configuration.get("strict_mode_config"))
        self.backlog = Backlog(
            points_at_start=shard.info().points_count, reconfigured=record.get("reconfigured", False)
        )
        self.optimizing = False
        self.failure: str | None = None
        self.closed = False
        self._folder = folder
        self._shard_folder = shard_folder
        self._shard = shard
        self._operations = 0
        self._unflushed_since: float | None = None
        self._journal: list[tuple[edge.UpdateOperation, int]] = []
        # Writers hold both, readers the second only: a copy keeps writers waiting but not readers.
        self._write_lock = RLock()
        self._engine_lock = RLock()

    @classmethod
    @from_engine
    def create(cls, folder: Path, name: str, configuration: dict[str, Any]) -> Collection:
        """Create an empty collection in `folder`, which must not exist."""
        config = build_engine_config(configuration)
        folder.mkdir(parents=True)
        try:
            shard_folder = name_shard_folder(folder)
            shard_folder.mkdir()
            shard = Shard.create(str(shard_folder), config)
            record = {"name": name, "configuration": configuration, "index_schemas": {}}
            collection = cls(folder, record, shard_folder, shard)
            collection._save()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return collection

    @classmethod
    @from_engine
    def load(cls, folder: Path) -> Collection | None:
        """Return the collection in `folder`, None when its creation was never finished."""
        if not (folder / _FILE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            return None
        record = read_json(folder / _FILE)
        shard_folder = folder / record["shard"]
        remove_other_shards(folder, shard_folder)
        config = build_engine_config(record["configuration"])
        return cls(folder, record, shard_folder, Shard.load(str(shard_folder), config))

    @from_engine
    def read(self, action: Callable[[Shard], Answer]) -> Answer:
        """Return what `action` finds in the shard."""
        with self._engine_lock:
            self._refuse_closed()
            return action(self._shard)

    @from_engine
    def write(self, operation: edge.UpdateOperation, points: int = 0) -> int:
        """Apply an operation and return its number; `points` are those it stores or overwrites."""
        with self._write_lock, self._engine_lock:
            self._refuse_closed()
            self._shard.update(operation)
            if self.optimizing:
                self._journal.append((operation, points))
            now = monotonic()
            self.backlog.note_write(now, points)
            self._unflushed_since = self._unflushed_since or now
            self._operations += 1
            return self._operations

    def info(self) -> edge.ShardInfo:
        """Return the engine's counts."""
        return self.read(lambda shard: shard.info())

    @property
    def status(self) -> str:
        """Return Qdrant's colour: red after a failed optimization, yellow while one runs or is due."""
        if self.failure is not None:
            return "red"
        pending = self.optimizing or self.backlog.is_pending(self.info(), self.configuration)
        return "yellow" if pending else "green"

    def remember_index(self, field_name: str, schema: Any) -> None:
        """Keep the parameters of a payload index (None: it is gone), which the engine does not tell."""
        with self._write_lock:
            self.index_schemas.pop(field_name, None)
            if schema is not None:
                self.index_schemas[field_name] = schema
            self._save()

    @from_engine
    def reconfigure(self, body: Fields) -> None:
        """Apply a PATCH request; existing segments follow when the optimizer has run."""
        with self._write_lock, self._engine_lock:
            self._refuse_closed()
            changed = patch_configuration(self.configuration, body)
            if any(changed[part] != self.configuration[part] for part in _ENGINE_PARTS):
                self._reload(build_engine_config(changed))
                self.backlog.reconfigured = True
                self.backlog.blocked = self.backlog.examined = False
            self.configuration = changed
            self.strict_mode = StrictMode(changed.get("strict_mode_config"))
            self._save()

    def flush_if_due(self, now: float) -> None:
        """Flush when the oldest unflushed write is `flush_interval_sec` old, as Qdrant does.

        Without it the log grows; a kill loses nothing either way."""
        interval = self.configuration["optimizer_config"]["flush_interval_sec"]
        if self._unflushed_since is not None and now - self._unflushed_since >= interval:
            self._flush()

    def close(self, *, remove: bool = False) -> None:
        """Flush and close; `remove` deletes the data as well."""
        with self._write_lock, self._engine_lock:
            if not self.closed:
                self.closed = True
                self._shard.close()
        if remove:
            # The record first: a half-removed folder must not come back at the next start.
            (self._folder / _FILE).unlink(missing_ok=True)
            shutil.rmtree(self._folder, ignore_errors=True)

    def begin_optimization(self) -> Path:
        """Return a copy of the shard to optimize; writes are kept for it from now on."""
        with self._write_lock:
            self._refuse_closed()
            self._flush()
            copy = name_shard_folder(self._folder)
            copy_shard_folder(self._shard_folder, copy)
            self._journal = []
            self.backlog.reconfigured = False
            self.optimizing = True
        return copy

    @from_engine
    def adopt(self, copy: Path) -> None:
        """Replay what was written meanwhile on the optimized copy and serve from it."""
        with self._write_lock:
            self._refuse_closed()
            shard = Shard.load(str(copy), build_engine_config(self.configuration))
            self.backlog.settle(shard.info(), self.configuration)
            self._replay_journal(shard)
            with self._engine_lock:
                retired, retired_folder = self._shard, self._shard_folder
                self._shard, self._shard_folder = shard, copy
            self._save()
            self._end_optimization(None)
        retired.close()
        shutil.rmtree(retired_folder, ignore_errors=True)

    def discard(self, copy: Path, failure: str | None) -> None:
        """Drop a copy that is not better (no `failure`) or could not be optimized."""
        with self._write_lock:
            if failure is None and not self.closed:
                self.backlog.settle(self.info(), self.configuration)
                self._save()
            self.backlog.blocked = failure is not None
            self._end_optimization(failure)
        shutil.rmtree(copy, ignore_errors=True)

    def _replay_journal(self, shard: Shard) -> None:
        for operation, points in self._journal:
            shard.update(operation)
            self.backlog.note_write(monotonic(), points)
        shard.flush()

    def _reload(self, config: edge.EdgeConfig) -> None:
        self._shard.close()
        try:
            self._shard = Shard.load(str(self._shard_folder), config)
        except Exception:
            self._shard = Shard.load(str(self._shard_folder), build_engine_config(self.configuration))
            raise

    def _end_optimization(self, failure: str | None) -> None:
        self.optimizing = False
        self.failure = failure
        self._journal = []

    @from_engine
    def _flush(self) -> None:
        with self._engine_lock:
            self._refuse_closed()
            self._unflushed_since = None
            self._shard.flush()

    def _refuse_closed(self) -> None:
        if self.closed:
            raise NotFound(f"Collection `{self.name}` doesn't exist!")

    def _save(self) -> None:
        record = {
            "name": self.name,
            "configuration": self.configuration,
            "index_schemas": self.index_schemas,
            "shard": self._shard_folder.name,
            # The engine would not tell after a restart that its segments are of an older configuration.
            "reconfigured": self.backlog.reconfigured,
        }
        write_json(self._folder / _FILE, record)
