from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.notification import Alert, Channel, RefusalReason, RefusedError, Status
from vectorwatch.inbox.webhook import parse_webhook


def parse(payload: Any) -> Any:
    return parse_webhook(json.dumps(payload).encode())


def firing(name: str, **annotations: str) -> dict[str, Any]:
    return {"status": "firing", "labels": {"alertname": name}, "annotations": annotations}


def test_a_recorded_webhook_is_read_exactly(webhook_payload: dict[str, Any]) -> None:
    notification = parse(webhook_payload)
    assert notification.channel is Channel.WEBHOOK
    assert notification.status is Status.RESOLVED
    assert notification.title == "CacheDown"
    assert notification.text == "The cache at 127.0.0.1:6379 is down"
    assert notification.severity == "critical"
    assert notification.alerts == (
        Alert(
            "CacheDown",
            Status.RESOLVED,
            {
                "alertname": "CacheDown",
                "instance": "127.0.0.1:6379",
                "job": "dragonfly",
                "severity": "critical",
            },
        ),
    )
    assert notification.group == '{}:{alertname="CacheDown"}'
    assert notification.raw == webhook_payload


def test_unknown_fields_are_kept_as_they_are(webhook_payload: dict[str, Any]) -> None:
    extra = {"x": [1, 1.10, None, {"ü": "😀", "big": 10**30}]}
    payload = webhook_payload | {"tenant": extra}
    payload["alerts"][0]["unknown"] = extra
    assert parse(payload).raw == payload


def test_the_title_names_each_alert_once_and_counts_the_rest() -> None:
    alerts = [firing(name) for name in ("A", "B", "A", "C", "D", "E")]
    assert parse({"status": "firing", "alerts": alerts}).title == "A, B, C and 2 more"


def test_the_text_takes_the_summary_else_the_description() -> None:
    alerts = [firing("A", summary="s", description="d"), firing("B", description="e"), firing("C")]
    assert parse({"status": "firing", "alerts": alerts}).text == "s\ne"


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({}, "`status` must be `firing` or `resolved`."),
        ({"status": "on", "alerts": []}, "`status` must be `firing` or `resolved`."),
        ({"status": ["firing"], "alerts": []}, "`status` must be `firing` or `resolved`."),
        ({"status": "firing"}, "`alerts` must be a list of alerts."),
        ({"status": "firing", "alerts": {}}, "`alerts` must be a list of alerts."),
        ({"status": "firing", "alerts": [firing("A"), 7]}, "`alerts[1]` must be an object."),
        (
            {"status": "firing", "alerts": [{"labels": {}}]},
            "`alerts[0].status` must be `firing` or `resolved`.",
        ),
        (
            {"status": "firing", "alerts": [{"status": "firing", "labels": {"a": 1}}]},
            "`alerts[0].labels` must be an object of texts.",
        ),
        (
            {"status": "firing", "alerts": [{"status": "firing", "annotations": []}]},
            "`alerts[0].annotations` must be an object of texts.",
        ),
    ],
)
def test_a_wrong_shape_is_refused_with_one_sentence(payload: Any, sentence: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(payload)
    assert (caught.value.reason, str(caught.value)) == (RefusalReason.WRONG_SHAPE, sentence)


def test_two_attempts_differ_in_their_reason_only(webhook_payload: dict[str, Any]) -> None:
    first, other = parse(webhook_payload), parse(webhook_payload | {"notification_reason": "repeat"})
    assert first.digest == other.digest
    assert parse(webhook_payload | {"status": "firing"}).digest != first.digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ALERT = st.dictionaries(st.sampled_from(["status", "labels", "annotations", "startsAt"]), JSON)
PAYLOAD = st.fixed_dictionaries(
    {"status": st.sampled_from(["firing", "resolved", 3]), "alerts": st.lists(ALERT) | JSON},
    optional={"groupKey": JSON, "externalURL": JSON},
)


@given(PAYLOAD)
def test_any_json_is_taken_or_refused(payload: Any) -> None:
    refusal = None
    try:
        assert parse(payload).raw == payload
    except RefusedError as error:
        refusal = error
    assert refusal is None or refusal.reason is RefusalReason.WRONG_SHAPE
