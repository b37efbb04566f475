#!/usr/bin/env python3
"""`dragonfly [--flag=value…]`: a Valkey that takes Dragonfly's flags and, as that does, HTTP on its port.

Of Dragonfly's own metrics there are the few that Valkey's INFO knows as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

PORT = 6379
SOCKET = "valkey.sock"
"""In the data folder, the only one that can be written."""
METRICS = {
    "dragonfly_connected_clients": "connected_clients",
    "dragonfly_used_memory_bytes": "used_memory",
    "dragonfly_uptime_in_seconds": "uptime_in_seconds",
}


def read_flags(arguments: list[str]) -> dict[str, str]:
    """Return `--name=value` flags by name; a flag alone is `true`."""
    pairs = (
        argument.removeprefix("--").partition("=") for argument in arguments if argument.startswith("--")
    )
    return {name: value or "true" for name, _, value in pairs}


def write_command(flags: dict[str, str]) -> list[str]:
    """Return the Valkey that these flags ask for."""
    policy = "allkeys-lru" if flags.get("cache_mode") == "true" else "noeviction"
    options = {
        "port": "0",
        "unixsocket": SOCKET,
        "dbfilename": flags.get("dbfilename", "dump") + ".rdb",
        "maxmemory": flags.get("maxmemory", "0"),
        "maxmemory-policy": policy,
    }
    return ["valkey-server", *(part for name, value in options.items() for part in (f"--{name}", value))]


def write_exposition(info: str) -> str:
    """Return Valkey's INFO as Dragonfly's metrics."""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    known = {name: fields[source] for name, source in METRICS.items() if source in fields}
    return "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in known.items())


async def ask_info() -> str:
    """Return what Valkey says of itself."""
    reader, writer = await asyncio.open_unix_connection(SOCKET)
    writer.write(b"INFO\r\n")
    length = int((await reader.readline()).removeprefix(b"$"))
    answer = await reader.readexactly(length)
    writer.close()
    return answer.decode()


async def answer_http(writer: asyncio.StreamWriter) -> None:
    """Answer any HTTP request with the metrics."""
    body = write_exposition(await ask_info()).encode()
    writer.write(
        b"HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
    )
    await writer.drain()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until either side ends."""
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client: HTTP if it begins so, else Valkey's own protocol."""
    with contextlib.closing(writer), contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
        first = await reader.read(65536)
        if first.startswith((b"GET ", b"HEAD ")):
            return await answer_http(writer)
        if not first:
            return None
        back_reader, back_writer = await asyncio.open_unix_connection(SOCKET)
        back_writer.write(first)
        await asyncio.gather(pass_on(reader, back_writer), pass_on(back_reader, writer))
    return None


async def main(flags: dict[str, str]) -> int:
    """Run until Valkey ends; return what it ended with."""
    valkey = await asyncio.create_subprocess_exec(*write_command(flags))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, valkey.terminate)
    async with await asyncio.start_server(serve, "0.0.0.0", PORT):
        return await valkey.wait()


if __name__ == "__main__":
    given = read_flags(sys.argv[1:])
    os.chdir(given.get("dir", "/data"))
    Path(SOCKET).unlink(missing_ok=True)
    sys.exit(asyncio.run(main(given)))
