from __future__ import annotations

from pathlib import Path

from vectorwatch.inbox.repair import DAMAGED, load
from vectorwatch.inbox.segment import Segment


def line(entry_id: int) -> bytes:
    return b'{"id":%d,"received_at":"2026-11-22T12:00:00+00:00","channel":"slack"}\n' % entry_id


def segment_with(folder: Path, content: bytes) -> Segment:
    path = folder / f"{1:020d}.jsonl"
    path.write_bytes(content)
    return Segment(path)


def test_offsets_are_those_of_the_mended_file(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, b"bad\n" + line(1) + b"worse\n" + line(12) + b"half")
    found, damaged = load(segment, 0, 1000)
    assert damaged == 3
    assert [segment.read(offset, length) + b"\n" for _, offset, length in found] == [line(1), line(12)]
    assert segment.path.read_bytes() == line(1) + line(12)
    assert segment.size_bytes == len(line(1) + line(12))
    assert (tmp_path / DAMAGED).read_bytes() == b"bad\nworse\nhalf\n"
    assert not segment.path.with_suffix(".repair").exists()


def test_a_sound_file_is_not_touched(tmp_path: Path) -> None:
    segment = segment_with(tmp_path, line(1) + line(2))
    before = segment.path.stat()
    assert load(segment, 0, 1000)[1] == 0
    assert segment.path.stat() == before
    assert not (tmp_path / DAMAGED).exists()


def test_what_is_set_aside_is_bounded(tmp_path: Path) -> None:
    for number in range(5):
        load(segment_with(tmp_path, b"%d" % number + b"x" * 398 + b"\n"), 0, 1000)
    # Two fit; the third and the fifth began anew.
    assert (tmp_path / DAMAGED).read_bytes()[:1] == b"4"
    assert (tmp_path / DAMAGED).stat().st_size == 400
