from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.notification import Alert, Channel, RefusalReason, RefusedError, Status
from vectorwatch.inbox.slack import parse_slack


def parse(payload: Any) -> Any:
    return parse_slack(json.dumps(payload).encode())


def test_a_recorded_message_of_alertmanager_is_read(slack_payload: dict[str, Any]) -> None:
    notification = parse(slack_payload)
    assert notification.channel is Channel.SLACK
    assert notification.status is Status.FIRING
    assert notification.title == "[FIRING:1] CacheDown (127.0.0.1:6379 dragonfly critical)"
    assert notification.severity == "critical"
    assert notification.alerts == (Alert("CacheDown", Status.FIRING),)
    assert notification.raw == slack_payload


def test_a_form_holds_the_same_message(slack_payload: dict[str, Any]) -> None:
    form = urlencode({"payload": json.dumps(slack_payload)}).encode()
    assert parse_slack(form) == parse(slack_payload)


def test_a_text_alone_is_its_own_title() -> None:
    notification = parse({"text": "Deploy finished\nall green", "unknown": {"kept": 1}})
    assert (notification.title, notification.status) == ("Deploy finished", Status.INFO)
    assert notification.raw["unknown"] == {"kept": 1}


def test_the_text_is_what_a_person_reads_from_top_to_bottom() -> None:
    payload = {
        "text": "1",
        "blocks": [{"type": "section", "text": {"text": "2"}, "fields": [{"text": "3"}]}],
        "attachments": [
            {"pretext": "4", "text": "5", "fields": [{"title": "6", "value": "7"}], "fallback": "unseen"},
            {"fallback": "8"},
        ],
    }
    assert parse(payload).text.split("\n") == ["1", "2", "3", "4", "5", "6: 7", "8"]


def test_the_title_is_what_a_person_reads() -> None:
    assert (
        parse({"attachments": [{"title": "[FIRING:1] A on a&lt;b&gt;&amp;c"}]}).title
        == "[FIRING:1] A on a<b>&c"
    )


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({}, "The message needs `text`, `attachments` or `blocks`."),
        ({"text": ""}, "The message needs `text`, `attachments` or `blocks`."),
        ({"attachments": [7]}, "The message needs `text`, `attachments` or `blocks`."),
        ({"text": 7}, "`text` must be a text."),
        ({"text": "x", "attachments": {}}, "`attachments` must be a list."),
        ({"text": "x", "blocks": "y"}, "`blocks` must be a list."),
    ],
)
def test_a_message_that_says_nothing_is_refused(payload: Any, sentence: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(payload)
    assert (caught.value.reason, str(caught.value)) == (RefusalReason.WRONG_SHAPE, sentence)


def test_a_form_that_is_not_encoded_is_refused() -> None:
    with pytest.raises(RefusedError, match="URL-encoded"):
        parse_slack("payload={ü}".encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["text", "type", "title", "value"]), inner)
    ),
    max_leaves=8,
)
PAYLOAD = st.dictionaries(st.sampled_from(["text", "attachments", "blocks", "channel", "username"]), JSON)


@given(PAYLOAD)
def test_any_json_is_taken_or_refused(payload: Any) -> None:
    refusal = None
    try:
        assert parse(payload).raw == payload
    except RefusedError as error:
        refusal = error
    assert refusal is None or refusal.reason is RefusalReason.WRONG_SHAPE


@given(st.binary())
def test_any_form_is_taken_or_refused(content: bytes) -> None:
    refusal = None
    try:
        parse_slack(b"payload=" + content)
    except RefusedError as error:
        refusal = error
    assert refusal is None or str(refusal).endswith(".")
