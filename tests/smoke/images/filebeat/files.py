"""The files of one input: which there are, how far each was read, what events they hold."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from tests.smoke.images.filebeat.lines import Line, Parsers, SettingError, read_seconds
from tests.smoke.images.lumberjack import Event

FINGERPRINT_BYTES = 1024
_READ_BYTES = 2**20
_KNOWN = {
    "type", "id", "paths", "parsers", "fields", "processors", "backoff", "message_max_bytes",
    "prospector.scanner", "prospector.scanner.check_interval",
    "file_identity.fingerprint.growing", "include_file_fingerprint",
}  # fmt: skip
_FIELD = re.compile(r"%\{([^}]*)\}")


@dataclass
class Place:
    """How far a file was read, as the registry keeps it; the file is known by how it begins."""

    beginning: str
    length: int
    offset: int


@dataclass(frozen=True)
class Step:
    """An event, or none, and up to where its file is done with once it is confirmed."""

    file: OpenFile
    offset: int
    event: Event | None


class OpenFile:
    """A file that is read."""

    def __init__(self, path: str, content: BinaryIO, place: Place, parsers: Parsers) -> None:
        self.path = path
        self.content = content
        self.place = place
        status = os.fstat(content.fileno())
        self.key = (status.st_dev, status.st_ino)
        self._parsers = parsers
        self._read_to = place.offset
        self._last_line = monotonic()

    @property
    def identity(self) -> dict[str, str]:
        """Return what an event says of its file, besides where it is."""
        device, inode = self.key
        return {"device_id": str(device), "inode": str(inode)}

    def read(self) -> Iterator[tuple[Line | None, int]]:
        """Yield each event, and up to where the file is done with after it; None for lines without one."""
        size = os.fstat(self.content.fileno()).st_size
        if size < self._read_to:  # truncated
            self._read_to = 0
        for raw in self._read_lines():
            start = self._read_to
            self._read_to += len(raw) + 1
            self._last_line = monotonic()
            line = Line(start, self._read_to, raw.decode("utf-8", "replace"))
            yield from self._note(self._parsers.take(line))
        waited = monotonic() - self._last_line > self._parsers.timeout_seconds
        if waited and self._parsers.waits_from is not None:
            yield from self._note(self._parsers.flush())

    def _read_lines(self) -> list[bytes]:
        self.content.seek(self._read_to)
        block = self.content.read(_READ_BYTES)
        while b"\n" not in block and (more := self.content.read(_READ_BYTES)):
            block += more
        return block.split(b"\n")[:-1]

    def _note(self, events: list[Line]) -> Iterator[tuple[Line | None, int]]:
        waits_from = self._parsers.waits_from
        done = self._read_to if waits_from is None else waits_from
        for number, event in enumerate(events):
            yield event, done if number == len(events) - 1 else event.end
        if not events and waits_from is None:
            yield None, done

    @property
    def is_done(self) -> bool:
        """Whether all of it was read and confirmed."""
        return self.place.offset >= os.fstat(self.content.fileno()).st_size


class Input:
    """One entry of `filebeat.inputs`. Raises SettingError for what the stand-in does not know."""

    def __init__(self, settings: Mapping[str, Any], places: list[Place]) -> None:
        if settings["type"] != "filestream" or settings.keys() - _KNOWN:
            raise SettingError(f"input {settings['id']}: {sorted(settings.keys() - _KNOWN)}")
        self._settings = settings
        scanner = settings.get("prospector.scanner", {})
        interval = scanner.get("check_interval") or settings["prospector.scanner.check_interval"]
        self._scan_seconds = read_seconds(interval)
        self._excluded = [re.compile(pattern) for pattern in scanner.get("exclude_files", ())]
        self._dissects = [_read_dissect(one) for one in settings.get("processors", ())]
        self.places = places
        self.files: dict[tuple[int, int], OpenFile] = {}
        self._scanned = float("-inf")

    def read(self) -> Iterator[Step]:
        """Yield what is new in all files."""
        if monotonic() - self._scanned > self._scan_seconds:
            self._scanned = monotonic()
            self._scan()
        for file in list(self.files.values()):
            for line, offset in file.read():
                yield Step(file, offset, self._make_event(file, line) if line is not None else None)

    def close(self) -> None:
        """Close all files."""
        for file in self.files.values():
            file.content.close()
        self.files.clear()

    def _scan(self) -> None:
        paths = {str(path) for pattern in self._settings["paths"] for path in Path("/").glob(pattern[1:])}
        for path in sorted(paths):
            if not any(pattern.search(path) for pattern in self._excluded):
                self._open(path)
        for key, file in list(self.files.items()):
            if file.is_done and not Path(file.path).exists():
                file.content.close()
                self.places.remove(file.place)
                del self.files[key]

    def _open(self, path: str) -> None:
        try:
            status = Path(path).stat()
            known = self.files.get((status.st_dev, status.st_ino))
            if known is not None:
                known.path = path  # renamed
                grow(known.place, known.content)
                return
            content = Path(path).open("rb")  # noqa: SIM115 - stays open
        except OSError:
            return  # gone meanwhile
        place = find_place(self.places, content)
        if place is None:
            content.close()  # empty: nobody can tell yet which file it is
            return
        file = OpenFile(path, content, place, Parsers(self._settings.get("parsers", ())))
        self.files[file.key] = file

    def _make_event(self, file: OpenFile, line: Line) -> Event:
        fields: Event = dict(line.fields)
        fields["message"] = line.text.encode()[: self._settings["message_max_bytes"]].decode(
            "utf-8", "ignore"
        )
        fields["log"] = {"offset": line.start, "file": {"path": file.path, **file.identity}}
        fields["fields"] = self._settings["fields"]
        fields["input"] = {"type": "filestream"}
        for pattern, names in self._dissects:
            if found := pattern.fullmatch(file.path):
                for name, value in zip(names, found.groups(), strict=True):
                    _set(fields, name, value)
        return fields


def find_place(places: list[Place], content: BinaryIO) -> Place | None:
    """Return the place of the file that begins like this one, else a new one; None while it is empty."""
    content.seek(0)
    beginning = content.read(FINGERPRINT_BYTES)
    if not beginning:
        return None
    for place in sorted(places, key=lambda one: -one.length):
        if place.length <= len(beginning) and place.beginning == _hash(beginning[: place.length]):
            return place
    places.append(Place(_hash(beginning), len(beginning), 0))
    return places[-1]


def grow(place: Place, content: BinaryIO) -> None:
    """Know a file that has grown by more of its beginning."""
    if place.length < FINGERPRINT_BYTES:
        content.seek(0)
        beginning = content.read(FINGERPRINT_BYTES)
        if len(beginning) > place.length and _hash(beginning[: place.length]) == place.beginning:
            place.beginning, place.length = _hash(beginning), len(beginning)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_dissect(processor: Mapping[str, Any]) -> tuple[re.Pattern[str], list[str]]:
    body = processor.get("dissect", {})
    if processor.keys() != {"dissect"} or body["field"] != "log.file.path" or body["target_prefix"]:
        raise SettingError(f"processor {processor}")
    parts = _FIELD.split(body["tokenizer"])
    # Text and names take turns; one without a name is skipped.
    pattern = "".join(
        re.escape(part) if number % 2 == 0 else ("(.*?)" if part else ".*")
        for number, part in enumerate(parts)
    )
    return re.compile(pattern), [name for name in parts[1::2] if name]


def _set(fields: Event, name: str, value: str) -> None:
    *above, last = name.split(".")
    for part in above:
        fields = fields.setdefault(part, {})
    fields[last] = value
