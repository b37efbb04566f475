"""Mail (MIME) as notifications and as the page shows it."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from .alert_text import read_alerts, read_severity, read_status, strip_status
from .html_text import strip_html
from .notification import (
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Channel,
    Notification,
    digest_of,
    shorten,
)

# What the `email` package raises on damaged headers, charsets and structures; it documents none of it.
_DAMAGE = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as a mail client shows it."""

    sender: str
    recipients: str
    subject: str
    date: str
    text: str
    html: str
    attachments: tuple[str, ...]


def parse_mail(content: bytes, sender: str = "", recipients: Sequence[str] = ()) -> Notification:
    """Return the notification in a mail; a damaged one is kept with what can be read of it.

    `sender` and `recipients` are those of the envelope, used where headers are missing.
    """
    mail = read_mail(content)
    title = shorten(mail.subject, MAX_TITLE_CHARACTERS) or "(no subject)"
    text = shorten(mail.text or strip_html(mail.html), MAX_TEXT_CHARACTERS)
    alerts = read_alerts(title, text)
    sender, addressed = mail.sender or sender, mail.recipients or ", ".join(recipients)
    return Notification(
        channel=Channel.EMAIL,
        status=read_status(title, text),
        title=title,
        text=text,
        severity=read_severity(alerts, text),
        alerts=alerts,
        group=strip_status(title),
        # Each attempt has a Message-Id, a Date and a boundary of its own.
        digest=digest_of([sender, addressed, mail.subject, mail.text, mail.html, mail.attachments]),
        raw=content.decode("utf-8", "surrogateescape"),
        details={
            "from": sender,
            "to": addressed,
            "date": mail.date,
            "html": bool(mail.html),
            "attachments": list(mail.attachments),
        },
    )


def read_mail(content: bytes) -> Mail:
    """Return the parts of a mail, empty where the mail does not have or damages them."""
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
    except _DAMAGE:
        return Mail("", "", "", "", content.decode("utf-8", "replace"), "", ())
    return Mail(
        sender=_read_header(message, "From"),
        recipients=_read_header(message, "To"),
        subject=_read_header(message, "Subject"),
        date=_read_header(message, "Date"),
        text=_read_body(message, "plain"),
        html=_read_body(message, "html"),
        attachments=_read_attachments(message),
    )


def mail_bytes(raw: str) -> bytes:
    """Return the mail as it came from the `raw` that `parse_mail` made of it."""
    return raw.encode("utf-8", "surrogateescape")


def _read_header(message: EmailMessage, name: str) -> str:
    try:
        value = str(message[name] or "")
    except _DAMAGE:
        value = next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return _whole(" ".join(value.split()))


def _read_body(message: EmailMessage, subtype: str) -> str:
    try:
        part = message.get_body((subtype,))
    except _DAMAGE:
        return ""
    return _whole(_read_text(part)).strip() if isinstance(part, EmailMessage) else ""


def _read_text(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except _DAMAGE:
        pass
    try:
        payload = part.get_payload(decode=True)
    except _DAMAGE:
        return ""
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _read_attachments(message: EmailMessage) -> tuple[str, ...]:
    try:
        parts = list(message.iter_attachments())
        return tuple(_whole(part.get_filename() or part.get_content_type()) for part in parts)
    except _DAMAGE:
        return ()


def _whole(text: str) -> str:
    """Return `text` without lone surrogates, which no page can show."""
    return text.encode("utf-8", "replace").decode()
