#!/usr/bin/env -S python3 -IS
"""`healthcheck PORT`: exit 0 if `/readyz` of this container answers 200.

It runs every half minute in each container, so it stands outside the package and imports next to nothing:
20 ms of processor time, where the package and an HTTP library take 100.
"""

from __future__ import annotations

import socket
import sys

_TIMEOUT_SECONDS = 4.0


def is_ready(port: int) -> bool:
    """Tell whether `http://127.0.0.1:port/readyz` answers 200 in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not is_ready(int(sys.argv[1])))
