from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.entry import read_head

WHOLE = b'{"id":7,"received_at":"2026-11-22T12:00:00+00:00","channel":"slack","duplicate_of":3}'


def test_the_head_of_a_line_is_read_with_and_without_its_end() -> None:
    head = read_head(WHOLE)
    assert head is not None
    assert (head.id, head.channel, head.duplicate_of, head.group) == (7, "slack", 3, "")
    assert read_head(WHOLE + b"\n") == head


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_line_cut_anywhere_is_damaged(cut: int) -> None:
    assert read_head(WHOLE[:cut]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"id":null,"received_at":"2026-11-22T12:00:00+00:00","channel":"slack"}',
        b'{"id":7,"received_at":"yesterday","channel":"slack"}',
        b'{"id":7,"received_at":5,"channel":"slack"}',
        b"\x00" * 100,
        b"[" * 100_000,
    ],
)
def test_what_is_no_entry_is_damaged(line: bytes) -> None:
    assert read_head(line) is None


@given(st.binary())
def test_no_bytes_are_an_error(line: bytes) -> None:
    read_head(line)
