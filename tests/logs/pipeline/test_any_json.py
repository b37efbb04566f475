"""Whatever comes in: a document that Elasticsearch takes comes out; no line is lost unless it is noise."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.logs.pipeline.mapping import FIELDS, find_faults
from tests.logs.pipeline.model import Event, Model

TIME = "2024-11-27T06:14:31.500Z"
# Names that the pipeline knows and parts of them, so that values of other types stand where one is expected.
KNOWN = sorted(
    {*FIELDS, *(part for name in FIELDS for part in name.split(".")), "level", "msg", "time", "service"}
)
NAMES = st.one_of(
    st.sampled_from(KNOWN), st.text(max_size=12), st.sampled_from(["[a]", "%{x}", ".", "a.b", ""])
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["10.0.0.1", "::1", TIME, "5", "1e9", "true", "ERROR", "NaN", "2024-02-31T00:00:00Z"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=8)


def run(model: Model, message: str, arrived_by: str, **more: Any) -> list[Event]:
    fields = {"@timestamp": TIME, "message": message, **more}
    return model.run(Event(fields, {"arrived_by": arrived_by}))


def run_container(model: Model, message: str) -> list[Event]:
    place = {"offset": 7, "file": {"path": "/c/1-json.log", "fingerprint": "f" * 64}}
    return run(
        model,
        message,
        "beats",
        log=place,
        container={"id": "9" * 64},
        stream="stdout",
        fields={"log_type": "container"},
    )


@settings(max_examples=200)
@given(value=OBJECTS)
@example(value={"log": {"level": {"deep": 1}}, "log.level": "info"})
@example(value={"service": None, "tags": {"a": 1}, "labels": [1], "attributes": "text"})
@example(value={"attributes": {"a": {"b": 1}}, "alert": {"labels": {"": ""}}})
def test_any_object_becomes_one_document_that_fits_the_mapping(value: dict[str, Any], main: Model) -> None:
    documents = run(main, json.dumps(value), "tcp")
    assert [find_faults(document.fields) for document in documents] == [[]]
    assert documents[0].fields["data_stream"]["namespace"] == "default"
    assert documents[0].fields["service"]["name"]
    assert documents[0].fields["log"]["level"]


@settings(max_examples=60)
@given(text=st.text(min_size=1))
@example(text="\0")
def test_any_text_becomes_one_document_or_is_an_empty_line(text: str, main: Model) -> None:
    before = main.dropped["drop_empty_lines"]
    documents = run_container(main, text)
    if main.dropped["drop_empty_lines"] > before:
        assert not text.replace("\0", "").strip()
        assert not documents
    else:
        assert [find_faults(document.fields) for document in documents] == [[]]


@settings(max_examples=50)
@given(values=st.lists(OBJECTS, min_size=1, max_size=4))
def test_an_array_becomes_as_many_documents(values: list[dict[str, Any]], main: Model) -> None:
    documents = run(main, json.dumps(values), "http")
    assert [find_faults(document.fields) for document in documents] == [[]] * len(values)


def test_the_first_line_of_a_file_of_windows_is_read_as_the_others(main: Model) -> None:
    (document,) = run(main, '\ufeff{"level": "error", "message": "x"}', "beats")
    assert document.fields["message"] == "x"
    assert document.fields["log"]["level"] == "error"


@settings(max_examples=60)
@given(value=OBJECTS)
def test_no_value_is_lost(value: dict[str, Any], main: Model) -> None:
    """Each text of a line is somewhere in its document, however its field is called there."""
    marks = iter(range(1000))

    def mark(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {key: mark(one) for key, one in inner.items()}
        if isinstance(inner, list):
            return [mark(one) for one in inner]
        return f"mark{next(marks):04d}" if isinstance(inner, str) else inner

    # These are read, not kept: what the stream is, and the parts of a document's own id.
    marked = mark({key: one for key, one in value.items() if not key.startswith("data_stream")})
    if any(isinstance(one, float) and not math.isfinite(one) for one in value.values()):
        marked["message"] = "x"
    (document,) = run(main, json.dumps({"kind": "test", **marked}), "tcp")
    written = json.dumps(document.fields)
    missing = [f"mark{number:04d}" for number in range(next(marks)) if f"mark{number:04d}" not in written]
    assert not missing or "redacted" in document.fields["tags"]  # below a name such as `APIKEY`


@pytest.mark.parametrize("arrived_by", ["http", "tcp"])
def test_a_line_of_a_megabyte_is_cut_and_said_so(arrived_by: str, main: Model) -> None:
    (document,) = run(
        main, json.dumps({"service": "a", "message": "x" * 1_000_000, "y": "z" * 50_000}), arrived_by
    )
    assert len(document.fields["message"]) == 100_000
    assert len(document.fields["attributes"]["y"]) == 8_192
    assert document.fields["tags"] == ["truncated"]
    assert not find_faults(document.fields)


def test_ten_thousand_fields_become_a_bounded_document(main: Model) -> None:
    (document,) = run(main, json.dumps({"service": "a", **{f"f{i}": i for i in range(10_000)}}), "tcp")
    assert len(document.fields["attributes"]) < 310
    assert '"f400":400' in document.fields["attributes"]["more_fields"]
    assert not find_faults(document.fields)


def test_nothing_of_the_connection_is_taken_for_a_field_of_the_line(main: Model) -> None:
    (document,) = run(
        main, '{"service":"a","message":"m"}', "http", url={"path": "/healthz"}, http={"method": "GET"}
    )
    assert "url" not in document.fields
    assert "http" not in document.fields


def test_no_line_chooses_its_data_stream_or_its_id(main: Model) -> None:
    line = {"message": "m", "data_stream": {"dataset": "x", "namespace": "y"}, "@metadata": {"id": "1"}}
    (document,) = run(main, json.dumps(line), "tcp")
    assert document.metadata["index"] == "logs-application-default"
    assert document.metadata["id"] != "1"


def test_a_line_read_twice_has_one_id_and_its_neighbour_another(main: Model) -> None:
    (first,), (again,) = run_container(main, "same"), run_container(main, "same")
    (other,) = run_container(main, "other")
    assert first.metadata["id"] == again.metadata["id"] != other.metadata["id"]


def read_place(main: Model, **differences: str) -> str:
    """Return the id of one line of text, but for what differs."""
    given = {
        "time": "2024-11-27T06:14:31.500Z",
        "path": "/var/log/vectorwatch/a.log",
        "inode": "2",
    } | differences
    file = {"path": given["path"], "inode": given["inode"], "device_id": "1"}
    fields = {"message": "begins", "host": {"name": "h"}, "log": {"offset": 0, "file": file}}
    fields |= {"container": {"id": given["container"]}} if "container" in given else {}
    (document,) = main.run(Event({"@timestamp": given["time"], **fields}, {"arrived_by": "beats"}))
    return str(document.metadata["id"])


def test_a_line_keeps_its_id_when_its_file_is_rotated_and_read_again(main: Model) -> None:
    first = read_place(main)
    assert read_place(main, path="/var/log/vectorwatch/a.log.1") == first
    assert read_place(main, time="2024-11-27T06:15:00.000Z") == first, "the time at which it was read"
    assert read_place(main, inode="3") != first


def test_a_new_log_of_a_container_in_the_place_of_a_deleted_one_is_another(main: Model) -> None:
    """Its first line has the same inode, offset and text, and another time, which Docker wrote."""
    first = read_place(main, container="c")
    assert read_place(main, container="c") == first
    assert read_place(main, container="c", time="2024-11-27T06:15:00.000Z") != first


def test_the_namespace_is_that_of_the_environment(main: Model) -> None:
    staging = Model("main", main._ruby, {"LOGS_NAMESPACE": "staging"})
    (document,) = run(staging, '{"message":"m"}', "tcp")
    assert document.metadata["index"] == "logs-application-staging"
