"""Talk to one server over kept connections; every failure is a `TargetError`."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import cast

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.names import resolve
from vectorwatch.serve.tls import make_context

from .answer import Answer, read_answer, refusal
from .resp import MAX_ANSWER_BYTES, ErrorReply, Reply, encode_command, parse_reply
from .target import RedisTarget

_PING_AND_INFO = encode_command("PING") + encode_command("INFO", "ALL")
_SLOWLOG = encode_command("SLOWLOG", "LEN") + encode_command("SLOWLOG", "GET", "1")
# A connection that no scrape has used for so long belongs to a target that was taken out.
_IDLE_SECONDS = 600.0
# A server without TLS takes the handshake for half a command and waits; this ends before a scrape does.
_HANDSHAKE_SECONDS = 4.0


class ClosedError(TargetError):
    """The server closed the connection before the first byte of an answer."""

    def __init__(self) -> None:
        super().__init__(Reason.CONNECT, "the server closed the connection without an answer")


class Client:
    """Requests to one target; two scrapes at once use two connections, and one is kept for the next."""

    def __init__(self, target: RedisTarget, *, slowlog: bool) -> None:
        self._target = target
        self._request = _PING_AND_INFO + (_SLOWLOG if slowlog else b"")
        self._replies = 4 if slowlog else 2
        self._idle: Connection | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def read(self) -> Answer:
        """Return the answers of one pipelined round trip. Raises TargetError."""
        kept = self._take()
        if kept is not None:
            try:
                return await self._ask(kept)
            except ClosedError:
                pass  # the server has closed it since the last scrape, as a restart does: once more
        return await self._ask(await self._connect())

    def close(self) -> None:
        """Close the kept connection."""
        connection = self._take()
        if connection is not None:
            connection.abort()

    async def _ask(self, connection: Connection) -> Answer:
        started = time.perf_counter()
        replies = await connection.exchange(self._request, self._replies)
        try:
            answer = read_answer(replies, connection.first_reply_at - started)
        except TargetError:
            connection.abort()  # an error may be cured by new credentials, which a new connection reads
            raise
        self._keep(connection)
        return answer

    def _take(self) -> Connection | None:
        connection, self._idle = self._idle, None
        if self._expiry is not None:
            self._expiry.cancel()
        return connection if connection is not None and not connection.closed else None

    def _keep(self, connection: Connection) -> None:
        self.close()
        self._idle = connection
        self._expiry = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self.close)

    async def _connect(self) -> Connection:
        connection = await self._open()
        password = self._target.read_password()
        if password is not None:
            user = (self._target.username,) if self._target.username is not None else ()
            (reply,) = await connection.exchange(encode_command("AUTH", *user, password), 1)
            if isinstance(reply, ErrorReply):
                connection.abort()
                raise TargetError(Reason.AUTH, f"username or password refused: {refusal('AUTH', reply)}")
        return connection

    async def _open(self) -> Connection:
        loop, address = asyncio.get_running_loop(), self._target.address
        try:
            if address.path:
                _, connection = await loop.create_unix_connection(Connection, address.path)
            else:
                connection = await self._connect_to_first(await resolve(address.host, address.port))
        except (OSError, ValueError) as error:  # ValueError: a host name that IDNA cannot encode
            raise _connect_error(error, tls=address.tls) from error
        return connection

    async def _connect_to_first(self, hosts: list[str]) -> Connection:
        """Return a connection to the first of `hosts` that takes one. Raises OSError of the last."""
        address = self._target.address
        context = self._tls_context() if address.tls else None
        for number, host in enumerate(hosts, start=1):
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection,
                    host,
                    address.port,
                    ssl=context,
                    server_hostname=(self._target.server_name or address.host) if context else None,
                    ssl_handshake_timeout=_HANDSHAKE_SECONDS if context else None,
                )
            except OSError:
                if number == len(hosts):
                    raise
            else:
                return connection
        raise OSError(f"{address.host} has no address")

    def _tls_context(self) -> ssl.SSLContext:
        try:
            return make_context(self._target)
        except OSError as error:
            raise TargetError(Reason.TLS, f"TLS files cannot be used: {error.strerror}") from error


class Connection(asyncio.Protocol):
    """One connection; `closed` as soon as the server has closed it."""

    def __init__(self) -> None:
        self.closed = False
        self.first_reply_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[list[Reply]] | None = None

    async def exchange(self, request: bytes, replies: int) -> list[Reply]:
        """Send `request` and return its `replies`. Raises TargetError; closes when cancelled or failed."""
        if self._transport is None or self.closed:
            raise ClosedError
        self._wanted, self._replies = replies, []
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None

    def abort(self) -> None:
        """Close at once: no answer of a broken exchange may be read by the next one."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of the event loop."""
        # A cast, not a check: uvloop's transport is none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived; bytes that nobody asked for end the connection."""
        if self._waiter is None or self._waiter.done():
            self.abort()
            return
        self._buffer += data
        try:
            self._parse()
        except TargetError as error:
            self._waiter.set_exception(error)
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the exchange that waits."""
        self.closed = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._lost(error))

    def _parse(self) -> None:
        position = 0
        while len(self._replies) < self._wanted:
            parsed = parse_reply(self._buffer, position)
            if parsed is None:
                break
            reply, position = parsed
            if not self._replies:
                self.first_reply_at = time.perf_counter()
            self._replies.append(reply)
        del self._buffer[:position]
        if len(self._buffer) > MAX_ANSWER_BYTES:
            raise TargetError(Reason.TOO_LARGE, f"the answer has more than {MAX_ANSWER_BYTES} bytes")
        if len(self._replies) == self._wanted and self._waiter is not None:
            if self._buffer:
                raise TargetError(Reason.DECODE, "more answers than questions")
            self._waiter.set_result(self._replies)

    def _lost(self, error: Exception | None) -> TargetError:
        if self._replies and isinstance(self._replies[-1], ErrorReply):
            return refusal("connection", self._replies[-1])  # refused and hung up: protected mode, full
        if isinstance(error, ssl.SSLError):
            return _connect_error(error, tls=True)
        if self._buffer or self._replies:
            return TargetError(Reason.DECODE, "the answer was cut off")
        return ClosedError()


def _connect_error(error: Exception, *, tls: bool) -> TargetError:
    if isinstance(error, ssl.SSLError):
        return TargetError(Reason.TLS, f"TLS: {error.strerror or error.reason}")
    if tls and isinstance(error, ConnectionResetError | ConnectionAbortedError):
        return TargetError(Reason.TLS, "no TLS handshake; a server without TLS is `redis://`")
    if isinstance(error, TimeoutError):
        return TargetError(Reason.TIMEOUT, "no connection: timed out")
    return TargetError(Reason.CONNECT, f"no connection: {error}")
