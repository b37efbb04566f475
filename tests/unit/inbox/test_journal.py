from __future__ import annotations

import json
import logging
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectorwatch.errors import ConfigError, VectorwatchError
from vectorwatch.inbox.entry import Draft
from vectorwatch.inbox.journal import Journal
from vectorwatch.inbox.repair import DAMAGED

MakeDraft = Callable[[str], Draft]
OpenJournal = Callable[..., Journal]


def texts(journal: Journal) -> list[str]:
    """Return the texts of all entries, oldest first."""
    places = journal.index.select(None, sys.maxsize, since=0)
    return [json.loads(journal.read(place) or b"")["text"] for place in places]


def ids(journal: Journal) -> list[int]:
    return [place.id for place in journal.index.select(None, sys.maxsize, since=0)]


def fill(journal: Journal, make: MakeDraft, words: list[str]) -> Path:
    """Append one entry for each word, close the journal, return its only file."""
    for word in words:
        journal.append([make(word)])
    journal.close()
    (path,) = journal._folder.glob("*.jsonl")
    return path


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """Let every write of this process beyond that file size fail with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_entries_are_there_after_opening_again(open_journal: OpenJournal, draft: MakeDraft) -> None:
    first = open_journal()
    first.append([draft("one"), draft("two")])
    first.append([draft("three")])
    first.close()
    again = open_journal()
    assert (texts(again), ids(again)) == (["one", "two", "three"], [1, 2, 3])
    assert again.append([draft("four")])[0].id == 4


def test_every_line_is_json_with_all_of_the_message(open_journal: OpenJournal, draft: MakeDraft) -> None:
    path = fill(open_journal(), draft, ["line\nbreak \u2028 ü 😀 \x00"])
    (line,) = path.read_text(encoding="ascii").splitlines()
    record = json.loads(line)
    assert record["raw"] == {"text": "line\nbreak \u2028 ü 😀 \x00"}
    assert list(record)[:3] == ["id", "received_at", "duplicate_of"]


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (lambda content: content[:-20], ["one", "two"]),
        (lambda content: content + b'{"id":4,"received_at":"2026', ["one", "two", "three"]),
        (lambda content: content + b"\x00" * 5000, ["one", "two", "three"]),
        (lambda content: content.replace(b'"text":"two"', b'"text":"t"w"', 1), ["one", "three"]),
        (lambda content: b"\xff\xfe garbage\n\n" + content, ["one", "two", "three"]),
        (lambda content: content + content.splitlines(keepends=True)[0], ["one", "two", "three"]),
        (
            lambda content: content + b'[1, 2]\n{"id": "x"}\n{"id": 9}\n' + b"[" * 9999,
            ["one", "two", "three"],
        ),
    ],
    ids=["half-a-line", "begun-line", "zeros", "middle", "start", "id-twice", "other-json"],
)
def test_whole_lines_survive_any_damage_and_the_rest_is_set_aside(
    open_journal: OpenJournal,
    draft: MakeDraft,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytes], bytes],
    kept: list[str],
) -> None:
    path = fill(open_journal(), draft, ["one", "two", "three"])
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        repaired = open_journal()
    assert texts(repaired) == kept
    assert repaired.damaged_lines > 0
    assert (path.parent / DAMAGED).stat().st_size > 0
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "journal: 00000000000000000001.jsonl: repaired"
    ]
    # The repair holds: nothing to report the next time, and new entries stand after the old ones.
    assert repaired.append([draft("four")])[0].id > len(kept)
    repaired.close()
    again = open_journal()
    assert (texts(again), again.damaged_lines) == ([*kept, "four"], 0)


def test_a_whole_line_that_lacks_only_its_end_is_kept(open_journal: OpenJournal, draft: MakeDraft) -> None:
    path = fill(open_journal(), draft, ["one", "two"])
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    again = open_journal()
    again.append([draft("three")])
    assert texts(again) == ["one", "two", "three"]
    assert again.damaged_lines == 0


def test_damage_that_cannot_be_set_aside_is_read_around(
    open_journal: OpenJournal, draft: MakeDraft, caplog: pytest.LogCaptureFixture
) -> None:
    path = fill(open_journal(), draft, ["one", "two", "three"])
    damaged = path.read_bytes().replace(b'"two"', b'"tw', 1)
    path.write_bytes(damaged)
    path.with_suffix(".repair").mkdir()
    journal = open_journal()
    assert "1 damaged lines stay" in caplog.text
    assert path.read_bytes() == damaged
    journal.append([draft("four")])
    assert texts(journal) == ["one", "three", "four"]


def test_a_file_of_which_nothing_can_be_kept_is_never_continued(
    open_journal: OpenJournal, draft: MakeDraft, tmp_path: Path
) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    path = folder / f"{1:020d}.jsonl"
    path.write_bytes(b"half a line")
    path.with_suffix(".repair").mkdir()
    journal = open_journal()
    journal.append([draft("one")])
    assert path.read_bytes() == b"half a line"
    assert texts(journal) == ["one"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=6), st.data())
def test_a_file_cut_anywhere_keeps_every_line_before_the_cut(
    tmp_path: Path, draft: MakeDraft, words: list[str], data: st.DataObject
) -> None:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    path = fill(Journal.open(folder, 1 << 20), lambda word: draft(f"text {word}"), words)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    journal = Journal.open(folder, 1 << 20)
    # A line that lacks only its end is whole too.
    ends = accumulate(map(len, content.splitlines(keepends=True)))
    whole = sum(end - 1 <= cut for end in ends)
    assert texts(journal) == [f"text {word}" for word in words][:whole]
    journal.append([draft("next")])
    assert texts(journal)[-1] == "next"
    journal.close()


def test_the_oldest_entries_go_and_are_counted(
    open_journal: OpenJournal, draft: MakeDraft, tmp_path: Path
) -> None:
    journal = open_journal(max_bytes=80_000)
    for number in range(400):
        journal.append([draft(f"{number:03d} " + "x" * 200)])
        assert journal.size_bytes <= 80_000
    on_disk = sum(path.stat().st_size for path in (tmp_path / "journal").iterdir())
    assert on_disk == journal.size_bytes > 60_000
    assert journal.removed_entries == 400 - len(journal.index)
    assert ids(journal)[-1] == 400
    assert texts(journal)[0].startswith(f"{400 - len(journal.index):03d}")


def test_an_entry_as_large_as_most_of_the_journal_is_stored(
    open_journal: OpenJournal, draft: MakeDraft
) -> None:
    journal = open_journal(max_bytes=80_000)
    for _ in range(30):
        journal.append([draft("small")])
    journal.append([draft("x" * 36_000)])
    assert 72_000 < journal.size_bytes <= 80_000
    assert texts(journal) == ["x" * 36_000]


def test_a_write_beyond_the_limit_stores_nothing_and_the_next_one_fits(
    open_journal: OpenJournal, draft: MakeDraft
) -> None:
    journal = open_journal()
    journal.append([draft("one")])
    with file_size_limit(8192):
        with pytest.raises(OSError, match="File too large"):
            journal.append([draft("two"), draft("x" * 8192)])
        with pytest.raises(OSError, match="File too large"):
            journal.try_to_append(8192)
        journal.append([draft("three")])
    journal.append([draft("x" * 8192)])
    assert texts(journal)[:2] == ["one", "three"]
    journal.close()
    again = open_journal()
    assert (len(again.index), again.damaged_lines) == (3, 0)


def test_a_repeat_that_could_not_be_stored_is_no_original(
    open_journal: OpenJournal, draft: MakeDraft
) -> None:
    journal = open_journal()
    with file_size_limit(100), pytest.raises(OSError, match="File too large"):
        journal.append([draft("one")])
    assert journal.append([draft("one")])[0].duplicate_of is None
    assert journal.append([draft("one")])[0].duplicate_of == ids(journal)[0]


def test_a_deleted_folder_is_refused_once_and_then_made_again(
    open_journal: OpenJournal, draft: MakeDraft, tmp_path: Path
) -> None:
    journal = open_journal()
    journal.append([draft("one")])
    for path in (tmp_path / "journal").iterdir():
        path.unlink()
    (tmp_path / "journal").rmdir()
    with pytest.raises(OSError, match="deleted"):
        journal.append([draft("two")])
    journal.append([draft("three")])
    journal.close()
    assert texts(open_journal()) == ["three"]


def test_a_deleted_entry_reads_as_none(open_journal: OpenJournal, draft: MakeDraft, tmp_path: Path) -> None:
    journal = open_journal()
    journal.append([draft("one")])
    (place,) = journal.index.select(None, 10)
    place.segment.path.unlink()
    assert journal.read(place) is None


def test_ids_rise_when_the_clock_is_set_back(open_journal: OpenJournal, draft: MakeDraft) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    times = iter([now, now - timedelta(days=400), now + timedelta(days=4000), now])
    journal = open_journal(clock=lambda: next(times))
    for word in "abc":
        journal.append([draft(word)])
    journal.close()
    again = open_journal(clock=lambda: now - timedelta(days=9))
    again.append([draft("d")])
    assert (texts(again), ids(again)) == (["a", "b", "c", "d"], [1, 2, 3, 4])


def test_repeats_are_recognised_across_a_restart(open_journal: OpenJournal, draft: MakeDraft) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    journal = open_journal(clock=lambda: now)
    journal.append([draft("one")])
    journal.close()
    again = open_journal(clock=lambda: now + timedelta(seconds=200))
    assert again.append([draft("one")])[0].duplicate_of == 1
    assert again.index.copies[1] == 1
    again.close()
    assert open_journal().index.copies[1] == 1


def test_restarts_without_notifications_leave_one_file(
    open_journal: OpenJournal, draft: MakeDraft, tmp_path: Path
) -> None:
    fill(open_journal(), draft, ["one"])
    for _ in range(5):
        journal = open_journal()
        journal.try_to_append(4096)
        journal.close()
    sizes = sorted(path.stat().st_size for path in (tmp_path / "journal").iterdir())
    assert len(sizes) == 2
    assert sizes[0] == 0
    journal = open_journal()
    journal.append([draft("two")])
    assert (texts(journal), ids(journal)) == (["one", "two"], [1, 2])


def test_no_id_is_given_again_after_all_entries_have_gone(
    open_journal: OpenJournal, draft: MakeDraft
) -> None:
    journal = open_journal(max_bytes=8000)
    for number in range(60):
        journal.append([draft(f"{number} " + "x" * 300)])
    last = journal.index.last_id
    journal.close()
    for path in sorted(journal._folder.glob("*.jsonl")):
        path.write_bytes(b"")
    again = open_journal(max_bytes=8000)
    assert again.append([draft("next")])[0].id > last - 5


def test_a_second_inbox_cannot_use_the_folder(open_journal: OpenJournal, tmp_path: Path) -> None:
    open_journal()
    with pytest.raises(
        VectorwatchError, match="is used by another inbox; stop it or set `VECTORWATCH_INBOX_DATA`"
    ):
        open_journal()


def test_a_folder_that_cannot_be_made_is_one_line(open_journal: OpenJournal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        open_journal(tmp_path / "file" / "journal")
    assert str(caught.value) == f"config: `data`: cannot use {tmp_path}/file/journal: not a directory"


def test_a_line_of_another_version_is_kept_and_found(open_journal: OpenJournal, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    record: dict[str, Any] = {
        "id": 5,
        "received_at": "2030-01-01T00:00:00+00:00",
        "channel": "pager",
        "new": 1,
    }
    (folder / f"{5:020d}.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    journal = open_journal()
    place = journal.index.find(5)
    assert place is not None
    assert json.loads(journal.read(place) or b"") == record
