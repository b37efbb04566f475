"""`make faults`: real faults in a live demo, one at a time; which alerts fire, end, and are told.

`python -m tests.faults` tries all, and sees that a healthy demo is silent; names choose some. The newest
outcome of each is kept in `build/fault-matrix.json`, and `--table` makes docs/reference/fault-matrix.md from
those.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from tests.faults.crew import Crew
from tests.faults.declared import FAULTS, find_fault
from tests.faults.fault import Fault
from tests.faults.healthy import NAME, run_healthy
from tests.faults.outcome import Outcome
from tests.faults.results import read_results, write_outcome, write_results
from tests.faults.rules import Key, Rule, read_rules
from tests.faults.table import write_line, write_table
from tests.faults.trial import run_trials
from vectorwatch.demo.interruption import catch_signals
from vectorwatch.demo.repository import find_repository
from vectorwatch.errors import VectorwatchError

_ALL = tuple(fault.name for fault in FAULTS)
_KNOWN = (*_ALL, NAME)


def main() -> int:
    """Return 0 when all that was tried is as it should be."""
    options = _read_options()
    repository = find_repository()
    try:
        if options.list:
            _say("\n".join(f"{fault.name:<28}{fault.what}" for fault in FAULTS))
            return 0
        if options.into:
            return _try_in_turn(options.names, options.minutes, options.into)
        if options.table:
            return _write_table(repository)
        return _try_all(repository, options.names or _ALL, options.minutes, options.at_once)
    except VectorwatchError as error:
        _say(str(error))
        return error.exit_code


def _try_in_turn(names: Sequence[str], minutes: float, folder: Path) -> int:
    start = monotonic()

    def say(line: str) -> None:
        _say(f"  {monotonic() - start:6.0f} s  {line}")

    if NAME in names:
        write_outcome(folder, run_healthy(minutes, say))
    faults = [find_fault(name) for name in names if name != NAME]
    run_trials(faults, say, lambda outcome: write_outcome(folder, outcome))
    return 0


def _try_all(repository: Path, names: Sequence[str], minutes: float, at_once: int) -> int:
    path, folder = repository / "build" / "fault-matrix.json", repository / "build" / "faults"
    start = monotonic()
    outcomes: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        # Read again: another run may have added to it.
        write_results(path, {**read_results(path), outcome.name: outcome})
        _say(write_line(outcome))

    shares = _share_out(repository, names, minutes, at_once)
    _say(f"faults: {len(names)} trials, {len(shares)} at a time; their logs are in {folder}")
    with catch_signals() as interruption:
        Crew(folder, ["--minutes", f"{minutes:g}"], interruption).run(shares, note)
    failed = [outcome.name for outcome in outcomes if outcome.failures]
    verdict = f"failed: {', '.join(failed)}" if failed else "all as it should be"
    _say(f"faults: {verdict}, in {monotonic() - start:.0f} s; kept in {path.relative_to(repository)}")
    return int(bool(failed))


def _write_table(repository: Path) -> int:
    results = read_results(repository / "build" / "fault-matrix.json")
    failed = [name for name in _KNOWN if name in results and results[name].failures]
    if failed or NAME not in results:
        _say(f"faults: no table: try these again: {', '.join(failed) or NAME}")
        return 1
    path = repository / "docs" / "reference" / "fault-matrix.md"
    path.write_text(write_table(results), encoding="utf-8")
    _say(f"faults: {path.relative_to(repository)} is written")
    return 0


def _share_out(repository: Path, names: Sequence[str], minutes: float, shares: int) -> list[list[str]]:
    """Return so many lists of names that take about as long as each other."""
    rules = read_rules(repository)

    def seconds(name: str) -> float:
        return minutes * 60 if name == NAME else _bound_seconds(find_fault(name), rules)

    shared: list[list[str]] = [[] for _ in range(min(shares, len(names)))]
    for name in sorted(names, key=seconds, reverse=True):
        min(shared, key=lambda share: sum(map(seconds, share))).append(name)
    return shared


def _bound_seconds(fault: Fault, rules: Mapping[Key, Rule]) -> float:
    bounds = [(one, rules[one.alert, one.severity]) for one in fault.expected]
    fire = max(one.fire_bound_seconds(rule) for one, rule in bounds)
    end = max(one.end_bound_seconds(rule) for one, rule in bounds)
    return fault.warm_up_seconds + fire + end


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="What to try; else all.")
    parser.add_argument("--list", action="store_true", help="Name the faults and what each does.")
    parser.add_argument("--at-once", type=int, default=3, help="Demos side by side.")
    parser.add_argument("--minutes", type=float, default=20.0, help="Length of the healthy run.")
    parser.add_argument("--table", action="store_true", help="Write the table from what was kept.")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name in options.names:
        if name not in _KNOWN:
            parser.error(f"no fault is called `{name}`; there are {', '.join(_KNOWN)}")
    return options


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
