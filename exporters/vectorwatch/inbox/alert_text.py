"""Read alerts out of texts that Alertmanager writes for people; best effort, never an error.

The forms are those of its default templates (`default.tmpl`, `email.tmpl`, Alertmanager 0.33): a title
`[FIRING:2] name …` or `[RESOLVED] name …`, and lists of `Labels`, `Annotations`, `name = value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .notification import Alert, Status, worst_severity

_TITLE = re.compile(r"\[(FIRING|RESOLVED)(?::\d+)?\]\s*", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][\w.:-]*")
_HEADING = re.compile(r"\W*(?:\d+\W+|Alerts? )?(Firing|Resolved)\W*", re.IGNORECASE)
_PAIR = re.compile(r"[-•*\s]*([A-Za-z_]\w*)\s*=\s*(.*)")
_SEVERITY = re.compile(r"\bseverity\W{1,6}(\w+)", re.IGNORECASE)


def read_status(title: str, text: str = "") -> Status:
    """Return the status that a title, else the first heading of a text, states."""
    found = _TITLE.search(title) or _first_heading(text)
    return Status(found.group(1).lower()) if found else Status.INFO


def strip_status(title: str) -> str:
    """Return `title` without `[FIRING:n]`: the same for all notifications of one alert group."""
    return _TITLE.sub("", title, count=1).strip()


def read_alerts(title: str, text: str) -> tuple[Alert, ...]:
    """Return the alerts that `text` lists, else the one that `title` names, else none."""
    status = read_status(title, text)
    listed = tuple(_read_listed(text, status))
    if listed or not _TITLE.search(title):
        return listed
    name = _NAME.match(strip_status(title))
    return (Alert(name.group(), status),) if name else ()


def read_severity(alerts: tuple[Alert, ...], text: str) -> str | None:
    """Return the worst `severity` label, else what stands after the word in `text`."""
    labelled = worst_severity(alert.labels.get("severity", "") for alert in alerts)
    found = None if labelled else _SEVERITY.search(text)
    return found.group(1).lower() if found else labelled


def _read_listed(text: str, status: Status) -> Iterator[Alert]:
    labels: dict[str, str] | None = None
    for line in [*text.splitlines(), ""]:
        word = line.strip(" \t:*_").lower()
        pair = _PAIR.fullmatch(line)
        if labels is not None and pair:
            labels[pair.group(1)] = pair.group(2).strip()
        elif labels:
            yield Alert(labels.get("alertname", ""), status, labels)
            labels = None
        if word == "labels":
            labels = {}
        elif heading := _HEADING.fullmatch(line):
            status = Status(heading.group(1).lower())


def _first_heading(text: str) -> re.Match[str] | None:
    return next((found for line in text.splitlines() if (found := _HEADING.fullmatch(line))), None)
