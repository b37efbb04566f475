"""`python -m vectorwatch.demo.engine.index_build FOLDER`: optimize a shard that nobody else uses.

A process of its own, because `optimize` holds the interpreter lock until it ends. Exit status: 0 when the
shard was changed, 3 when it was fine as it was, 1 with the engine's words on stderr when it failed.
"""

from __future__ import annotations

import os
import sys

from qdrant_edge import EdgeShard

UNCHANGED = 3
_NICENESS = 10
"""Searches come first: an index may be late, an answer may not."""


def main(folder: str) -> int:
    """Optimize until nothing is left to do."""
    os.nice(_NICENESS)
    shard = EdgeShard.load(folder)
    changed = shard.optimize()
    shard.flush()
    shard.close()
    return 0 if changed else UNCHANGED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
