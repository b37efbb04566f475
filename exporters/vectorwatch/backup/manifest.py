"""What an archive says about itself: its last member, so that a cut archive has none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from vectorwatch.errors import VectorwatchError

FORMAT = 1
SNAPSHOTS = "elasticsearch_snapshots"
"""The volume with the snapshot of the logs, which is made before the archive; without one it is left out."""
MANIFEST = "manifest.json"
VOLUMES = "volumes"
FILES = "files"
"""Folder of what belongs to the person who runs the stack: `.env`, targets, secrets."""
SIZE = "VECTORWATCH.size"
"""Header of a file that ends in a hole, which the archive leaves out: its whole size in bytes."""
MAX_MANIFEST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Manifest:
    """`sha256` is by name of file, of all files before the manifest."""

    written: str
    """UTC, ISO 8601."""
    commit: str
    images: str
    sha256: Mapping[str, str]
    format: int = FORMAT

    def list_volumes(self) -> list[str]:
        """Return the names of the volumes of which the archive has files."""
        return sorted({name.split("/")[1] for name in self.sha256 if name.startswith(f"{VOLUMES}/")})

    def encode(self) -> bytes:
        """Return it as it stands in the archive."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def decode(content: bytes) -> Manifest:
    """Read a manifest. Raises VectorwatchError."""
    try:
        values = json.loads(content)
        known = values.pop("format")
        if known != FORMAT:
            raise VectorwatchError(f"restore: the archive has format {known}, this version reads {FORMAT}")
        return Manifest(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise VectorwatchError(
            "restore: damaged: its manifest is none of ours; take another archive"
        ) from error
