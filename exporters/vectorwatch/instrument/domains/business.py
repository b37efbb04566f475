"""What the business asks: users of today, use of features, events with their worth.

Who the users are never leaves this module, not even hashed: it keeps digests under a salt that each process
draws anew each day, and exports their number. The day is UTC's; its figures change with its first call.
Several workers do not know one another's users: shown are the figures of the highest one, which is too low.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from secrets import token_bytes

from vectorwatch.instrument.metric import Counter, Gauge

from .limits import names, read_limit

EVENTS = Counter("business_events_total", "Events that the business counts.", {"event_type": names()})
VALUE = Counter(
    "business_event_value_dollars_total", "Worth of those events in US dollars.", {"event_type": names()}
)
FEATURE_USAGE = Counter("feature_usage_total", "Uses of a feature.", {"feature": names()})
DAILY_ACTIVE_USERS = Gauge(
    "daily_active_users",
    "Different users since midnight UTC or a later start; of several workers the one with the most.",
    multiprocess="livemax",
)
API_CALLS_PER_USER = Gauge(
    "api_calls_per_user",
    "Mean number of calls by a user since midnight UTC or a later start; of several workers the highest.",
    multiprocess="livemax",
)
USERS_NOT_COUNTED = Counter(
    "vectorwatch_instrument_users_not_counted_total",
    "Calls of users beyond the VECTORWATCH_INSTRUMENT_MAX_USERS of a day, who are in no figure.",
)
_SECONDS_OF_A_DAY = 86400


class Day:
    """The users of one day, as salted digests of 8 bytes each."""

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._number = -1
        self._begin()

    def _begin(self) -> None:
        self._salt = token_bytes(16)
        self._users: set[bytes] = set()
        self._calls = 0

    def count(self, user: str) -> tuple[int, float] | None:
        """Count one call; return the number of users and of calls by each, or None for a user too many."""
        with self._lock:
            number = int(self._clock()) // _SECONDS_OF_A_DAY
            if number != self._number:
                self._number = number
                self._begin()
            digest = blake2b(str(user).encode(), digest_size=8, key=self._salt).digest()
            if digest not in self._users:
                if len(self._users) >= self._most:
                    return None
                self._users.add(digest)
            self._calls += 1
            return len(self._users), self._calls / len(self._users)


_day = Day(read_limit("USERS"))


def business_event(event_type: str, value_dollars: float = 0.0) -> None:
    """Count one event and its worth."""
    EVENTS.inc(event_type)
    if value_dollars:
        VALUE.inc(event_type, by=value_dollars)


def feature_usage(feature: str) -> None:
    """Count one use of a feature."""
    FEATURE_USAGE.inc(feature)


def active_user(user: str) -> None:
    """Count one call by a user; any stable identifier serves, and none is kept or exported."""
    figures = _day.count(user)
    if figures is None:
        USERS_NOT_COUNTED.inc()
    else:
        DAILY_ACTIVE_USERS.set(figures[0])
        API_CALLS_PER_USER.set(figures[1])
