"""The templates on a real server: streams, repetition, and documents of every shape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.logs.opensearch.documents import TIME, count, create, write
from tests.logs.opensearch.shim import translate
from vectorwatch.demo.repository import find_repository
from vectorwatch.elastic.client import ElasticError, Server
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.retention import Retention
from vectorwatch.elastic.streams import TEMPLATE, name_streams

STREAM = "logs-application-default"

pytestmark = pytest.mark.usefixtures("streams")


def nest(depth: int) -> Any:
    return json.loads('{"a":' * depth + "1" + "}" * depth)


# What Logstash's shaping can leave: values of a wrong kind in known fields, anything below `attributes`.
TAKEN: Mapping[str, Mapping[str, Any]] = {
    "text for a number": {"event": {"duration": "soon"}, "process": {"pid": "12a"}},
    "text for a time": {"event": {"created": "yesterday"}},
    "text for an address": {"client": {"ip": "unknown"}},
    "text for a truth": {"cache_hit": "maybe"},
    "a number that no float holds": {"duration_ms": 1e300},
    "a number that no long holds": {"log": {"offset": 2**70}},
    "a number for a word": {"service": {"name": 7}},
    "a truth for a word": {"error": {"code": True}},
    "null everywhere": {"message": None, "error": None, "labels": None, "attributes": None},
    "a list in a list": {"tags": [["a"], ["b", ["c"]]]},
    "a list of objects for an object": {"error": [{"message": "a"}, {"message": "b"}]},
    "a word of 200 kB": {"service": {"name": "ü" * 100_000}},
    "a text of one token of 2 MB": {"message": "x" * 2_000_000},
    "an original of 2 MB": {"event": {"original": "x" * 2_000_000}},
    "a stack trace of 1 MB": {"error": {"stack_trace": "at a.b.c(d.py:1)\n" * 60_000}},
    "an address of 9 kB": {"url": {"full": "https://a/" + "b" * 9_000}},
    "attributes 90 deep": {"attributes": nest(90)},
    "5,000 attributes": {"attributes": {f"key {number}": number for number in range(5_000)}},
    "attributes with odd names": {"attributes": {"": 1, " ": 2, ".": 3, "a..b": 4, ".a.": 5, "ü\u2028": 6}},
    "attributes of mixed kinds": {"attributes": {"a": [1, "b", None, {"c": [True]}]}},
    "the end of a line inside": {"message": "a\nb\r\u2028c\u0000"},
    "half a character pair": {"message": "\ud800"},
    "a field of the server's own name": {"attributes": {"_id": "x", "_source": 1}},
}
# The shaping prevents these. Who writes past it meets them; Logstash would keep them as dead letters.
REFUSED: Mapping[str, tuple[str, str]] = {
    "no time": ('{"message":"a"}', "@timestamp"),
    "a time that is none": ('{"@timestamp":"now"}', "@timestamp"),
    "two times": ('{"@timestamp":["2026-01-01","2026-01-02"]}', "@timestamp"),
    "a word for an object": (write({"error": "broken"}), "tried to parse field"),
    "a list of words and objects": (write({"error": [{"message": "a"}, "b"]}), "tried to parse field"),
    "an empty name at the root": (write({"": 1}), "empty"),
    "a name of dots at the root": (write({"..": 1}), r"\."),
    "a dot at the beginning of a name": (write({".a": 1}), "starting or ending with a"),
    "a field below one that holds a value": (write({"message.x": 1}), "object"),
    "a name twice": ('{"@timestamp":"2026-01-01","a":1,"a":2}', "Duplicate field"),
    "no number": ('{"@timestamp":"2026-01-01","a":NaN}', "NaN"),
    "a number of 1,500 digits": ('{"@timestamp":"2026-01-01","a":1' + "0" * 1_500 + "}", "length"),
    "half an object": ('{"@timestamp":"2026-01-01"', "end-of-input"),
    "a list": ("[1]", "."),
}


@pytest.mark.parametrize("stream", name_streams("default"))
def test_a_stream_of_our_template_comes_with_its_first_document(opensearch: Server, stream: str) -> None:
    assert [fate.status for fate in create(opensearch, stream, [write({"message": "a"})])] == [201]
    (found,) = opensearch.get(f"/_data_stream/{stream}")["data_streams"]
    assert found["template"] == TEMPLATE


def test_a_stream_of_another_name_gets_nothing_of_ours(opensearch: Server) -> None:
    create(opensearch, "logs-other-default", [write({})])
    try:
        assert opensearch.get("/_data_stream/logs-other-*")["data_streams"] == []
    finally:
        opensearch.delete("/logs-other-default")


def test_a_line_that_is_sent_again_makes_no_second_document(opensearch: Server) -> None:
    lines = [write({"message": "first"}), write({"message": "second"})]
    assert [fate.status for fate in create(opensearch, STREAM, lines, ["a", "b"])] == [201, 201]
    again = [write({"message": "another"}), write({"message": "third"})]
    assert [fate.status for fate in create(opensearch, STREAM, again, ["a", "c"])] == [409, 201]
    assert count(opensearch, STREAM) == 3


@pytest.mark.parametrize("shape", TAKEN)
def test_a_document_is_stored_as_it_was_sent_with(opensearch: Server, shape: str) -> None:
    line = write(TAKEN[shape])
    (fate,) = create(opensearch, STREAM, [line], ["a"])
    assert (fate.status, fate.reason) == (201, "")
    opensearch.post(f"/{STREAM}/_refresh")
    (hit,) = opensearch.send("POST", f"/{STREAM}/_search", json={"query": {"ids": {"values": ["a"]}}})[
        "hits"
    ]["hits"]
    assert hit["_source"] == json.loads(line)


@pytest.mark.parametrize("shape", REFUSED)
def test_a_document_is_refused_alone_with(opensearch: Server, shape: str) -> None:
    line, reason = REFUSED[shape]
    first, refused, last = create(opensearch, STREAM, [write({}), line, write({})])
    assert refused.status == 400
    assert re.search(reason, refused.reason)
    assert (first.status, last.status) == (201, 201)


KEYS = st.text(max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.lists(st.dictionaries(KEYS, JSON, max_size=6), min_size=1, max_size=20))
def test_no_object_below_attributes_is_refused(opensearch: Server, objects: list[dict[str, Any]]) -> None:
    fates = create(opensearch, STREAM, [write({"attributes": each}) for each in objects])
    assert [fate for fate in fates if fate.status != 201] == []


@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.lists(st.dictionaries(KEYS, JSON, max_size=6), min_size=1, max_size=20))
def test_any_object_is_stored_or_refused_alone_with_a_reason(
    opensearch: Server, objects: list[dict[str, Any]]
) -> None:
    before = count(opensearch, STREAM) if opensearch.get("/_data_stream/logs-*")["data_streams"] else 0
    fates = create(opensearch, STREAM, [json.dumps({**each, "@timestamp": TIME}) for each in objects])
    assert all(fate.status == 201 or (fate.status == 400 and fate.reason) for fate in fates)
    stored = sum(fate.status == 201 for fate in fates)
    if stored or before:
        assert count(opensearch, STREAM) == before + stored


def test_whatever_is_stored_the_mapping_stays_as_it_was(opensearch: Server) -> None:
    create(opensearch, STREAM, [write({})])
    before = opensearch.get(f"/{STREAM}/_mapping")
    create(opensearch, STREAM, [write(fields) for fields in TAKEN.values()])
    create(opensearch, STREAM, [write({f"new field {number}": {"a": number} for number in range(3_000)})])
    assert opensearch.get(f"/{STREAM}/_mapping") == before


def test_what_is_not_in_the_mapping_can_be_searched_below_attributes(opensearch: Server) -> None:
    create(opensearch, STREAM, [write({"attributes": {"tenant": {"name": name}}}) for name in ("a", "b")])
    opensearch.post(f"/{STREAM}/_refresh")
    query = {"query": {"term": {"attributes.tenant.name": "a"}}}
    assert opensearch.post(f"/{STREAM}/_search", query)["hits"]["total"]["value"] == 1


def test_opensearch_refuses_each_template_that_the_shim_changes(opensearch: Server) -> None:
    """The day it takes them, the shim can go."""
    read = Definitions.read(find_repository() / "elasticsearch", Retention.read("14d", "20GB"))
    for path, bodies in (
        ("/_component_template/try", read.component_templates),
        ("/_index_template/try", read.index_templates),
    ):
        for body in bodies.values():
            assert translate(body) != body
            with pytest.raises(ElasticError, match="with 400"):
                opensearch.put(path, body)
