"""The index of the journal in memory: where each entry stands, about 200 bytes an entry."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from .entry import Head
from .notification import Channel
from .segment import Segment


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands and what is needed to choose it."""

    id: int
    channel: str
    duplicate_of: int | None
    segment: Segment
    offset: int
    length: int


class Index:
    """The places of all entries by rising id.

    One thread adds and drops while others read: the list is only ever extended at its end or replaced.
    """

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._shown: Counter[str] = Counter()
        self.copies: Counter[int] = Counter()
        """How often each entry has been repeated."""
        self.last_received: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def last_id(self) -> int:
        """Return the id of the newest entry, 0 when there is none."""
        places = self._places
        return places[-1].id if places else 0

    def add(self, head: Head, segment: Segment, offset: int, length: int) -> None:
        """Note a new entry, the newest so far."""
        place = Place(head.id, head.channel, head.duplicate_of, segment, offset, length)
        if head.duplicate_of is not None:
            self.copies[head.duplicate_of] += 1
        self._shown[head.channel] += _is_original(place)
        self.last_received[head.channel] = head.received_at
        self._places.append(place)

    def drop(self, segment: Segment) -> int:
        """Forget the entries of `segment`, the oldest; return how many there were."""
        dropped = [place for place in self._places if place.segment is segment]
        self._places = self._places[len(dropped) :]
        for place in dropped:
            self._shown[place.channel] -= _is_original(place)
            self.copies.pop(place.id, None)
        return len(dropped)

    def find(self, entry_id: int) -> Place | None:
        """Return the place of an entry, or None when there is none (any more)."""
        places = self._places
        at = bisect_right(places, entry_id, key=_id_of) - 1
        return places[at] if at >= 0 and places[at].id == entry_id else None

    def select(
        self,
        channel: Channel | None,
        limit: int,
        *,
        since: int | None = None,
        before: int | None = None,
        copies: bool = True,
    ) -> list[Place]:
        """Return at most `limit` places by rising id: the first after `since`, else the last before `before`.

        Without `copies`, entries that only repeat another are left out.
        """
        places = self._places
        if since is not None:
            wanted = iter(places[bisect_right(places, since, key=_id_of) :])
        else:
            end = len(places) if before is None else bisect_right(places, before - 1, key=_id_of)
            wanted = reversed(places[:end])
        chosen = _of_channel(wanted, channel)
        found = list(islice((place for place in chosen if copies or _is_original(place)), limit))
        return found if since is not None else found[::-1]

    def count_shown(self) -> dict[str, int]:
        """Return how many entries of each channel repeat no other."""
        return {channel.value: self._shown[channel.value] for channel in Channel}


def _of_channel(places: Iterable[Place], channel: Channel | None) -> Iterable[Place]:
    return (place for place in places if channel is None or place.channel == channel.value)


def _id_of(place: Place) -> int:
    return place.id


def _is_original(place: Place) -> bool:
    return place.duplicate_of is None
