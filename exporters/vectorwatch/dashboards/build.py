"""Write every dashboard to its file."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from vectorwatch.errors import VectorwatchError
from vectorwatch.rules.thresholds import read_thresholds

from .board import UID_PREFIX
from .boards import read_boards
from .grafana import GENERATED, to_json
from .limits import Thresholds


def render(thresholds: Thresholds) -> Iterator[tuple[Path, str]]:
    """Return the path below `grafana/dashboards/` and the text of each dashboard."""
    for board in read_boards():
        text = json.dumps(to_json(board, thresholds), indent=1, sort_keys=True, ensure_ascii=False)
        yield Path(board.folder, f"{board.name}.json"), text + "\n"


def write(thresholds_file: Path, folder: Path) -> list[str]:
    """Write the dashboards into `folder` and remove those no longer made; return a line for each change.

    What somebody put there beside them stays. Raises VectorwatchError when `folder` cannot be written.
    """
    wanted = dict(render(read_thresholds(thresholds_file)))
    try:
        said = [*_remove_others(wanted, folder), *_write(wanted, folder)]
    except OSError as error:
        raise VectorwatchError(
            f"dashboards: cannot write {error.filename or folder}: {error.strerror}"
        ) from error
    return [*said, f"dashboards: {len(wanted)} in {folder}, {len(said)} changed"]


def _remove_others(wanted: Container[Path], folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*/*.json")):
        name = path.relative_to(folder)
        if name not in wanted and _is_generated(path):
            path.unlink()
            yield f"dashboards: removed {name}"


def _write(wanted: Mapping[Path, str], folder: Path) -> Iterator[str]:
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != text.encode("utf-8"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            yield f"dashboards: wrote {name}"


def _is_generated(path: Path) -> bool:
    """Tell whether this was written here: marked as such, and not a copy under a name of its own."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return (
        isinstance(found, dict)
        and found.get("uid") == UID_PREFIX + path.stem
        and GENERATED in (found.get("tags") or ())
    )
