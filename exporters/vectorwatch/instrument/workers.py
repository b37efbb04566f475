"""Several worker processes: prometheus_client shares their metrics through files in one folder.

`PROMETHEUS_MULTIPROC_DIR` names it; it must exist before the first worker starts, be empty then, and belong
to one service. Exemplars and `process_…` metrics do not exist in this mode.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import prometheus_client.multiprocess

from .errors import SetupError

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LIVE_FILE = re.compile(r"gauge_live\w*_(\d+)\.db")


def find_folder() -> Path | None:
    """Return the folder that workers share, None when there is one process.

    Raises SetupError when it is not there or cannot be written: no metric would exist.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        return None
    folder = Path(named)
    if not named or not folder.is_dir():
        raise SetupError(
            f"{VARIABLE}: `{named}` is no folder; make it before the server starts, and empty it then"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(
            f"{VARIABLE}: `{named}` cannot be written by uid {os.getuid()}; give it to that user"
        )
    return folder


def end_worker(server: Any, worker: Any) -> None:  # noqa: ARG001 - the signature is gunicorn's
    """Forget the gauges of a worker that has ended; gunicorn's configuration names this as `child_exit`."""
    if find_folder() is not None:
        prometheus_client.multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def remove_dead_workers(folder: Path) -> None:
    """Forget the gauges of workers that no longer run.

    uvicorn tells nobody when a worker ends, and a killed one cannot tell itself.
    """
    pids = {int(found[1]) for path in folder.iterdir() if (found := _LIVE_FILE.fullmatch(path.name))}
    for pid in pids:
        if not _runs(pid):
            for path in folder.glob(f"gauge_live*_{pid}.db"):
                path.unlink(missing_ok=True)  # another worker may be answering a scrape as well


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
