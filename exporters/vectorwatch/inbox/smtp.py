"""The mail server: takes any mail for anyone, offers neither login nor TLS."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, Envelope, Session

from .intake import Intake
from .mail import parse_mail
from .notification import Channel, Notification, RefusalReason, RefusedError

log = logging.getLogger(__name__)

_IDLE_SECONDS = 60.0
_TRY_LATER = "451 4.3.0 Not stored because of an internal error; try again later."


class _Connection(SMTP):
    """One SMTP connection, as aiosmtpd speaks it."""

    # RFC 5321 allows 1,000; scripts that send long lines deserve to be heard all the same.
    line_length_limit = 1 << 16

    async def push(self, status: AnyStr) -> None:
        """Answer the client; a mail above SIZE is refused by aiosmtpd itself, without asking the handler."""
        if isinstance(status, str) and status.startswith("552"):
            self.event_handler.note_too_large()
        await super().push(status)


class _Handler:
    """What aiosmtpd asks."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        """Store the mail before it is acknowledged."""
        # `original_content` is always bytes.
        content, sender = envelope.original_content or b"", envelope.mail_from or ""
        recipients = envelope.rcpt_tos

        async def parse() -> Notification:
            return await asyncio.to_thread(parse_mail, content, sender, recipients)

        try:
            head = await self._intake.take(Channel.EMAIL, parse)
        except RefusedError as refusal:
            return f"452 4.3.1 {refusal}"
        return f"250 2.0.0 Stored as {head.id}"

    async def handle_exception(self, error: Exception) -> str:
        """Answer that the client should try again; the log has the cause."""
        log.error("email: a session failed", exc_info=error)
        return _TRY_LATER

    def note_too_large(self) -> None:
        """Count a mail that was refused because of its size."""
        sentence = f"The mail is larger than {self._intake.max_message_bytes} bytes."
        self._intake.note_refusal(Channel.EMAIL, RefusedError(RefusalReason.TOO_LARGE, sentence))


async def start_smtp(listener: socket.socket, intake: Intake) -> asyncio.Server:
    """Take mail on `listener` until the server that is returned is closed."""
    loop = asyncio.get_running_loop()
    handler = _Handler(intake)
    options: dict[str, Any] = {
        "data_size_limit": intake.max_message_bytes,
        "enable_SMTPUTF8": True,
        "hostname": "vectorwatch-inbox",  # without it aiosmtpd asks the DNS at each connection
        "ident": "ESMTP",
        "timeout": _IDLE_SECONDS,
        "loop": loop,
    }
    return await loop.create_server(lambda: _Connection(handler, **options), sock=listener)
