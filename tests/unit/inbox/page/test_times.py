from __future__ import annotations

import pytest

from vectorwatch.inbox.page.times import render_time


def test_a_time_is_shown_in_utc_until_the_browser_knows_better() -> None:
    rendered = render_time("2026-11-22T13:00:00.123456789+02:00")
    assert rendered == '<time datetime="2026-11-22T11:00:00.123456+00:00">2026-11-22 11:00:00 UTC</time>'


@pytest.mark.parametrize(
    "stamp", ["", "yesterday", "<b>", "0001-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z"]
)
def test_what_is_no_time_is_shown_as_it_is(stamp: str) -> None:
    assert "<time" not in render_time(stamp)
    assert "<b>" not in render_time(stamp)
