from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

EXPECTED = {
    "inbox_notifications": 9,
    "inbox_repeats": 3,
    "inbox_refused": 21,
    "inbox_last_notification_timestamp_seconds": 3,
    "inbox_journal_bytes": 1,
    "inbox_journal_entries": 1,
    "inbox_journal_writable": 1,
    "inbox_journal_removed_entries": 1,
    "inbox_journal_damaged_lines": 1,
    "inbox_journal_write_seconds": 16,
}


def test_every_series_exists_from_the_start(inbox: Any) -> None:
    families = text_string_to_metric_families(inbox.client.get("/metrics").text)
    found = {family.name: len(family.samples) for family in families if family.name.startswith("inbox_")}
    assert found == EXPECTED
    assert inbox.metric("inbox_journal_writable") == 1


def test_promtool_finds_nothing_wrong(inbox: Any, promtool: str) -> None:
    text = inbox.client.get("/metrics").content
    own = b"".join(line + b"\n" for line in text.splitlines() if b"inbox_" in line)
    checked = subprocess.run([promtool, "check", "metrics"], input=own, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_time_of_the_last_notification_survives_a_restart(
    serve_inbox: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    line = '{"id":1,"received_at":"2026-01-01T00:00:00+00:00","channel":"slack"}\n'
    (folder / f"{1:020d}.jsonl").write_text(line, encoding="utf-8")
    inbox = serve_inbox(data=folder)
    expected = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert inbox.metric("inbox_last_notification_timestamp_seconds", channel="slack") == expected
    assert inbox.metric("inbox_last_notification_timestamp_seconds", channel="email") == 0
    assert inbox.metric("inbox_journal_bytes") == len(line)
    assert inbox.metric("inbox_journal_entries") == 1


def test_no_times_of_creation_are_exposed(inbox: Any) -> None:
    for accept in ("text/plain", "application/openmetrics-text;version=1.0.0"):
        assert "_created" not in inbox.client.get("/metrics", headers={"accept": accept}).text


def test_openmetrics_is_spoken(inbox: Any) -> None:
    answer = inbox.client.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
