"""The reference page names every setting, metric and reason, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vectorwatch.inbox.notification import RefusalReason
from vectorwatch.inbox.settings import InboxSettings

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "inbox.md").read_text(encoding="utf-8")


def names_in(heading: str) -> set[str]:
    """Return what stands in code quotes in the first column of the table under `heading`."""
    rows = re.findall(
        r"^\| (.*?) \|", PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0], re.MULTILINE
    )
    return {name for row in rows for name in re.findall(r"`(\w+)", row)}


def test_every_setting_is_described() -> None:
    assert names_in("Settings") == set(InboxSettings.model_fields)


def test_the_defaults_are_those_of_the_code() -> None:
    for name in ("port", "smtp_port", "max_journal_bytes", "max_message_bytes", "retry_window_seconds"):
        assert f"{InboxSettings.model_fields[name].default:.0f}" in PAGE


def test_every_metric_is_described(inbox: Any) -> None:
    exposed = re.findall(r"^# TYPE (inbox_\w+) ", inbox.client.get("/metrics").text, re.MULTILINE)
    assert names_in("Metrics") == set(exposed)


def test_every_reason_is_described() -> None:
    for reason in RefusalReason:
        assert f"`{reason}`" in PAGE
