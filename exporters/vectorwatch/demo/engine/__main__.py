"""`python -m vectorwatch.demo.engine --host 127.0.0.1 --port 6333 --data DIR [--api-key-file FILE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vectorwatch.demo.engine import run
from vectorwatch.errors import VectorwatchError


def main() -> int:
    parser = argparse.ArgumentParser(prog="vectorwatch.demo.engine", description="Serve an embedded Qdrant.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6333)
    parser.add_argument("--data", type=Path, required=True, help="folder of the collections; made if missing")
    parser.add_argument("--api-key-file", type=Path, help="file with the key that clients must send")
    options = parser.parse_args()
    try:
        run(options.host, options.port, options.data, options.api_key_file)
    except VectorwatchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
