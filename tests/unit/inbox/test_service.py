"""The whole process: how it ends, dies and comes back."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import httpx
import pytest


def post_until_it_ends(inbox: Any, sender: int, acknowledged: list[int]) -> None:
    """Post as fast as answers come; note each id that was answered."""
    number = 0
    with httpx.Client(base_url=inbox.url, timeout=30, trust_env=False) as client:
        while True:
            number += 1
            try:
                answer = client.post("/slack", json={"text": f"{sender}-{number} " + "x" * 500})
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.append(int(answer.headers["x-notification-id"]))


def mail_until_it_ends(inbox: Any, sender: int, acknowledged: list[int]) -> None:
    number = 0
    while True:
        number += 1
        message = EmailMessage()
        message["Subject"] = f"mail {sender}-{number}"
        try:
            inbox.send_mail(message)
        except (OSError, EOFError):
            return
        acknowledged.append(number)


def run_senders(inbox: Any, senders: list[threading.Thread], until: Callable[[], bool], poll: Any) -> None:
    for sender in senders:
        sender.start()
    poll(until, "enough notifications acknowledged")


@pytest.mark.parametrize("round_number", range(4))
def test_nothing_acknowledged_is_lost_on_kill_9(
    start_inbox: Callable[..., Any], poll: Callable[..., None], round_number: int
) -> None:
    inbox = start_inbox()
    acknowledged: list[int] = []
    mailed: list[list[int]] = [[], []]
    senders = [
        threading.Thread(target=post_until_it_ends, args=(inbox, number, acknowledged)) for number in range(6)
    ]
    senders += [
        threading.Thread(target=mail_until_it_ends, args=(inbox, number, mailed[number])) for number in (0, 1)
    ]
    enough = random.Random(round_number).randint(50, 300)
    run_senders(inbox, senders, lambda: len(acknowledged) > enough and all(mailed), poll)
    inbox.program.process.kill()
    for sender in senders:
        sender.join(60)
    inbox.program.process.wait(60)

    again = start_inbox(data=inbox.data)
    stored: dict[int, str] = {}
    while entries := again.listed(since=max(stored, default=0), limit=500):
        stored |= {entry["id"]: entry["title"] for entry in entries}
    assert set(acknowledged) <= set(stored)
    assert len(acknowledged) == len(set(acknowledged))
    titles = set(stored.values())
    for sender_number, numbers in enumerate(mailed):
        assert {f"mail {sender_number}-{number}" for number in numbers} <= titles
    answer = again.post("/slack", {"text": "after"})
    assert int(answer.headers["x-notification-id"]) > max(stored)


def test_sigterm_ends_it_cleanly_whoever_is_connected(
    start_inbox: Callable[..., Any], poll: Callable[..., None], end_gently: Callable[..., None]
) -> None:
    inbox = start_inbox()
    acknowledged: list[int] = []
    senders = [
        threading.Thread(target=post_until_it_ends, args=(inbox, number, acknowledged)) for number in range(4)
    ]
    with (
        socket.create_connection(("127.0.0.1", inbox.smtp_port)) as mail_client,
        socket.create_connection(("127.0.0.1", int(inbox.url.rpartition(":")[2]))) as web_client,
    ):
        mail_client.sendall(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: half")
        web_client.sendall(b"POST /slack HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        run_senders(inbox, senders, lambda: len(acknowledged) > 50, poll)
        end_gently(inbox.program.process)
    for sender in senders:
        sender.join(60)
    errors = [line for line in inbox.log if line["log.level"] in {"error", "critical"}]
    # uvicorn says that it has cut off the request whose body never came.
    assert {line["log"]["logger"] for line in errors} <= {"uvicorn.error"}
    again = start_inbox(data=inbox.data)
    stored: list[int] = []
    while entries := again.listed(since=max(stored, default=0), limit=500):
        stored += [entry["id"] for entry in entries]
    assert set(acknowledged) <= set(stored)


def test_it_is_ready_and_healthy(start_inbox: Callable[..., Any]) -> None:
    inbox = start_inbox()
    assert (inbox.client.get("/readyz").status_code, inbox.client.get("/readyz").text) == (200, "ready\n")
    assert inbox.client.get("/healthz").text == "ok\n"
