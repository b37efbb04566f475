from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vectorwatch.inbox.retries import Retries

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_the_same_content_within_the_window_repeats_the_first() -> None:
    retries = Retries(300)
    retries.remember("slack", "group", "digest", 7, START)
    assert retries.find_original("slack", "group", "digest", after(300)) == 7
    assert retries.find_original("slack", "group", "digest", after(301)) is None


def test_a_clock_set_back_does_not_hide_a_retry() -> None:
    retries = Retries(300)
    retries.remember("slack", "group", "digest", 7, START)
    assert retries.find_original("slack", "group", "digest", after(-200)) == 7
    assert retries.find_original("slack", "group", "digest", after(-86_400)) is None


def test_other_content_channels_and_groups_repeat_nothing() -> None:
    retries = Retries(300)
    retries.remember("slack", "group", "digest", 7, START)
    for kind in (("email", "group", "digest"), ("slack", "other", "digest"), ("slack", "group", "other")):
        assert retries.find_original(*kind, START) is None


def test_firing_again_after_resolved_is_news() -> None:
    retries = Retries(300)
    retries.remember("slack", "group", "firing", 7, START)
    retries.remember("slack", "group", "resolved", 8, after(10))
    assert retries.find_original("slack", "group", "firing", after(20)) is None


def test_what_could_not_be_stored_is_no_original() -> None:
    retries = Retries(300)
    retries.remember("slack", "a", "digest", 7, START)
    retries.remember("slack", "b", "digest", 8, START)
    retries.forget_from(8)
    assert retries.find_original("slack", "a", "digest", START) == 7
    assert retries.find_original("slack", "b", "digest", START) is None


def test_memory_is_bounded() -> None:
    retries = Retries(300)
    for number in range(20_000):
        retries.remember("slack", str(number), "digest", number, START)
    assert retries.find_original("slack", "0", "digest", START) is None
    assert retries.find_original("slack", "19999", "digest", START) == 19_999
