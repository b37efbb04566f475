"""Certificates as `setup` makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectorwatch.setup.certificate import issue, make_authority


@pytest.fixture
def certificates(tmp_path: Path) -> Callable[[str], Path]:
    """Write what `setup` gives Logstash; return the path of a file."""
    authority = make_authority()
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    for kind in ("server", "client"):
        pair = issue(authority, kind, kind, ["localhost"] if kind == "server" else [])
        (tmp_path / f"{kind}.crt").write_bytes(pair.certificate)
        (tmp_path / f"{kind}.key").write_bytes(pair.key)
    return lambda name: tmp_path / name
