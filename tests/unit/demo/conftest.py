"""What the demo's tests share: a small signed Debian archive, and lines that were said."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from .signed_archive import SignedArchive


@pytest.fixture
def archive(tmp_path: Path, give_up: Callable[[str], NoReturn]) -> Iterator[SignedArchive]:
    missing = [name for name in ("apt-get", "dpkg-deb", "gpg") if shutil.which(name) is None]
    if missing:
        give_up(f"a signed Debian archive needs {', '.join(missing)}, which this machine has not")
    root = tmp_path / "archive"
    root.mkdir()
    with serve_folder(root) as address:
        yield SignedArchive(root, address)


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve `folder` over HTTP on loopback and yield its address."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def said() -> list[str]:
    """The progress lines: pass `said.append` where a `say` is wanted."""
    return []
