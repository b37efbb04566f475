"""Search Elasticsearch every few seconds and keep what was found for the next scrape."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Labels

from .metrics import Arrivals
from .search import Findings
from .tally import MOST_DATASETS, Tally

log = logging.getLogger(__name__)

# A document may become searchable so long after its `event.ingested` and is still counted.
_LATENESS_SECONDS = 300.0
# After so long without an answer it starts anew: to search more would load a server that has just come back.
_LONGEST_GAP_SECONDS = 3600.0
# How far the first search looks for the newest document of each dataset.
_LOOK_BACK_SECONDS = 24 * 3600.0
_SEARCH_SECONDS = 10.0

Search = Callable[[float, float, float], Awaitable[Findings]]


class Watch:
    """What has arrived in the log data streams since this program started; run it as one task."""

    def __init__(
        self,
        search: Search,
        *,
        interval_seconds: float,
        max_services: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._search = search
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._tally = Tally(max_services)
        self._start: float | None = None
        self._newest: dict[Labels, float] = {}
        self._delay_seconds: float | None = None
        self._failure: TargetError | None = None
        self._searched = asyncio.Event()

    async def run(self) -> None:
        """Search until cancelled."""
        while True:
            await self.search_once()
            await asyncio.sleep(self._interval_seconds)

    async def search_once(self) -> None:
        """Search; a failure is kept for `read` and leaves what was counted as it is."""
        former, self._failure = self._failure, None
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                await self._count()
        except TargetError as error:
            self._failure = error
        except TimeoutError:
            self._failure = TargetError(Reason.TIMEOUT, f"no complete answer within {_SEARCH_SECONDS:g} s")
        except Exception as error:  # a defect here must not end the searches
            if former is None or former.reason is not Reason.INTERNAL:
                log.exception("elasticsearch: the search failed")
            self._failure = TargetError(Reason.INTERNAL, repr(error))
        self._searched.set()

    async def read(self) -> tuple[Arrivals, TargetError | None]:
        """Return what is known, and why the last search failed; waits for the end of the first one."""
        await self._searched.wait()
        delay_seconds = None if self._failure else self._delay_seconds
        return Arrivals(self._tally.values(), dict(self._newest), delay_seconds), self._failure

    async def _count(self) -> None:
        now = self._clock()
        first = self._start is None
        anew = self._start is None or now - self._start > _LONGEST_GAP_SECONDS
        start = now - _LATENESS_SECONDS if anew or self._start is None else self._start
        moves = now - start > 2 * _LATENESS_SECONDS
        next_start = now - _LATENESS_SECONDS if moves else start
        found = await self._search(start, next_start, now - _LOOK_BACK_SECONDS if first else start)
        if anew:
            self._tally.begin(found.window, now)
        else:
            self._tally.add(found.window, now)
        if moves:
            self._tally.move(found.next_window, now)
        self._start = next_start
        self._delay_seconds = found.delay_seconds
        for dataset, at in found.newest.items():
            key = (dataset,)
            if key in self._newest or len(self._newest) < MOST_DATASETS:
                self._newest[key] = max(at, self._newest.get(key, at))
