from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vectorwatch.inbox.segment import Segment


def test_what_is_appended_can_be_read_at_its_offset(tmp_path: Path) -> None:
    segment = Segment.beginning_with(tmp_path, 7)
    assert [segment.append(b"one\n"), segment.append(b"second\n")] == [0, 4]
    assert segment.read(4, 6) == b"second"
    assert segment.path.name == "00000000000000000007.jsonl"
    assert segment.path.stat().st_mode & 0o777 == 0o600
    segment.close()


def test_segments_are_found_in_the_order_of_their_entries(tmp_path: Path) -> None:
    for first_id in (1000, 9, 20):
        Segment.beginning_with(tmp_path, first_id).path.touch()
    (tmp_path / "notes.jsonl").touch()
    assert [segment.first_id for segment in Segment.find_all(tmp_path)] == [9, 20, 1000]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment.beginning_with(tmp_path, 1)
    segment.append(b"kept\n")
    real_write, calls = os.write, [3, 4]

    def write_a_little(descriptor: int, content: memoryview) -> int:
        if not calls:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, content[: calls.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_a_little)
        with pytest.raises(OSError, match="No space left"):
            segment.append(b"lost in the middle\n")
    assert segment.path.read_bytes() == b"kept\n"
    assert segment.is_sound
    assert segment.append(b"next\n") == 5
    segment.close()


def test_a_file_whose_sync_failed_is_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment.beginning_with(tmp_path, 1)
    segment.append(b"kept\n")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            segment.append(b"uncertain\n")
    assert segment.path.read_bytes() == b"kept\n"
    assert not segment.is_sound
    segment.close()


def test_a_deleted_file_is_noticed_before_the_next_entry(tmp_path: Path) -> None:
    segment = Segment.beginning_with(tmp_path, 1)
    segment.append(b"kept\n")
    segment.path.unlink()
    with pytest.raises(FileNotFoundError, match="has been deleted"):
        segment.append(b"would be lost\n")
    assert not segment.is_sound
    segment.close()


def test_a_trial_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    segment = Segment.beginning_with(tmp_path, 1)
    segment.append(b"kept\n")
    segment.try_to_append(10_000)
    assert segment.path.read_bytes() == b"kept\n"
    segment.close()
