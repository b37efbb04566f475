"""Security events: counted, scored, and written to the log `vectorwatch.security` in the fields of ECS.

The score, 0 to 1, is `base × outcome + repetition`, at most 1, rounded to two digits:

- base: how bad such an event is (`BASE`; 0.3 for one that is not there),
- outcome: 1, but 1.5 where an attack had success; an authentication that succeeds is as bad as its base,
- repetition: 0.1 for each earlier event of the same type from the same source (`source_ip` of the details,
  else `user_id`) in the last 300 s, at most 0.6; with neither there is none.

So the first failed login is 0.3, the seventh within five minutes 0.9. Above 0.8 is high, as the requirements
have it. Addresses, users and user agents stand in the log only, never in a label.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from vectorwatch.instrument.labels import one_of
from vectorwatch.instrument.metric import Counter, Histogram

from .limits import names

_EVENT_TYPES = names()
EVENTS = Counter(
    "security_events_total",
    "Security events by risk: `low` up to 0.4, `medium` up to 0.8, `high` above.",
    {"event_type": _EVENT_TYPES, "risk": one_of("low", "medium", "high")},
)
RISK_SCORE = Histogram(
    "security_event_risk_score",
    "Risk score of security events, 0 to 1.",
    {"event_type": _EVENT_TYPES},
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
AUTHENTICATION_FAILURES = Counter(
    "authentication_failures_total",
    "Failed authentications, by the `reason` in their details.",
    {
        "reason": one_of(
            *("invalid_credentials", "missing_credentials", "invalid_token", "expired_token"),
            *("account_locked", "second_factor_failed", "unknown"),
        )
    },
)

BASE = {
    "authentication_success": 0.05,
    "authentication_failure": 0.3,
    "authorization_failure": 0.4,
    "rate_limit_exceeded": 0.2,
    "invalid_input": 0.2,
    "configuration_change": 0.4,
    "prompt_injection": 0.6,
    "injection_attempt": 0.7,
    "brute_force": 0.7,
    "privilege_escalation": 0.8,
    "data_exfiltration": 0.9,
}
"""How bad an event is in itself, 0 to 1."""

_DEFAULT_BASE = 0.3
_BENIGN = frozenset({"authentication_success", "configuration_change"})
_WINDOW_SECONDS = 300.0
_MOST_REPEATS = 6
_MOST_SOURCES = 10_000

# https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category and …-event-type
_ECS: dict[str, tuple[list[str], list[str]]] = {
    "authentication_success": (["authentication"], ["start"]),
    "authentication_failure": (["authentication"], ["start"]),
    "authorization_failure": (["api"], ["denied"]),
    "rate_limit_exceeded": (["api"], ["denied"]),
    "invalid_input": (["api"], ["denied"]),
    "configuration_change": (["configuration"], ["change"]),
    "privilege_escalation": (["iam"], ["admin"]),
}
_FIELDS = {
    "source_ip": "source.ip",
    "user_id": "user.id",
    "user_name": "user.name",
    "user_agent": "user_agent.original",
    "reason": "event.reason",
    "url_path": "url.path",
}
_log = logging.getLogger("vectorwatch.security")


class Recent:
    """When which source did what, within a window; the sources not heard of for longest are forgotten."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def count_earlier(self, event_type: str, source: str) -> int:
        """Return how many earlier events there were, at most 6, and remember this one."""
        now = self._clock()
        with self._lock:
            times = self._times.setdefault((event_type, source), deque(maxlen=_MOST_REPEATS))
            self._times.move_to_end((event_type, source))
            if len(self._times) > _MOST_SOURCES:
                self._times.popitem(last=False)
            while times and times[0] < now - _WINDOW_SECONDS:
                times.popleft()
            earlier = len(times)
            times.append(now)
        return earlier


_recent = Recent()


def score(event_type: str, outcome: str, earlier: int) -> float:
    """Return the risk score of the formula above."""
    factor = 1.5 if outcome == "success" and event_type not in _BENIGN else 1.0
    base = BASE.get(event_type, _DEFAULT_BASE)
    return min(1.0, round(base * factor + 0.1 * min(earlier, _MOST_REPEATS), 2))


def security_event(
    event_type: str, *, outcome: str = "unknown", details: Mapping[str, Any] | None = None
) -> float:
    """Record one event and return its risk score; `outcome` is success, failure or unknown.

    Details with a field in ECS are `source_ip`, `user_id`, `user_name`, `user_agent`, `reason` and
    `url_path`; others stand under `labels`. They go to the log alone; only `reason` of an authentication
    failure is a label.
    """
    details = details or {}
    source = str(details.get("source_ip") or details.get("user_id") or "")
    risk_score = score(event_type, outcome, _recent.count_earlier(event_type, source) if source else 0)
    risk = "high" if risk_score > 0.8 else "medium" if risk_score > 0.4 else "low"
    EVENTS.inc(event_type, risk)
    RISK_SCORE.observe(risk_score, event_type)
    if event_type == "authentication_failure":
        AUTHENTICATION_FAILURES.inc(str(details.get("reason", "unknown")))
    level = {"low": logging.INFO, "medium": logging.WARNING, "high": logging.ERROR}[risk]
    if _log.isEnabledFor(level):
        _log.log(
            level, "security event: %s", event_type, extra=_as_ecs(event_type, outcome, risk_score, details)
        )
    return risk_score


def _as_ecs(event_type: str, outcome: str, risk_score: float, details: Mapping[str, Any]) -> dict[str, Any]:
    category, kind = _ECS.get(event_type, (["intrusion_detection"], ["info"]))
    fields: dict[str, Any] = {
        "event.kind": "alert" if risk_score > 0.8 else "event",
        "event.category": category,
        "event.type": kind,
        "event.action": event_type,
        "event.outcome": outcome if outcome in ("success", "failure") else "unknown",
        "event.risk_score": risk_score,
        "event.risk_score_norm": round(100 * risk_score),
    }
    fields.update({_FIELDS[key]: value for key, value in details.items() if key in _FIELDS})
    others = {key: str(value) for key, value in details.items() if key not in _FIELDS}
    return {**fields, "labels": others} if others else fields
