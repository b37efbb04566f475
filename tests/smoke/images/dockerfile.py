"""Which images a Dockerfile builds upon."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FROM = re.compile(
    r"^FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.MULTILINE | re.IGNORECASE
)


def find_bases(text: str) -> Sequence[str]:
    """Return the images named by FROM that are no earlier stage of the same file, each once."""
    stages: set[str] = set()
    bases: dict[str, None] = {}
    for found in _FROM.finditer(text):
        if found["image"] not in stages and found["image"] != "scratch":
            bases[found["image"]] = None
        if found["stage"]:
            stages.add(found["stage"])
    return list(bases)
