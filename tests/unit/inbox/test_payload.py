from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorwatch.inbox.notification import RefusalReason, RefusedError
from vectorwatch.inbox.payload import parse_object


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not JSON: Expecting value at line 1, column 1."),
        (b"<html>", "The body is not JSON: Expecting value at line 1, column 1."),
        (b'{"a": 1', "The body is not JSON: Expecting ',' delimiter at line 1, column 8."),
        (b'{"a": "\xff"}', "The body is not UTF-8 text."),
        (b'{"a": NaN}', "The body holds a number that JSON cannot hold."),
        (b'{"a": 1e999}', "The body holds a number that JSON cannot hold."),
        (b'{"a": ' + b"9" * 5000 + b"}", "The body holds a number that JSON cannot hold."),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "The body is nested too deeply."),
    ],
    ids=["empty", "html", "cut", "not-utf-8", "nan", "infinite", "huge-integer", "nested"],
)
def test_what_is_not_json_is_refused_with_one_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_object(body)
    assert (caught.value.reason, str(caught.value)) == (RefusalReason.NOT_JSON, sentence)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"true"])
def test_json_that_is_no_object_has_the_wrong_shape(body: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_object(body)
    assert caught.value.reason is RefusalReason.WRONG_SHAPE


@given(st.binary())
def test_any_bytes_give_an_object_or_a_refusal(body: bytes) -> None:
    refusal = None
    try:
        assert isinstance(parse_object(body), dict)
    except RefusedError as error:
        refusal = error
    assert refusal is None or str(refusal).endswith(".")


@pytest.mark.parametrize("levels", range(700, 1000, 20))
def test_what_is_accepted_can_be_written_again_from_a_deeper_place(levels: int) -> None:
    body = b'{"a":' + b"[" * levels + b"]" * levels + b"}"
    try:
        value = parse_object(body)
    except RefusedError:
        return

    def write_deeper(frames: int) -> str:
        return write_deeper(frames - 1) if frames else json.dumps({"raw": value})

    assert write_deeper(50)
