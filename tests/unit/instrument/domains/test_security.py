"""Security events: the formula, the metrics, and the log record in ECS."""

from __future__ import annotations

import json
import logging
from typing import Any

import ecs_logging
import prometheus_client
import pytest

from vectorwatch.instrument import track
from vectorwatch.instrument.domains.security import Recent, score


@pytest.mark.parametrize(
    ("event_type", "outcome", "earlier", "expected"),
    [
        ("authentication_failure", "failure", 0, 0.3),
        ("authentication_failure", "failure", 5, 0.8),
        ("authentication_failure", "failure", 6, 0.9),
        ("authentication_failure", "failure", 99, 0.9),
        ("authentication_success", "success", 0, 0.05),
        ("prompt_injection", "failure", 0, 0.6),
        ("prompt_injection", "success", 0, 0.9),
        ("data_exfiltration", "success", 3, 1.0),
        ("something_of_yours", "unknown", 1, 0.4),
    ],
)
def test_the_score_follows_the_formula(event_type: str, outcome: str, earlier: int, expected: float) -> None:
    assert score(event_type, outcome, earlier) == expected


def test_repetition_counts_for_one_source_and_one_type_within_the_window() -> None:
    now = 1000.0
    recent = Recent(lambda: now)
    assert recent.count_earlier("authentication_failure", "198.51.100.7") == 0
    assert recent.count_earlier("authentication_failure", "198.51.100.7") == 1
    assert recent.count_earlier("authentication_failure", "198.51.100.8") == 0
    assert recent.count_earlier("rate_limit_exceeded", "198.51.100.7") == 0
    now += 301
    assert recent.count_earlier("authentication_failure", "198.51.100.7") == 0


def test_memory_of_sources_has_an_end() -> None:
    recent = Recent(lambda: 0.0)
    for number in range(10_050):
        recent.count_earlier("authentication_failure", str(number))
    assert len(recent._times) == 10_000
    assert recent.count_earlier("authentication_failure", "0") == 0
    assert recent.count_earlier("authentication_failure", "10049") == 1


def test_an_event_is_counted_by_its_risk_and_its_score_observed(readings: Any) -> None:
    assert track.security_event("data_exfiltration", outcome="failure") == 0.9
    assert track.security_event("prompt_injection", outcome="failure") == 0.6
    assert track.security_event("configuration_change", outcome="success") == 0.4
    for event_type, risk in (
        ("data_exfiltration", "high"),
        ("prompt_injection", "medium"),
        ("configuration_change", "low"),
    ):
        assert readings.added("security_events_total", event_type=event_type, risk=risk) == 1
    labels = {"event_type": "data_exfiltration", "le": "0.8"}
    assert readings.added("security_event_risk_score_bucket", **labels) == 0


def test_failed_authentications_are_counted_by_a_reason_from_a_closed_list(readings: Any) -> None:
    for reason in ("expired_token", "anna typed it wrong"):
        track.security_event("authentication_failure", outcome="failure", details={"reason": reason})
    track.security_event("authentication_failure", outcome="failure")
    assert readings.added("authentication_failures_total", reason="expired_token") == 1
    assert readings.added("authentication_failures_total", reason="other") == 1
    assert readings.added("authentication_failures_total", reason="unknown") == 1


def test_six_repetitions_from_one_address_make_a_failed_login_a_high_risk(readings: Any) -> None:
    details = {"source_ip": "203.0.113.99"}
    scores = [
        track.security_event("authentication_failure", outcome="failure", details=details) for _ in range(7)
    ]
    assert scores == [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert readings.added("security_events_total", event_type="authentication_failure", risk="high") == 1


def test_the_log_record_has_the_fields_of_ecs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vectorwatch.security"):
        track.security_event(
            "privilege_escalation",
            outcome="success",
            details={
                "source_ip": "203.0.113.5",
                "user_id": "u-17",
                "user_agent": "curl/8",
                "reason": "sudo",
                "role": "admin",
            },
        )
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    line = json.loads(ecs_logging.StdlibFormatter().format(record))
    assert line["event"] == {
        "kind": "alert",
        "category": ["iam"],
        "type": ["admin"],
        "action": "privilege_escalation",
        "outcome": "success",
        "risk_score": 1.0,
        "risk_score_norm": 100,
        "reason": "sudo",
    }
    assert line["source"] == {"ip": "203.0.113.5"}
    assert line["user"] == {"id": "u-17"}
    assert line["user_agent"] == {"original": "curl/8"}
    assert line["labels"] == {"role": "admin"}


def test_nothing_about_a_person_reaches_the_metrics() -> None:
    details = {"source_ip": "203.0.113.77", "user_id": "secret-user", "user_agent": "secret-agent"}
    track.security_event("authentication_failure", outcome="failure", details=details)
    exposition = prometheus_client.generate_latest()
    assert b"203.0.113.77" not in exposition
    assert b"secret" not in exposition
