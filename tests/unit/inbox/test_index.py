from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from vectorwatch.inbox.entry import Head
from vectorwatch.inbox.index import Index
from vectorwatch.inbox.notification import Channel
from vectorwatch.inbox.segment import Segment

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Ids 1 to 12 with gaps: Slack and e-mail in turn, 10 and 11 repeat 7 and 8."""
    made, old, new = Index(), Segment(tmp_path / "old"), Segment(tmp_path / "new")
    for entry_id, original in [
        (1, None),
        (2, None),
        (4, None),
        (7, None),
        (8, None),
        (10, 7),
        (11, 8),
        (12, None),
    ]:
        channel = "slack" if entry_id % 2 else "email"
        head = Head(entry_id, NOW, channel, original, "group", "digest")
        made.add(head, old if entry_id < 5 else new, 0, 0)
    return made


def test_the_newest_are_chosen_and_stand_by_rising_id(index: Index) -> None:
    assert [place.id for place in index.select(None, 3)] == [10, 11, 12]
    assert [place.id for place in index.select(None, 2, before=8)] == [4, 7]
    assert [place.id for place in index.select(None, 9, before=1)] == []
    assert [place.id for place in index.select(None, 9, before=10**30)] == [1, 2, 4, 7, 8, 10, 11, 12]


def test_after_an_id_the_next_are_chosen_so_that_none_is_missed(index: Index) -> None:
    assert [place.id for place in index.select(None, 3, since=2)] == [4, 7, 8]
    assert [place.id for place in index.select(None, 3, since=3)] == [4, 7, 8]
    assert index.select(None, 3, since=12) == []


def test_one_channel_and_originals_only(index: Index) -> None:
    assert [place.id for place in index.select(Channel.SLACK, 9)] == [1, 7, 11]
    assert [place.id for place in index.select(Channel.SLACK, 9, copies=False)] == [1, 7]
    assert index.select(Channel.WEBHOOK, 9) == []


def test_repeats_are_counted_with_their_original_and_not_shown(index: Index) -> None:
    assert (index.copies[7], index.copies[8], index.copies[1]) == (1, 1, 0)
    assert index.count_shown() == {"slack": 2, "email": 4, "webhook": 0}


def test_an_entry_is_found_by_its_id(index: Index) -> None:
    assert [index.find(entry_id) is not None for entry_id in (0, 1, 3, 7, 13)] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_dropped_entries_are_forgotten(index: Index) -> None:
    oldest = index.select(None, 1, since=0)[0].segment
    assert index.drop(oldest) == 3
    assert [place.id for place in index.select(None, 9)] == [7, 8, 10, 11, 12]
    assert index.count_shown() == {"slack": 1, "email": 2, "webhook": 0}
    assert index.last_id == 12
