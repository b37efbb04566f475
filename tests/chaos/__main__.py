"""`make chaos`: every container crashed, killed, paused, cut off, starved, its disk filled; then all at once.

What is found is kept trial by trial in tests/chaos/results.json, which is committed. `python -m tests.chaos`
makes the trials that it lacks or that failed, so that a run that ended early goes on; all of them with
`--again`; names choose some. `--table` makes docs/reference/chaos.md of it, and a test tells when the page is
another. Who declares a trial makes it, and commits both files; the trials that nothing touched keep theirs.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import FrameType

from tests.chaos.declared import ROUNDS, TRIALS
from tests.chaos.outcome import RESULTS, Outcome, keep_outcome, read_outcomes
from tests.chaos.rounds import Rounds
from tests.chaos.stack import open_scene
from tests.chaos.table import write_line, write_table
from tests.chaos.trial import WHAT, Trial
from tests.faults.rules import read_rules
from vectorwatch.demo.repository import find_repository
from vectorwatch.errors import VectorwatchError


def main() -> int:
    """Return 0 when all that was tried is as it should be."""
    options = _read_options()
    repository = find_repository()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if options.list:
        _say("\n".join(f"{trial.name:<34}{WHAT[trial.kind]}" for trial in TRIALS))
        return 0
    if options.table:
        page = repository / "docs" / "reference" / "chaos.md"
        page.write_text(write_table(read_outcomes(RESULTS)), encoding="utf-8")
        _say(f"chaos: {page.relative_to(repository)} is written")
        return 0
    kept = {} if options.again else read_outcomes(RESULTS)
    done = {name for name, outcome in kept.items() if not outcome.failures}
    rounds = choose(options.names or [trial.name for trial in TRIALS if trial.name not in done])
    try:
        return _try_all(repository, rounds, options.until_firing)
    except VectorwatchError as error:
        _say(str(error))
        return error.exit_code


def choose(names: Sequence[str]) -> list[list[Trial]]:
    """Return the rounds with only those trials in them."""
    chosen = [[trial for trial in one if trial.name in names] for one in ROUNDS]
    return [one for one in chosen if one]


def _try_all(repository: Path, rounds: Sequence[Sequence[Trial]], until_firing: bool) -> int:
    start = monotonic()
    outcomes: list[Outcome] = []

    def say(line: str) -> None:
        _say(f"{monotonic() - start:6.0f} s  {line}")

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        keep_outcome(RESULTS, outcome)
        _say(write_line(outcome))

    _say(f"chaos: {sum(map(len, rounds))} trials in {len(rounds)} rounds")
    with open_scene(repository, say) as scene:
        runner = Rounds(scene, read_rules(repository), note, until_firing=until_firing)
        for one in rounds:
            runner.run(one)
    failed = [outcome.name for outcome in outcomes if outcome.failures]
    verdict = f"failed: {', '.join(failed)}" if failed else "all as it should be"
    _say(f"chaos: {verdict}, in {monotonic() - start:.0f} s; kept in {RESULTS.name}")
    return int(bool(failed))


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="what to try; else what has no result, or failed"
    )
    parser.add_argument("--list", action="store_true", help="name the trials and what each does")
    parser.add_argument("--again", action="store_true", help="try all, also what was tried")
    parser.add_argument("--until-firing", action="store_true", help="wait until each alert fires and is told")
    parser.add_argument("--table", action="store_true", help="write the page from what was kept")
    options = parser.parse_args()
    known = {trial.name for trial in TRIALS}
    for name in options.names:
        if name not in known:
            parser.error(f"no trial is called `{name}`; --list names them")
    return options


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
