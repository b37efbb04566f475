"""Ask servers themselves whether they live; nothing secret is sent, so no certificate is checked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from time import perf_counter
from urllib.parse import urlsplit

import aiohttp

from .answer import Check

_REDIS_PORT = 6379
_SERVER_ERROR = 500


async def ping_http(session: aiohttp.ClientSession, target: str, path: str, seconds: float) -> Check:
    """Return whether `target` answers a request for `path` with anything but an error of its own."""

    async def ask() -> str:
        url = f"{target if '://' in target else f'http://{target}'}{path}"
        async with session.get(url, ssl=False, allow_redirects=False) as response:
            return f"HTTP status {response.status}" if response.status >= _SERVER_ERROR else ""

    return await _time(target, ask(), seconds)


async def ping_redis(target: str, seconds: float) -> Check:
    """Return whether a cache answers PING; that it wants a password is an answer."""

    async def ask() -> str:
        parts = urlsplit(target if "://" in target else f"redis://{target}")
        tls = _trust_anyone() if parts.scheme == "rediss" else None
        if parts.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(parts.path)
        else:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or _REDIS_PORT, ssl=tls)
        try:
            writer.write(b"PING\r\n")
            line = (await reader.readline()).decode("ascii", "replace").strip()
        finally:
            writer.close()
        if line == "+PONG" or line.startswith(("-NOAUTH", "-NOPERM", "-DENIED")):
            return ""
        return "it is still loading its data" if line.startswith("-LOADING") else "it does not answer PING"

    return await _time(target, ask(), seconds)


async def _time(target: str, asking: Awaitable[str], seconds: float) -> Check:
    start = perf_counter()
    try:
        async with asyncio.timeout(seconds):
            problem = await asking
    except TimeoutError:
        problem = f"no answer within {seconds:g} s"
    except ssl.SSLError:
        problem = "no TLS there"
    except (OSError, aiohttp.ClientConnectionError):
        problem = "no connection"
    except (aiohttp.ClientError, ValueError):
        problem = "no sensible answer"
    return Check(
        target=target,
        answers=not problem,
        milliseconds=round((perf_counter() - start) * 1000, 2),
        problem=problem,
    )


def _trust_anyone() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
