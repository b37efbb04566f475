"""`python -m tests.smoke.engine COMMAND…`: run a command with a Docker engine, started if there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.smoke.engine.provide import provide_engine
from vectorwatch.errors import VectorwatchError

FOLDER = Path(".tools/docker")


def main(command: list[str]) -> int:
    """Return what `command` ends with."""
    try:
        with provide_engine(
            FOLDER.resolve(), say=lambda line: print(line, file=sys.stderr, flush=True)
        ) as docker:
            return subprocess.run(command or ["bash"], env=dict(docker.environment), check=False).returncode
    except VectorwatchError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
