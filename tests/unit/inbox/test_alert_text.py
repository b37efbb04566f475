from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.alert_text import read_alerts, read_severity, read_status, strip_status
from vectorwatch.inbox.notification import Alert, Status

FIRING, RESOLVED = Status.FIRING, Status.RESOLVED

# `__text_alert_list` of Alertmanager's default.tmpl, as its Opsgenie and WeChat texts use it.
TEXT_LIST = """Alerts Firing:
Labels:
 - alertname = CacheDown
 - severity = critical
Annotations:
 - summary = a = b
Source: http://prometheus.example/graph
Labels:
 - alertname = RecallLow
Annotations:
Source: http://prometheus.example/graph
Alerts Resolved:
Labels:
 - alertname = QdrantDown
 - severity = warning
Annotations:
Source: http://prometheus.example/graph
"""


@pytest.mark.parametrize(
    ("title", "text", "status"),
    [
        ("[FIRING:2] CacheDown (critical)", "", FIRING),
        ("[RESOLVED] CacheDown", "", RESOLVED),
        ("Re: [firing:1] CacheDown", "", FIRING),
        ("Backup finished", "", Status.INFO),
        ("Backup finished", "a person wrote that something was firing", Status.INFO),
        ("Two things", "[1] Resolved\nLabels", RESOLVED),
        ("Two things", "*Alerts Firing:*", FIRING),
    ],
)
def test_the_status_is_read_from_the_title_else_from_a_heading(title: str, text: str, status: Status) -> None:
    assert read_status(title, text) is status


def test_titles_of_one_group_are_equal_without_their_status() -> None:
    titles = [
        "[FIRING:1] CacheDown (critical)",
        "[FIRING:12] CacheDown (critical)",
        "[RESOLVED] CacheDown (critical)",
    ]
    assert {strip_status(title) for title in titles} == {"CacheDown (critical)"}


def test_listed_alerts_have_the_status_of_their_heading_and_their_labels() -> None:
    assert read_alerts("[FIRING:2] x", TEXT_LIST) == (
        Alert("CacheDown", FIRING, {"alertname": "CacheDown", "severity": "critical"}),
        Alert("RecallLow", FIRING, {"alertname": "RecallLow"}),
        Alert("QdrantDown", RESOLVED, {"alertname": "QdrantDown", "severity": "warning"}),
    )


def test_a_title_alone_gives_the_name_of_its_alert() -> None:
    assert read_alerts("[FIRING:3] job:errors.rate (prod)", "no list") == (Alert("job:errors.rate", FIRING),)


@pytest.mark.parametrize("title", ["Backup finished", "[FIRING:1] ", "[FIRING:1] (critical)", ""])
def test_a_title_that_names_no_alert_gives_none(title: str) -> None:
    assert read_alerts(title, "") == ()


def test_the_worst_labelled_severity_wins_over_the_text() -> None:
    alerts = read_alerts("[FIRING:2] x", TEXT_LIST)
    assert read_severity(alerts, "severity: info") == "critical"


@pytest.mark.parametrize("text", ["*Severity:* `critical`", "severity = critical", "Severity: Critical"])
def test_the_severity_is_found_in_the_text(text: str) -> None:
    assert read_severity((), text) == "critical"


@given(st.text(), st.text())
def test_no_text_is_an_error(title: str, text: str) -> None:
    alerts = read_alerts(title, text)
    read_severity(alerts, text)
