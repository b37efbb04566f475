"""`vectorwatch benchmark show` and `accept`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from .baseline import REMEDY, BaselineError, Folder, accept_recent
from .figure import Conditions, Subject, are_comparable

Say = Callable[[str], None]


def show(data: Path, say: Say) -> None:
    """Print each benchmark with its newest figures beside the baseline. Raises BaselineError."""
    folder = Folder(data)
    baselines, recent = folder.read_baselines(), folder.read_recent()
    subjects = sorted({*baselines, *recent})
    if not subjects:
        raise BaselineError(f"benchmark: there are no figures in {data} yet; {REMEDY}")
    width = max(len(_title(subject)) for subject in subjects)
    say(f"{'benchmark':<{width}}  {'now':>10}  {'baseline':>10}  {'change':>7}  taken")
    for subject in subjects:
        baseline, newest = baselines.get(subject), recent.get(subject)
        now = median(newest.seconds) if newest and newest.seconds else None
        change, taken = "", "not yet"
        if baseline:
            taken = f"{datetime.fromtimestamp(baseline.taken_at, UTC):%Y-%m-%d %H:%M} UTC"
            if now is not None and baseline.seconds:
                change = f"{now / baseline.seconds - 1:+.0%}"
            if newest and not are_comparable(baseline.conditions, newest.conditions):
                change, taken = (
                    "",
                    f"{taken}, of something else: {_difference(baseline.conditions, newest.conditions)}",
                )
        then = _milliseconds(baseline.seconds if baseline else None)
        say(f"{_title(subject):<{width}}  {_milliseconds(now):>10}  {then:>10}  {change:>7}  {taken}")


def accept(data: Path, wanted: Iterable[str], say: Say) -> None:
    """Make the newest figures the baseline. Raises BaselineError."""
    for subject in accept_recent(Folder(data), wanted):
        say(f"accepted: {_title(subject)}")


def _title(subject: Subject) -> str:
    return " ".join(part for part in (subject.server, subject.collection, subject.benchmark) if part)


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1000 * seconds:.3f} ms"


def _difference(before: Conditions, after: Conditions) -> str:
    changed = [name for name in before if before[name] != after.get(name)]
    return ", ".join(f"{name} {before[name]} → {after.get(name, 'none')}" for name in changed)
