"""A disk that is really full, or as good as: a file size limit of the kernel needs no root."""

from __future__ import annotations

import contextlib
import resource
import shutil
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NoReturn

import pytest


def fill(inbox: Any, size_bytes: int) -> tuple[int, Any]:
    """Post until it is refused; return how many were stored and the refusal."""
    for stored in range(1000):
        answer = inbox.post("/slack", {"text": f"{stored} " + "x" * size_bytes})
        if answer.status_code != 200:
            return stored, answer
    pytest.fail("the disk never became full")


def assert_refused_everywhere(inbox: Any, answer: Any, webhook_payload: dict[str, Any]) -> None:
    assert answer.status_code == 507
    assert answer.text.startswith("The journal's disk is full (")
    assert inbox.post("/webhook", webhook_payload | {"padding": "x" * 40_000}).status_code == 507
    message = EmailMessage()
    message["Subject"] = "[FIRING:1] CacheDown"
    message.set_content("x\n" * 20_000)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        inbox.send_mail(message)
    assert caught.value.smtp_code == 452
    assert inbox.client.get("/readyz").status_code == 503
    assert inbox.client.get("/healthz").status_code == 200
    assert inbox.metric("inbox_journal_writable") == 0
    for channel in ("slack", "webhook", "email"):
        assert inbox.metric("inbox_refused_total", channel=channel, reason="disk_full") == 1
    assert "The journal&#x27;s disk is full" in inbox.client.get("/").text


def assert_recovers_by_itself(inbox: Any, stored: int, poll: Callable[..., None]) -> None:
    poll(lambda: inbox.client.get("/readyz").status_code == 200, "the journal is writable again")
    assert inbox.metric("inbox_journal_writable") == 1
    assert len(inbox.listed(limit=500)) == stored
    assert inbox.post("/slack", {"text": "after " + "x" * 20_000}).status_code == 200
    changes = [line["message"] for line in inbox.log if line["message"].startswith("journal: ca")]
    assert [change.partition(",")[0] for change in changes] == [
        "journal: cannot be written",
        "journal: can be written again",
    ]


def test_a_full_disk_is_refused_and_recovered_from(
    start_inbox: Callable[..., Any], poll: Callable[..., None], webhook_payload: dict[str, Any]
) -> None:
    inbox = start_inbox()
    process = inbox.program.process.pid
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (200_000, hard))
    stored, answer = fill(inbox, 20_000)
    assert stored > 3
    assert_refused_everywhere(inbox, answer, webhook_payload)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))
    assert_recovers_by_itself(inbox, stored, poll)


@pytest.fixture
def small_disk(tmp_path: Path, give_up: Callable[[str], NoReturn]) -> Iterator[Path]:
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mount = shutil.which("mount") or "mount"
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        give_up(f"needs root to mount a tmpfs of 1 MiB: {mounted.stderr.strip()}")
    yield folder
    subprocess.run([shutil.which("umount") or "umount", str(folder)], check=True)


def test_a_file_system_without_room_is_refused_and_recovered_from(
    small_disk: Path,
    start_inbox: Callable[..., Any],
    poll: Callable[..., None],
    webhook_payload: dict[str, Any],
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    inbox = start_inbox(data=small_disk / "journal")
    try:
        stored, answer = fill(inbox, 20_000)
        assert_refused_everywhere(inbox, answer, webhook_payload)
        ballast.unlink()
        assert_recovers_by_itself(inbox, stored, poll)
    finally:
        inbox.program.process.terminate()
        inbox.program.process.wait(30)


def test_an_inbox_starts_on_a_full_disk_and_takes_over_when_there_is_room(
    small_disk: Path, start_inbox: Callable[..., Any], poll: Callable[..., None]
) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    inbox = start_inbox(data=small_disk / "journal")
    try:
        poll(lambda: inbox.client.get("/readyz").status_code == 503, "not ready")
        assert inbox.post("/slack", {"text": "x"}).status_code == 507
        ballast.unlink()
        poll(lambda: inbox.client.get("/readyz").status_code == 200, "ready")
        assert inbox.post("/slack", {"text": "x"}).status_code == 200
    finally:
        inbox.program.process.terminate()
        inbox.program.process.wait(30)
