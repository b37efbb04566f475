"""Read stored notifications for the API and the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .index import Place
from .journal import Journal
from .notification import Channel

# Of the journal in one answer, so that a page of huge notifications cannot fill the memory.
_MOST_BYTES = 16 << 20
_IN_LIST = ("id", "received_at", "duplicate_of", "channel", "status", "title", "text", "severity", "alerts")

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """What has come after some entry: originals that are new or came again."""

    shown: list[tuple[Record, int]]
    last_id: int


class Reader:
    """Reads entries in a thread, so that a large one does not hold up what arrives meanwhile."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def list_records(
        self, channel: Channel | None, limit: int, since: int | None, before: int | None
    ) -> list[Record]:
        """Return entries without `raw` by rising id: the first after `since` or the last before `before`."""
        places = self._journal.index.select(channel, limit, since=since, before=before)
        records = await self._read(places, newest_first=since is None)
        return [{key: record.get(key) for key in _IN_LIST} for record in records]

    async def read_json(self, entry_id: int) -> bytes | None:
        """Return the JSON of one entry as it stands in the journal, or None when there is none."""
        place = self._journal.index.find(entry_id)
        return await asyncio.to_thread(self._journal.read, place) if place else None

    async def read_page(
        self, channel: Channel | None, limit: int, before: int | None
    ) -> list[tuple[Record, int]]:
        """Return the newest entries before `before`, newest first, with how often each came again."""
        places = self._journal.index.select(channel, limit, before=before, copies=False)
        return self._with_copies(await self._read(places, newest_first=True))[::-1]

    async def read_news(self, channel: Channel | None, limit: int, since: int) -> News:
        """Return what to show anew after `since`, oldest first."""
        index = self._journal.index
        places = index.select(channel, limit, since=since)
        originals = sorted({place.duplicate_of or place.id for place in places})
        found = [place for place in map(index.find, originals) if place]
        # The page asks from here next time; entries of other channels need not be looked at again.
        last_id = places[-1].id if len(places) == limit else max(since, index.last_id)
        return News(self._with_copies(await self._read(found, newest_first=False)), last_id)

    async def _read(self, places: Sequence[Place], *, newest_first: bool) -> list[Record]:
        return await asyncio.to_thread(self._read_within_limit, places, newest_first)

    def _read_within_limit(self, places: Sequence[Place], newest_first: bool) -> list[Record]:
        records: list[Record] = []
        size_bytes = 0
        for place in reversed(places) if newest_first else places:
            size_bytes += place.length
            if records and size_bytes > _MOST_BYTES:
                break
            content = self._journal.read(place)
            if content is not None:
                records.append(json.loads(content))
        return records[::-1] if newest_first else records

    def _with_copies(self, records: list[Record]) -> list[tuple[Record, int]]:
        copies = self._journal.index.copies
        return [(record, copies[record["id"]]) for record in records]
