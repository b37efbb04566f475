"""The journal: JSON lines in a folder, on the disk before anyone is told, bounded in bytes, found by id."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vectorwatch.errors import ConfigError, VectorwatchError

from .entry import Draft, Head, write_line
from .index import Index, Place
from .notification import Notification
from .repair import DAMAGED, load
from .retries import Retries
from .segment import Segment

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_SEGMENTS = 8  # the oldest eighth goes at a time


def read_utc_clock() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class Journal:
    """All entries of one folder; `open` it, and `close` it at the end. One thread appends at a time."""

    def __init__(self, folder: Path, max_bytes: int, retries: Retries, clock: Clock) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._retries = retries
        self._clock = clock
        self._lock: int | None = None
        self._segments: list[Segment] = []
        self._active: Segment | None = None
        self._next_id = 1
        self._damaged_bytes = 0
        self.index = Index()
        self.damaged_lines = 0
        self.removed_entries = 0

    @classmethod
    def open(
        cls,
        folder: Path,
        max_bytes: int,
        *,
        retry_window_seconds: float = 240.0,
        clock: Clock = read_utc_clock,
    ) -> Journal:
        """Return the journal in `folder`, created when missing, repaired when damaged.

        Raises VectorwatchError when the folder cannot be read or another process has it. One that cannot be
        written to is opened all the same: `append` fails until it can.
        """
        journal = cls(folder, max_bytes, Retries(retry_window_seconds), clock)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            journal._lock = _lock(folder)
            for segment in Segment.find_all(folder):
                journal._load(segment)
            journal._damaged_bytes = _size_of(folder / DAMAGED)
        except OSError as error:
            journal.close()
            reason = (error.strerror or "").lower()
            raise ConfigError(f"config: `data`: cannot use {folder}: {reason}") from None
        return journal

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all files of the journal."""
        return self._damaged_bytes + sum(segment.size_bytes for segment in self._segments)

    @property
    def segment_bytes(self) -> int:
        """Return the size from which a new file is begun."""
        return self._max_bytes // _SEGMENTS

    def append(self, drafts: Sequence[Draft]) -> list[Head]:
        """Store all of `drafts` with one sync to the disk, or raise OSError and store none."""
        first_id = self._next_id
        heads = [self._give_head(draft.notification) for draft in drafts]
        lines = [write_line(head, draft) for head, draft in zip(heads, drafts, strict=True)]
        try:
            segment = self._make_room(sum(map(len, lines)), first_id)
            offset = segment.append(b"".join(lines))
        except OSError:
            # The ids stay used: one that may have reached the disk is never given twice.
            self._retries.forget_from(first_id)
            raise
        for head, line in zip(heads, lines, strict=True):
            self.index.add(head, segment, offset, len(line) - 1)
            offset += len(line)
        return heads

    def try_to_append(self, size_bytes: int) -> None:
        """Raise OSError unless an entry of that size could be stored now."""
        self._make_room(size_bytes, self._next_id).try_to_append(size_bytes)

    def read(self, place: Place) -> bytes | None:
        """Return the JSON of an entry, or None when its file has gone since it was chosen."""
        try:
            return place.segment.read(place.offset, place.length)
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Close all files and let another process have the folder."""
        for segment in self._segments:
            segment.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _give_head(self, notification: Notification) -> Head:
        entry_id, now = self._next_id, self._clock()
        self._next_id += 1
        kind = (notification.channel.value, notification.group, notification.digest)
        original = self._retries.find_original(*kind, now)
        if original is None:
            self._retries.remember(*kind, entry_id, now)
        channel, group, digest = kind
        return Head(entry_id, now, channel, original, group, digest)

    def _make_room(self, size_bytes: int, first_id: int) -> Segment:
        """Return the file to append to, after removing what the limit no longer allows."""
        active = self._active
        if active is None or not active.is_sound or self._overflows(active, size_bytes):
            active = self._begin_segment(first_id)
        while self.size_bytes + size_bytes > self._max_bytes and self._segments[0] is not active:
            self._remove_oldest()
        return active

    def _overflows(self, segment: Segment, size_bytes: int) -> bool:
        return segment.size_bytes > 0 and segment.size_bytes + size_bytes > self.segment_bytes

    def _begin_segment(self, first_id: int) -> Segment:
        if self._active:
            self._active.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No file may get the name of another, not even after one of which nothing could be kept.
        taken = self._segments[-1].first_id if self._segments else 0
        self._active = Segment.beginning_with(self._folder, max(first_id, taken + 1))
        self._segments.append(self._active)
        return self._active

    def _remove_oldest(self) -> None:
        self._segments[0].path.unlink(missing_ok=True)
        removed = self.index.drop(self._segments.pop(0))
        self.removed_entries += removed
        log.info("journal: removed the oldest %d entries to stay within `max_journal_bytes`", removed)

    def _load(self, segment: Segment) -> None:
        """Read a file of an earlier run; it is continued only when empty, so that its end cannot matter."""
        found, damaged = load(segment, self.index.last_id, self.segment_bytes)
        self._segments.append(segment)
        self._active = None if segment.size_bytes else segment
        self.damaged_lines += damaged
        for head, offset, length in found:
            self.index.add(head, segment, offset, length)
            if head.duplicate_of is None:
                self._retries.remember(head.channel, head.group, head.digest, head.id, head.received_at)
        self._next_id = max(self._next_id, segment.first_id, self.index.last_id + 1)


def _lock(folder: Path) -> int:
    """Take the folder for this process; the lock ends with it, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise VectorwatchError(
            f"folder {folder} is used by another inbox; stop it or set `VECTORWATCH_INBOX_DATA`"
        ) from None
    return descriptor


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
