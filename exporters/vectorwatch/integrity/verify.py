"""Ask all servers and gather the findings; what cannot be asked is a failure, never a finding."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from vectorwatch.errors import TargetError
from vectorwatch.serve.http_client import JsonClient, StatusError, open_session
from vectorwatch.serve.http_target import HttpTarget

from .answer import Collection, Issue, Spread
from .checks import (
    check_aliases,
    check_collection,
    check_issues,
    check_likeness,
    check_missing,
    check_other,
    check_replicas,
    check_spread,
)
from .client import NOT_FOUND, StoreClient
from .expectations import CollectionExpectation, Expectations, Likeness, ServerExpectation
from .findings import Report, describe_failure
from .sample import check_payload

_CONNECTIONS = 4  # to one server: it has users to serve
_SAMPLE_POINTS = 100


@dataclass
class Verifier:
    """One look at the servers of a file."""

    servers: Mapping[str, ServerExpectation]
    session: aiohttp.ClientSession
    timeout_seconds: float
    report: Report = field(default_factory=Report)

    async def look(self) -> Report:
        """Return what was found on all servers."""
        await asyncio.gather(*(self._look_at(name, expected) for name, expected in self.servers.items()))
        for noted in (self.report.failures, self.report.notes):
            noted[:] = sorted(set(noted))
        return self.report

    async def _look_at(self, server: str, expected: ServerExpectation) -> None:
        try:
            client = self._connect(expected)
            names = await client.names()
            aliases = await client.aliases()
            issues = await client.issues()
        except TargetError as error:
            self.report.failures.append(f"{server}: {expected.url}: {describe_failure(error)}")
            return
        if issues is None:
            self.report.notes.append(f"{server}: this key may not read /issues: slow filters are not seen")
        self.report.add(server, None, check_aliases(expected.aliases, aliases, names))
        for name, collection in expected.collections.items():
            self.report.collections += 1
            missing = list(check_missing(name, names, aliases))
            self.report.add(server, name, missing)
            if missing:
                continue
            try:
                await self._look_at_collection(client, server, name, collection, issues or ())
            except TargetError as error:
                self.report.failures.append(f"{server}/{name}: {expected.url}: {describe_failure(error)}")

    async def _look_at_collection(
        self,
        client: StoreClient,
        server: str,
        name: str,
        expected: CollectionExpectation,
        issues: Sequence[Issue],
    ) -> None:
        found, points = await client.collection(name), await client.count(name)
        self.report.add(server, name, check_collection(expected, found, points))
        self.report.add(server, name, check_issues(name, issues))
        await self._look_at_payload(client, server, name, expected, found)
        await self._look_at_replicas(client, server, name, expected, found)
        if expected.points and expected.points.like:
            await self._compare(server, name, points, expected.points.like)

    async def _look_at_payload(
        self,
        client: StoreClient,
        server: str,
        name: str,
        expected: CollectionExpectation,
        found: Collection,
    ) -> None:
        indexes = {
            one: kind
            for one, kind in expected.payload_indexes.items()
            if one in found.payload_schema and found.payload_schema[one].data_type == kind
        }
        if indexes:
            points = await client.sample(name, list(indexes), _SAMPLE_POINTS)
            self.report.add(server, name, check_payload(indexes, points))

    async def _look_at_replicas(
        self,
        client: StoreClient,
        server: str,
        name: str,
        expected: CollectionExpectation,
        found: Collection,
    ) -> None:
        spread = await client.spread(name)
        self.report.add(server, name, check_spread(expected, found, spread))
        peers = self.servers[server].peers
        if spread.remote_shards and not peers:
            self.report.notes.append(
                f"{server}: points of replicas not compared; list the other nodes under `peers`"
            )
        spreads = [spread, *[one for peer in peers if (one := await self._ask_peer(server, name, peer))]]
        if len({one.peer_id for one in spreads}) < len(spreads):
            self.report.notes.append(f"{server}: several of `url` and `peers` lead to the same node")
        self.report.add(server, name, check_replicas(spreads, expected.counts_within_percent))

    async def _ask_peer(self, server: str, name: str, peer: str) -> Spread | None:
        try:
            return await self._connect(self.servers[server].at(peer)).spread(name)
        except TargetError as error:
            self.report.failures.append(f"{server}: peer {peer}: {describe_failure(error)}")
            return None

    async def _compare(self, server: str, name: str, points: int, like: Likeness) -> None:
        other = (like.server or server, like.collection or name)
        target = self.servers[other[0]]
        called = "/".join(other)
        try:
            others = await self._connect(target).count(other[1])
        except TargetError as error:
            if isinstance(error, StatusError) and error.status == NOT_FOUND:
                self.report.add(server, name, check_other(called))
                return
            self.report.failures.append(
                f"{server}/{name}: not compared with {called}: {target.url}: {describe_failure(error)}"
            )
            return
        self.report.add(server, name, check_likeness(points, called, others, like.within_percent))

    def _connect(self, target: HttpTarget) -> StoreClient:
        return connect(self.session, target, self.timeout_seconds)


def connect(session: aiohttp.ClientSession, target: HttpTarget, timeout_seconds: float) -> StoreClient:
    """Return a client for `target`. Raises TargetError when its key or certificate cannot be read."""
    http = JsonClient(session, target.url, target.headers(), target.tls())
    return StoreClient(http, timeout_seconds)


def open_few() -> aiohttp.ClientSession:
    """Return a session with few connections to each server."""
    return open_session(limit=0, limit_per_host=_CONNECTIONS)


async def verify(expectations: Expectations, timeout_seconds: float) -> Report:
    """Return what is not as expected; `timeout_seconds` are for one request."""
    async with open_few() as session:
        return await Verifier(expectations.servers, session, timeout_seconds).look()
