"""Tell a sender's second attempt from a second alert.

Alertmanager repeats a notification when an answer came too late or not at all, although it may have been
stored. A copy is therefore kept like any other, because losing one is worse, but it names the first of its
kind in `duplicate_of`, and the page shows both as one. A copy has the same content as the last notification
of its alert group on its channel and comes within the window: after `resolved`, the same `firing` is news.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

_MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True)
class _Last:
    digest: str
    entry_id: int
    received_at: datetime


class Retries:
    """The last notification of each alert group."""

    def __init__(self, window_seconds: float) -> None:
        self._window = timedelta(seconds=window_seconds)
        self._last: OrderedDict[tuple[str, str], _Last] = OrderedDict()

    def find_original(self, channel: str, group: str, digest: str, now: datetime) -> int | None:
        """Return the id of the notification that this one repeats, or None."""
        last = self._last.get((channel, group))
        # A clock that was set back gives a negative age.
        if last and last.digest == digest and abs(now - last.received_at) <= self._window:
            return last.entry_id
        return None

    def remember(self, channel: str, group: str, digest: str, entry_id: int, now: datetime) -> None:
        """Note a notification that repeats none."""
        self._last[(channel, group)] = _Last(digest, entry_id, now)
        self._last.move_to_end((channel, group))
        if len(self._last) > _MOST_GROUPS:
            self._last.popitem(last=False)

    def forget_from(self, entry_id: int) -> None:
        """Forget the entries from `entry_id` on: they could not be stored."""
        for key in [key for key, last in self._last.items() if last.entry_id >= entry_id]:
            del self._last[key]
