"""Which alerts begin while something is broken, as Prometheus has them in memory: a full disk hides none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import time

import httpx

from tests.chaos.trial import Expected
from tests.smoke.stage import Stage


@dataclass
class Seen:
    """An alert that began; seconds from the begin of the watch."""

    labels: Mapping[str, str]
    pending_seconds: float
    fired_seconds: float | None = None
    told_seconds: float | None = None

    @property
    def title(self) -> str:
        """Return its name, and whether it came to fire."""
        return self.labels["alertname"] + ("" if self.fired_seconds is not None else " (pending)")


class Watch:
    """Looks at the alerts again and again; those that were there before do not count."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._begin = time()
        self._since = 0
        self._seen: dict[tuple[tuple[str, str], ...], Seen] = {}
        self._before: set[tuple[tuple[str, str], ...]] = set()
        with suppress(httpx.HTTPError):
            self._since = stage.inbox.read_last_id()
            self._before = {_key(alert["labels"]) for alert in self._list()}

    def look(self) -> None:
        """Note what is new. What does not answer has nothing new."""
        with suppress(httpx.HTTPError):
            for alert in self._list():
                self._note(alert)
        with suppress(httpx.HTTPError):
            self._note_told()

    def find(self, expected: Expected) -> Seen | None:
        """Return the expected alert, the earliest of several, None before it began."""
        found = [seen for seen in self._seen.values() if expected.covers(seen.labels)]
        return min(found, key=lambda seen: seen.pending_seconds, default=None)

    def list_seen(self) -> list[Seen]:
        """Return all that began."""
        return list(self._seen.values())

    def seconds(self) -> float:
        """Return how long it has been going on."""
        return time() - self._begin

    def _note(self, alert: Mapping[str, object]) -> None:
        labels: Mapping[str, str] = alert["labels"]  # type: ignore[assignment]
        key = _key(labels)
        if key in self._before or labels["alertname"] == "Watchdog":
            return
        began = datetime.fromisoformat(str(alert["activeAt"])).timestamp()
        seen = self._seen.setdefault(key, Seen(labels, max(0.0, began - self._begin)))
        if alert["state"] == "firing" and seen.fired_seconds is None:
            seen.fired_seconds = self.seconds()

    def _note_told(self) -> None:
        for seen in self._seen.values():
            if seen.fired_seconds is None or seen.told_seconds is not None:
                continue
            name, severity = seen.labels["alertname"], seen.labels.get("severity", "")
            if self._stage.inbox.has_arrived("slack", "firing", name, self._since, severity):
                seen.told_seconds = self.seconds()

    def _list(self) -> list[Mapping[str, Mapping[str, str]]]:
        found: list[Mapping[str, Mapping[str, str]]] = self._stage.get("prometheus", "/api/v1/alerts").json()[
            "data"
        ]["alerts"]
        return found


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
