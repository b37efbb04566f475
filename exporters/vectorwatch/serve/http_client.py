"""Read JSON from a target over HTTP: bounded in size, never redirected, every failure a `TargetError`."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import aiohttp
from yarl import URL

from vectorwatch.errors import Reason, TargetError

from .names import FreshNames

_CHUNK_BYTES = 64 * 1024
_UNAVAILABLE = 503


@dataclass(frozen=True)
class JsonClient:
    """Requests to one base URL with its headers and TLS context.

    The session is shared by all targets of a program and bounds how many connections it opens.
    """

    session: aiohttp.ClientSession
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | bool = True
    max_bytes: int = 8 * 1024 * 1024

    async def get(self, path: str) -> Any:
        """Return the decoded answer to `GET path`. Raises TargetError."""
        return await self.request("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the decoded answer to `POST path` with a JSON body. Raises TargetError."""
        return await self.request("POST", path, body)

    async def succeeds(self, path: str) -> bool:
        """Tell whether `GET path` answers with a success, whatever its body. Raises TargetError."""
        try:
            await self._send("GET", path, None)
        except StatusError as error:
            if error.status != _UNAVAILABLE:
                raise
            return False
        return True

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request and decode its answer. Raises TargetError; cancellation passes through."""
        return decode_json(await self._send(method, path, body), path)

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        try:
            async with self.session.request(
                method,
                # Already quoted: a collection name may hold any character, and yarl would undo `%2F`.
                URL(self.base_url + path, encoded=True),
                json=body,
                headers=self.headers,
                ssl=self.tls,
                # A redirect could carry the API key to another host.
                allow_redirects=False,
            ) as response:
                content = await self._read(response, path)
        except aiohttp.ClientSSLError as error:
            raise TargetError(Reason.TLS, f"{path}: {error}") from error
        except aiohttp.ClientPayloadError as error:
            raise TargetError(Reason.DECODE, f"{path}: the answer was cut off") from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise TargetError(Reason.CONNECT, f"{path}: {error or type(error).__name__}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise TargetError(Reason.DECODE, f"{path}: not HTTP: {type(error).__name__}") from error
        if response.status >= 300:
            self._refused(response.status, content, path)
        return content

    async def _read(self, response: aiohttp.ClientResponse, path: str) -> bytes:
        content = bytearray()
        if (response.content_length or 0) <= self.max_bytes:
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                content += chunk
                if len(content) > self.max_bytes:
                    break
            else:
                return bytes(content)
        response.close()
        raise TargetError(Reason.TOO_LARGE, f"{path}: the answer has more than {self.max_bytes} bytes")

    def _refused(self, status: int, content: bytes, path: str) -> NoReturn:
        # Only the status is shown: the body is the server's, and a proxy may echo the request's headers.
        reason = Reason.AUTH if status in (401, 403) else Reason.HTTP_STATUS
        raise StatusError(reason, f"{path}: HTTP status {status}", status, content)


class StatusError(TargetError):
    """An HTTP status that is not a success, with the answer for a caller that can tell more from it."""

    def __init__(self, reason: Reason, message: str, status: int, content: bytes) -> None:
        super().__init__(reason, message)
        self.status = status
        self.content = content


def open_session(limit: int = 100, limit_per_host: int = 0) -> aiohttp.ClientSession:
    """Return a session for a service that runs long: a server may come back at another address.

    It has no deadline of its own, for each question has one. 0 is no limit of connections.
    """
    connector = aiohttp.TCPConnector(limit=limit, limit_per_host=limit_per_host, resolver=FreshNames())
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))


@asynccontextmanager
async def answer_within(seconds: float) -> AsyncIterator[None]:
    """Raise TargetError(timeout) when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TargetError(Reason.TIMEOUT, f"no answer within {seconds:g} s") from None


def decode_json(content: bytes, what: str) -> Any:
    """Return the decoded JSON; raises TargetError(decode) also for NaN and Infinity, which are not JSON."""
    try:
        return json.loads(content, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise TargetError(Reason.DECODE, f"{what}: the answer is not JSON") from error


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
