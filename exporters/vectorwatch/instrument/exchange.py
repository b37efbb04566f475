"""One request and its answer, seen as the messages between server and application."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

CLIENT_LEFT = 499
"""nginx's status of a request whose client left before the answer; no server error."""
FAILED = 500
_SWITCHED = 101
_REFUSED = 403
_SANE_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
_MOST_DIGITS = 18  # of a length; more are nonsense


class Exchange:
    """One HTTP request and its answer, as the messages that pass show them."""

    __slots__ = (
        *("_receive", "_response_headers", "_send", "_status", "body_bytes", "ended_at", "fields"),
        *("is_disconnected", "is_measured", "on_answer", "started_at"),
    )
    is_timed = True

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._status = 0
        self.body_bytes = 0
        self.is_measured = False
        self.is_disconnected = False
        request_id = correlation_id = ""
        for name, value in scope["headers"]:
            if name == b"content-length":
                self.body_bytes = int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else 0
                self.is_measured = True
            elif name == b"x-request-id":
                request_id = accept_id(value)
            elif name == b"x-correlation-id":
                correlation_id = accept_id(value)
        request_id = request_id or os.urandom(16).hex()
        correlation_id = correlation_id or request_id
        self.fields: dict[str, Any] = {"request_id": request_id, "correlation_id": correlation_id}
        self._response_headers = (
            (b"x-request-id", request_id.encode()),
            (b"x-correlation-id", correlation_id.encode()),
        )
        self.on_answer: Callable[[int], None] | None = None
        self.ended_at = 0.0
        self.started_at = perf_counter()

    async def receive(self) -> Message:
        """Pass on what the client sends."""
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            if not self.is_measured:
                self.body_bytes += len(message.get("body", b""))
        elif kind == "http.disconnect" and not self.ended_at:
            self.is_disconnected = True
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the application answers, with the ids among its headers."""
        kind = message["type"]
        if kind == "http.response.start":
            self._status = int(message["status"])
            message = {**message, "headers": self._with_ids(message)}
            if self.on_answer is not None:
                self.on_answer(self._status)
        try:
            await self._send(message)
        except OSError:  # what servers raise when the client is gone
            self.is_disconnected = True
            raise
        if kind == "http.response.pathsend" or (
            kind == "http.response.body" and not message.get("more_body", False)
        ):
            self.ended_at = perf_counter()

    def _with_ids(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = list(message.get("headers", ()))
        present = [name for name, _ in headers]
        headers.extend(header for header in self._response_headers if header[0] not in present)
        return headers

    def status(self, error: BaseException | None) -> int:
        """Return the status that describes what the client got."""
        if self.is_disconnected:
            return CLIENT_LEFT
        if self.ended_at:
            return self._status
        if isinstance(error, asyncio.CancelledError):
            return CLIENT_LEFT
        # No answer, or one that broke off: the client sees a failure, whatever the first line has said.
        return max(self._status, FAILED)

    def is_left(self, error: BaseException | None) -> bool:
        """Tell whether `error` says no more than that the client is gone."""
        return self.is_disconnected and error is not None


class Conversation(Exchange):
    """One WebSocket: 101 when accepted, 403 when refused, 500 when the application raised."""

    __slots__ = ()
    # It lasts as long as both sides like; among the durations of requests it would say nothing.
    is_timed = False

    async def receive(self) -> Message:
        """Pass on what the client sends."""
        return await self._receive()

    async def send(self, message: Message) -> None:
        """Pass on what the application sends."""
        kind = message["type"]
        if not self._status:
            if kind == "websocket.accept":
                self._status = _SWITCHED
                message = {**message, "headers": self._with_ids(message)}
                if self.on_answer is not None:
                    self.on_answer(self._status)
            elif kind == "websocket.close":
                self._status = _REFUSED
            elif kind == "websocket.http.response.start":
                self._status = int(message["status"])
                message = {**message, "headers": self._with_ids(message)}
        await self._send(message)

    def status(self, error: BaseException | None) -> int:
        """Return the status of the handshake, or 500 when the application has failed."""
        if self.is_left(error):
            return self._status or CLIENT_LEFT
        if error is not None or not self._status:
            return max(self._status, FAILED)
        return self._status

    def is_left(self, error: BaseException | None) -> bool:
        """Tell whether `error` says no more than that the client is gone."""
        return isinstance(error, (WebSocketDisconnect, asyncio.CancelledError))


def accept_id(value: bytes) -> str:
    """Return an id that a client has sent, or an empty text when it is not one that logs can bear."""
    text = value.decode("latin-1")
    return text if _SANE_ID.fullmatch(text) else ""
