"""The baseline: what each benchmark took when it was taken or accepted, in a file that people can read.

`baseline.json` is written by the service for what has no baseline yet, and by `vectorwatch benchmark accept`;
both hold the lock while they do. `recent.json` are the newest figures, of which baselines are made; the
service alone writes it, so that its restart loses none.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from vectorwatch.errors import VectorwatchError

from .figure import Conditions, Subject

_FORMAT = 1
_MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution: 1 / Φ⁻¹(3/4)."""


class BaselineError(VectorwatchError):
    """A file that cannot be read or written; one line with the remedy."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What one benchmark took."""

    seconds: float
    """Median of the figures of its runs."""
    spread_seconds: float
    """How far a run is from that by chance: standard deviation, from the median absolute deviation."""
    runs: int
    taken_at: float
    """Seconds since 1970."""
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Recent:
    """The newest figures of one benchmark, oldest first, all under comparable conditions."""

    seconds: Sequence[float]
    conditions: Conditions


def make_baseline(recent: Recent, now: float) -> Baseline:
    """Return the baseline that the newest figures make."""
    middle = median(recent.seconds)
    spread = _MAD_TO_DEVIATION * median(abs(seconds - middle) for seconds in recent.seconds)
    return Baseline(middle, spread, len(recent.seconds), now, dict(recent.conditions))


REMEDY = "is the service running, and with this folder? `--data` names another"


class Folder:
    """The files of the baseline in one folder. Every method raises BaselineError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.baseline_file = folder / "baseline.json"
        self._recent_file = folder / "recent.json"

    def create(self) -> None:
        """Create the folder when it is missing and make sure that it can be written to."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "lock").open("a"):
                pass
        except OSError as error:
            raise BaselineError(
                f"benchmark: {self.folder} cannot be written to ({error.strerror});"
                " give it to this user, or set VECTORWATCH_BENCHMARK_DATA"
            ) from error

    def read_baselines(self) -> dict[Subject, Baseline]:
        """Return what is accepted; nothing where there is no file yet."""
        return {
            subject: Baseline(
                float(entry["seconds"]),
                float(entry["spread_seconds"]),
                int(entry["runs"]),
                float(entry["taken_at"]),
                _conditions(entry),
            )
            for subject, entry in _entries(self.baseline_file)
        }

    def read_recent(self) -> dict[Subject, Recent]:
        """Return the newest figures."""
        return {
            subject: Recent([float(seconds) for seconds in entry["seconds"]], _conditions(entry))
            for subject, entry in _entries(self._recent_file)
        }

    def write_recent(self, recent: Mapping[Subject, Recent]) -> None:
        """Replace the newest figures."""
        _write(self._recent_file, ((subject, asdict(one)) for subject, one in recent.items()))

    def accept(self, baselines: Mapping[Subject, Baseline], *, only_new: bool = False) -> None:
        """Add baselines to the file, or replace those that are there unless `only_new`."""
        with self._locked():
            known = self.read_baselines()
            merged = {**baselines, **known} if only_new else {**known, **baselines}
            _write(self.baseline_file, ((subject, asdict(one)) for subject, one in merged.items()))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            lock = (self.folder / "lock").open("a")
        except OSError as error:
            raise BaselineError(
                f"benchmark: {self.folder} cannot be written to ({error.strerror}); {REMEDY}"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def accept_recent(folder: Folder, wanted: Iterable[str] = ()) -> list[Subject]:
    """Make the newest figures the baseline and return of what.

    `wanted` names benchmarks, collections or servers; empty: all. Raises BaselineError without figures.
    """
    names = set(wanted)
    recent = {
        subject: one
        for subject, one in folder.read_recent().items()
        if not names or subject.benchmark in names or subject.collection in names or subject.server in names
    }
    if not recent:
        what = f" of {', '.join(sorted(names))}" if names else ""
        raise BaselineError(f"benchmark: there are no figures{what} in {folder.folder} yet; {REMEDY}")
    now = time.time()
    folder.accept({subject: make_baseline(one, now) for subject, one in recent.items()})
    return sorted(recent)


def _conditions(entry: Mapping[str, Any]) -> Conditions:
    return {str(name): int(value) for name, value in entry["conditions"].items()}


def _entries(path: Path) -> list[tuple[Subject, Mapping[str, Any]]]:
    """Return the entries of a file, checked in form. Raises BaselineError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"benchmark: {path} cannot be read: {error}") from error
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise BaselineError(
                f"benchmark: {path} is of a newer version; use that version, or remove the file"
            )
        return [
            (Subject(*(str(entry[name]) for name in Subject._fields)), _checked(entry))
            for entry in document["benchmarks"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaselineError(
            f"benchmark: {path} is damaged ({type(error).__name__}: {error});"
            " mend it, or remove it for a new one"
        ) from error


def _checked(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `entry` if its numbers are numbers. Raises ValueError, TypeError, KeyError, AttributeError."""
    _conditions(entry)
    for name in ("spread_seconds", "runs", "taken_at") if "runs" in entry else ():
        float(entry[name])
    seconds = entry["seconds"]
    for value in seconds if isinstance(seconds, list) else [seconds]:
        if not float(value) >= 0:
            raise ValueError(f"{value} seconds")
    return entry


def _write(path: Path, entries: Iterable[tuple[Subject, Mapping[str, Any]]]) -> None:
    """Replace a file as a whole, so that a full disk or a sudden end leaves the old one."""
    document = {
        "format": _FORMAT,
        "benchmarks": [
            {**subject._asdict(), **entry} for subject, entry in sorted(entries, key=lambda e: e[0])
        ],
    }
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
            try:
                json.dump(document, new, indent=1)
                new.write("\n")
                new.flush()
                os.fsync(new.fileno())
                Path(new.name).replace(path)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise BaselineError(
            f"benchmark: {path} cannot be written: {error.strerror}; make room or mend its rights"
        ) from error
