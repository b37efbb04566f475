from __future__ import annotations

import json
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.mail import mail_bytes, parse_mail, read_mail
from vectorwatch.inbox.notification import Alert, Channel, Status


def test_a_recorded_mail_of_alertmanager_is_read(alertmanager_mail: bytes) -> None:
    notification = parse_mail(alertmanager_mail)
    assert notification.channel is Channel.EMAIL
    assert notification.status is Status.FIRING
    assert notification.title == "[FIRING:1] CacheDown (127.0.0.1:6379 dragonfly critical)"
    assert notification.severity == "critical"
    labels = {
        "alertname": "CacheDown",
        "instance": "127.0.0.1:6379",
        "job": "dragonfly",
        "severity": "critical",
    }
    assert notification.alerts == (Alert("CacheDown", Status.FIRING, labels),)
    assert notification.details == {
        "from": "alertmanager@example.com",
        "to": "oncall@example.com",
        "date": "Sun, 22 Nov 2026 13:44:59 +0000",
        "html": True,
        "attachments": [],
    }
    assert "summary = The cache at 127.0.0.1:6379 is down" in notification.text


def test_both_parts_and_the_names_of_attachments_are_read() -> None:
    message = EmailMessage()
    message["Subject"] = "Größe der Sammlung"
    message["From"] = "Jürgen <j@example.com>"
    message.set_content("plain")
    message.add_alternative("<b>rich</b>", subtype="html")
    message.add_attachment(b"\x00", maintype="application", subtype="pdf", filename="bericht.pdf")
    mail = read_mail(message.as_bytes())
    assert (mail.subject, mail.sender) == ("Größe der Sammlung", "Jürgen <j@example.com>")
    assert (mail.text, mail.html, mail.attachments) == ("plain", "<b>rich</b>", ("bericht.pdf",))


def test_the_envelope_stands_in_for_missing_headers() -> None:
    notification = parse_mail(b"hello\r\n", "a@example.com", ["b@example.com", "c@example.com"])
    assert notification.details["from"] == "a@example.com"
    assert notification.details["to"] == "b@example.com, c@example.com"
    assert notification.title == "(no subject)"


def test_two_attempts_at_one_mail_have_the_same_digest(alertmanager_mail: bytes) -> None:
    again = alertmanager_mail.replace(b"e9c4e78c", b"00000000")
    again = again.replace(b"Message-Id: <1", b"Message-Id: <2").replace(b"13:44:59", b"13:45:09")
    assert again != alertmanager_mail
    assert parse_mail(again).digest == parse_mail(alertmanager_mail).digest
    resolved = alertmanager_mail.replace(b"[FIRING:1]", b"[RESOLVED]")
    assert parse_mail(resolved).digest != parse_mail(alertmanager_mail).digest
    assert parse_mail(resolved).group == parse_mail(alertmanager_mail).group


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 100,
        b"Subject: =?utf-9?B?////?=\r\n\r\nx",
        b"Subject: =?utf-8?B?\xff?=\r\nFrom: \x80\x81 <\r\nTo: ,,,;;\r\nDate: never\r\n\r\nx",
        b'Content-Type: text/plain; charset="no-such"\r\n\r\n\xe4',
        b"Content-Type: multipart/alternative\r\n\r\n--x\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: ;;;===\r\nContent-Disposition: \xff\r\n\r\nx",
    ],
)
def test_a_damaged_mail_is_kept_as_it_came(content: bytes) -> None:
    notification = parse_mail(content, "a@example.com", ["b@example.com"])
    kept = json.loads(json.dumps(notification.as_record()))
    assert mail_bytes(kept["raw"]) == content


def test_a_mail_of_thousands_of_nested_parts_is_kept() -> None:
    parts = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(3000)
    )
    assert mail_bytes(parse_mail(parts).raw) == parts


HEADERS = st.sampled_from(
    [
        b"Subject",
        b"From",
        b"To",
        b"Date",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"Content-Disposition",
    ]
)
VALUES = st.binary(max_size=40) | st.sampled_from(
    [
        b"multipart/mixed; boundary=x",
        b"text/html; charset=utf-7",
        b"text/plain; charset*=''x",
        b"base64",
        b"quoted-printable",
        b"attachment; filename*0*=utf-8''%ff",
        b"=?utf-8?q?=ff?= <a@[b]>",
        b"group: a, b;",
    ]
)
LINES = st.lists(st.tuples(HEADERS, VALUES), max_size=6)


@given(LINES, st.binary(max_size=200))
def test_any_mail_is_read_and_kept(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    content = b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body
    notification = parse_mail(content)
    assert mail_bytes(notification.raw) == content
    json.dumps(notification.as_record())
    (notification.title + notification.text + str(notification.details)).encode()
