"""Write every declared object to the files that Kibana is given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from vectorwatch.errors import VectorwatchError
from vectorwatch.replacement import replace_files

from .boards import BOARDS
from .data_view import DATA_VIEWS
from .render import SavedObject, render_board, render_data_view, render_search
from .search import SEARCHES


def render() -> Mapping[str, str]:
    """Return the text of each file, by its name: a line for each object."""
    return {
        "data-views.ndjson": _join(render_data_view(view) for view in DATA_VIEWS),
        "searches.ndjson": _join(render_search(search) for search in SEARCHES),
        **{f"{board.id}.ndjson": _join([render_board(board)]) for board in BOARDS},
    }


def write(folder: Path) -> list[str]:
    """Write the files into `folder`; return the lines to show. Files with other names stay.

    Raises VectorwatchError when `folder` cannot be written.
    """
    files = render()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_files(files, folder, "vw-*.ndjson")
    except OSError as error:
        where = error.filename or folder
        raise VectorwatchError(f"saved objects: cannot write {where}: {error.strerror}") from error
    count = sum(text.count("\n") for text in files.values())
    return [f"saved objects: {count} in {len(files)} files of {folder}"]


def _join(objects: Iterable[SavedObject]) -> str:
    return "".join(
        json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n"
        for found in objects
    )
