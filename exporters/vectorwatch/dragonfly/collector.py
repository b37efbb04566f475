"""One scrape of one server: client, then snapshot, then rows."""

from __future__ import annotations

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Sink

from .client import Client
from .info import parse_info
from .metrics import ANSWERS, COMMANDS, DATABASES, MASTERS, REPLICAS, SLOWLOG, SNAPSHOT_TABLES
from .settings import DragonflySettings
from .snapshot import Snapshot, read_snapshot
from .target import RedisTarget


class Collector:
    """Scrapes; keeps a client, and so a connection, for every target it has read."""

    def __init__(self, settings: DragonflySettings) -> None:
        self._slowlog = settings.slowlog
        self._max_commands = settings.max_commands
        self._clients: dict[str, Client] = {}

    async def collect(self, target: RedisTarget, sink: Sink) -> None:
        """Put the rows of `target` into `sink`; what INFO said is kept when another part fails.

        Raises TargetError.
        """
        answer = await self._client(target).read()
        snapshot = read_snapshot(parse_info(answer.info))
        sink.add(ANSWERS, [answer])
        if answer.slowlog is not None:
            sink.add(SLOWLOG, [answer.slowlog])
        self._add(snapshot, sink)
        if answer.problem is not None:
            raise answer.problem
        if snapshot.missing_sections:
            missing = ", ".join(snapshot.missing_sections)
            raise TargetError(Reason.PARTIAL, f"INFO: the answer lacks {missing}")

    def close(self) -> None:
        """Close the kept connections."""
        for client in self._clients.values():
            client.close()

    def _client(self, target: RedisTarget) -> Client:
        client = self._clients.get(target.label)
        if client is None:
            client = self._clients[target.label] = Client(target, slowlog=self._slowlog)
        return client

    def _add(self, snapshot: Snapshot, sink: Sink) -> None:
        for table in SNAPSHOT_TABLES:
            sink.add(table, [snapshot])
        sink.add(DATABASES, snapshot.databases.items())
        sink.add(MASTERS, snapshot.masters.items())
        sink.add(REPLICAS, snapshot.replicas.items())
        sink.add(COMMANDS, snapshot.commands[: self._max_commands])
        sink.dropped += len(COMMANDS.metrics) * max(len(snapshot.commands) - self._max_commands, 0)
