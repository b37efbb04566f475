from __future__ import annotations

import logging
import smtplib
import socket
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

import pytest


def mail(text: str, subject: str = "[FIRING:1] CacheDown") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return message


def connect(inbox: Any) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", inbox.smtp_port, timeout=60)


def converse(inbox: Any, *lines: bytes) -> list[bytes]:
    """Send raw lines, each after an answer to the one before; return the answers."""
    answers = []
    with socket.create_connection(("127.0.0.1", inbox.smtp_port), timeout=60) as connection:
        reader = connection.makefile("rb")
        for line in (b"", *lines):
            connection.sendall(line)
            while True:
                answer = reader.readline()
                if answer[3:4] != b"-":
                    break
            answers.append(answer)
        reader.close()
    return answers


def test_a_mail_is_stored_and_shown(inbox: Any) -> None:
    inbox.send_mail(mail("The cache is down."))
    (entry,) = inbox.listed(channel="email")
    assert (entry["status"], entry["text"]) == ("firing", "The cache is down.")
    assert entry["alerts"] == [{"name": "CacheDown", "status": "firing", "labels": {}}]
    details = inbox.client.get(f"/api/notifications/{entry['id']}").json()["details"]
    assert (details["from"], details["to"]) == ("alertmanager@example.com", "oncall@example.com")


def test_neither_login_nor_tls_is_offered_and_the_size_is_told(inbox: Any) -> None:
    with connect(inbox) as server:
        server.ehlo()
        assert server.esmtp_features["size"] == str(5 << 20)
        assert not {"auth", "starttls"} & set(server.esmtp_features)


def test_a_mail_of_ten_megabytes_is_refused_with_and_without_announcement(inbox: Any) -> None:
    large = mail("x" * 70 + "\n").as_bytes() + b"".join([b"y" * 70 + b"\r\n"] * 140_000)
    with connect(inbox) as server:
        with pytest.raises(smtplib.SMTPSenderRefused) as announced:
            server.sendmail("a@example.com", ["b@example.com"], large)
        assert announced.value.smtp_code == 552
        server.docmd("MAIL", "FROM:<a@example.com>")
        server.docmd("RCPT", "TO:<b@example.com>")
        assert server.data(large)[0] == 552
        # The same connection still takes a mail of ordinary size.
        server.send_message(mail("small"), "a@example.com", ["b@example.com"])
    assert [entry["text"] for entry in inbox.listed()] == ["small"]
    assert inbox.metric("inbox_refused_total", channel="email", reason="too_large") == 2


def test_a_slow_client_does_not_hold_up_another(inbox: Any) -> None:
    with socket.create_connection(("127.0.0.1", inbox.smtp_port), timeout=60) as slow:
        slow.sendall(b"EHLO slow\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: half")
        inbox.send_mail(mail("fast"))
        assert [entry["text"] for entry in inbox.listed()] == ["fast"]
        slow.sendall(b"\r\n\r\nnow whole\r\n.\r\nQUIT\r\n")
        while slow.recv(4096):
            pass
    assert [entry["text"] for entry in inbox.listed()] == ["fast", "now whole"]


def test_many_clients_at_once_lose_nothing(inbox: Any) -> None:
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: inbox.send_mail(mail(f"mail {number}")), range(50)))
    assert sorted(entry["text"] for entry in inbox.listed()) == sorted(
        f"mail {number}" for number in range(50)
    )


def test_a_client_that_leaves_in_the_middle_of_a_mail_leaves_nothing(
    inbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", inbox.smtp_port), timeout=60) as client:
            client.sendall(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: half")
    inbox.send_mail(mail("whole"))
    assert [entry["text"] for entry in inbox.listed()] == ["whole"]
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_garbage_and_commands_out_of_order_end_no_server(
    inbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert converse(inbox, b"\xff\x00\r\n", b"DATA\r\n", b"MAIL FROM:<a@b>\r\n") != []
    converse(inbox, b"GET / HTTP/1.1\r\n")
    converse(inbox, b"EHLO x\r\n", b"AUTH PLAIN AAAA\r\n", b"STARTTLS\r\n", b"A" * 5000 + b"\r\n")
    inbox.send_mail(mail("still here"))
    assert [entry["text"] for entry in inbox.listed()] == ["still here"]
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_lines_longer_than_the_standard_allows_and_8_bit_mail_are_kept(inbox: Any) -> None:
    content = b"Subject: \xfcml\xe4ut\r\n\r\n" + b"z" * 5000 + b"\r\n\xff\xfe\r\n.dot\r\n"
    answers = converse(
        inbox,
        b"EHLO x\r\n",
        "MAIL FROM:<jürgen@example.com> SMTPUTF8\r\n".encode(),
        b"RCPT TO:<c@d>\r\n",
        b"DATA\r\n",
        content.replace(b"\r\n.", b"\r\n..") + b".\r\n",
    )
    assert answers[-1].startswith(b"250 2.0.0 Stored as ")
    (entry,) = inbox.listed()
    raw = inbox.client.get(f"/api/notifications/{entry['id']}").json()["raw"]
    assert raw.encode("utf-8", "surrogateescape") == content
    assert inbox.client.get("/").status_code == 200
