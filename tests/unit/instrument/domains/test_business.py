"""Business: events, features, and users that are counted and never known."""

from __future__ import annotations

from typing import Any

import prometheus_client

from vectorwatch.instrument import track
from vectorwatch.instrument.domains.business import Day

MIDNIGHT = 1_800_057_600.0  # 2027-01-16 00:00:00 UTC


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_events_are_counted_with_their_worth(readings: Any) -> None:
    track.business_event("signup")
    track.business_event("purchase", value_dollars=19.5)
    track.business_event("purchase", value_dollars=0.5)
    assert readings.added("business_events_total", event_type="signup") == 1
    assert readings.added("business_events_total", event_type="purchase") == 2
    assert readings.added("business_event_value_dollars_total", event_type="purchase") == 20
    assert readings.added("business_event_value_dollars_total", event_type="signup") == 0


def test_uses_of_a_feature_are_counted(readings: Any) -> None:
    track.feature_usage("export")
    assert readings.added("feature_usage_total", feature="export") == 1


def test_a_user_may_be_a_number() -> None:
    day = Day(10, Clock(MIDNIGHT))
    assert day.count(7) == (1, 1.0)  # type: ignore[arg-type]
    assert day.count("7") == (1, 2.0)


def test_a_user_counts_once_a_day_and_each_call_counts() -> None:
    day = Day(10, Clock(MIDNIGHT))
    assert day.count("anna") == (1, 1.0)
    assert day.count("anna") == (1, 2.0)
    assert day.count("bert") == (2, 1.5)


def test_the_day_changes_at_midnight_utc() -> None:
    clock = Clock(MIDNIGHT - 1)
    day = Day(10, clock)
    day.count("anna")
    assert day.count("bert") == (2, 1.0)
    clock.now = MIDNIGHT
    assert day.count("bert") == (1, 1.0)


def test_users_beyond_the_limit_are_in_no_figure() -> None:
    day = Day(2, Clock(MIDNIGHT))
    day.count("anna")
    day.count("bert")
    assert day.count("carl") is None
    assert day.count("anna") == (2, 1.5)


def test_what_is_kept_of_a_user_differs_from_day_to_day_and_is_not_the_name() -> None:
    clock = Clock(MIDNIGHT)
    day = Day(10, clock)
    day.count("anna")
    first = set(day._users)
    clock.now += 86_400
    day.count("anna")
    assert first.isdisjoint(day._users)
    assert b"anna" not in b"".join(first)


def test_figures_are_exported_and_no_user(readings: Any) -> None:
    track.active_user("anna@example.com")
    track.active_user("anna@example.com")
    users = readings.value("daily_active_users")
    calls = readings.value("api_calls_per_user")
    assert users is not None
    assert calls is not None
    assert users >= 1
    assert calls >= 1
    assert b"anna" not in prometheus_client.generate_latest()
