"""What a Filebeat on another host needs, as one archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from vectorwatch.errors import VectorwatchError

from .certificate import Pair

EXAMPLE = "filebeat/host/filebeat.yml"
ADDRESS = "monitoring.example.com:5044"
"""Stands in the example for the address of Logstash."""
_FOLDER = "filebeat"


def pack(checkout: Path, authority: bytes, pair: Pair, host: str, port: int) -> bytes:
    """Return a tar archive of the example and the files that it names. Raises VectorwatchError."""
    try:
        example = (checkout / EXAMPLE).read_text(encoding="utf-8")
    except OSError as error:
        raise VectorwatchError(f"shipper-files: {EXAMPLE}: {error.strerror}") from error
    if ADDRESS not in example:
        raise VectorwatchError(
            f"shipper-files: {EXAMPLE} does not send to {ADDRESS}, which is to be replaced"
        )
    files = {
        "filebeat.yml": (example.replace(ADDRESS, f"{host}:{port}").encode(), 0o600),
        "ca.crt": (authority, 0o644),
        "client.crt": (pair.certificate, 0o644),
        "client.key": (pair.key, 0o600),
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
