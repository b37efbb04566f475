"""The dashboards that Grafana reads: those of the checkout, with the numbers of the user drawn on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from vectorwatch.errors import ConfigError, VectorwatchError
from vectorwatch.replacement import replace_files

from .build import render
from .limits import Thresholds


def write_tuned(source: Path, out: Path, defaults: Thresholds, tuned: Thresholds) -> Iterator[str]:
    """Write each dashboard of `source` (the folder `grafana/dashboards/`) into `out`; yield what to show.

    One that says what the generator writes gets the numbers in `tuned`; one that somebody edited or added
    goes as it is. Raises ConfigError with a line for each that Grafana would not take, before anything is
    changed; VectorwatchError when `out` cannot be written.
    """
    ours = {str(path): text for path, text in render(defaults)}
    drawn = {str(path): text for path, text in render(tuned)}
    contents = {name: drawn[name] if text == ours.get(name) else text for name, text in _read(source).items()}
    try:
        replace_files(contents, out, "**/*.json")
    except OSError as error:
        raise VectorwatchError(f"dashboards: cannot write {error.filename}: {error.strerror}") from error
    edited = sum(name in ours and text not in (ours[name], drawn[name]) for name, text in contents.items())
    own = len(contents.keys() - ours.keys())
    more = [f"{count} {what}" for count, what in ((edited, "edited by you"), (own, "your own")) if count]
    yield f"dashboards: {len(contents)} files{'; ' if more else ''}{', '.join(more)}"


def _read(source: Path) -> Mapping[str, str]:
    found: dict[str, str] = {}
    homes: dict[str, str] = {}
    problems: list[str] = []
    for path in sorted(source.rglob("*.json")):
        name = str(path.relative_to(source))
        try:
            found[name] = path.read_bytes().decode("utf-8")
            uid = str(json.loads(found[name]).get("uid") or "")
        except OSError as error:
            problems.append(f"grafana/dashboards/{name}: cannot be read: {error.strerror}")
        except (ValueError, AttributeError):
            problems.append(f"grafana/dashboards/{name}: is no dashboard in JSON; mend it or take it away")
        else:
            # Grafana would take no change of any dashboard any more.
            if uid and homes.setdefault(uid, name) != name:
                problems.append(f"grafana/dashboards/{name}: has the uid of {homes[uid]}; give it another")
    if problems:
        raise ConfigError(problems)
    return found
