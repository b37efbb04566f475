"""The definitions of elasticsearch/ against its specification, ECS, and what the programs assume."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.config.elasticsearch_schema.model import Schema, SchemaError
from tests.logs.opensearch.shim import LACKS
from tests.logs.pipeline.mapping import read_fields
from vectorwatch.elastic.definitions import Definitions
from vectorwatch.elastic.keeper import USER as KEEPER
from vectorwatch.elastic.logins import LOGINS
from vectorwatch.elastic.retention import Retention
from vectorwatch.elastic.snapshots import Snapshot, make_body, make_restore_body
from vectorwatch.elastic.streams import PATTERNS, TEMPLATE, name_streams

HERE = Path(__file__).parent
DEFINITIONS = HERE.parents[1] / "elasticsearch"
REQUESTS = {
    "component-templates": "cluster.put_component_template",
    "index-templates": "indices.put_index_template",
    "lifecycle": "ilm.put_lifecycle",
    "roles": "security.put_role",
    "repositories": "snapshot.create_repository",
}
# The type in ECS: why ours is another. docs/reference/logs.md says the same to people.
DEVIATIONS = {
    "container.labels": "an object of any keys would add a field for each",
    "labels": "an object of any keys would add a field for each",
    "data_stream.dataset": "a constant could refuse a document",
    "data_stream.namespace": "a constant could refuse a document",
    "data_stream.type": "a constant could refuse a document",
    "error.stack_trace": "searched by words; the n-grams of a wildcard would be larger than the text",
}
BUILT_IN_PRIORITY = 100
"""Of Elastic's own template for logs-*-*."""


def read(name: str) -> Any:
    return json.loads((DEFINITIONS / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def mappings() -> Any:
    return read("component-templates/vectorwatch-logs-mappings.json")["template"]["mappings"]


@pytest.fixture(scope="module")
def fields() -> Mapping[str, Mapping[str, Any]]:
    return read_fields()


@pytest.fixture(scope="module")
def template() -> Any:
    return read("index-templates/vectorwatch-logs.json")


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema()


def test_each_definition_is_a_request_that_elasticsearch_specifies(schema: Schema) -> None:
    checked = 0
    for folder, request in REQUESTS.items():
        for path in sorted((DEFINITIONS / folder).glob("*")):
            schema.check(request, json.loads(path.read_text(encoding="utf-8")))
            checked += 1
    assert checked >= 10


def test_what_is_sent_is_specified_too(schema: Schema) -> None:
    sent = Definitions.read(DEFINITIONS, Retention.read("1y", "3GB"))
    for name, bodies in (
        ("component-templates", sent.component_templates),
        ("index-templates", sent.index_templates),
        ("lifecycle", sent.lifecycles),
    ):
        for body in bodies.values():
            schema.check(REQUESTS[name], body)
    schema.check("security.put_user", {"roles": ["a"], "full_name": "A", "enabled": True, "password": "x"})
    schema.check("security.change_password", {"password": "x"})
    schema.check("snapshot.create", make_body())
    snapshot = Snapshot("a", "SUCCESS", "9.5.4", 0, name_streams("default"), ["kibana"], "")
    schema.check("snapshot.restore", make_restore_body(snapshot))


@pytest.mark.parametrize(
    ("request_name", "body", "place"),
    [
        ("security.put_role", {"cluster": ["monitorr"]}, r"cluster\[0\]"),
        ("snapshot.create", {"feature_state": ["kibana"]}, "feature_state: unknown"),
        ("snapshot.create_repository", {"type": "fs", "settings": {"locatio": "/a"}}, "locatio"),
        ("security.put_role", {"indices": [{"names": ["a"]}]}, r"indices\[0\]\.privileges: missing"),
        ("ilm.put_lifecycle", {"policy": {"phases": {"hott": {}}}}, "hott: unknown"),
        (
            "cluster.put_component_template",
            {"template": {"mappings": {"properties": {"a": {"type": "keyword", "ignore_abov": 1}}}}},
            "ignore_abov: unknown",
        ),
        (
            "cluster.put_component_template",
            {"template": {"settings": {"index": {"number_of_replicaz": 0}}}},
            "number_of_replicaz: unknown",
        ),
        ("indices.put_index_template", {"index_pattern": ["x"]}, "index_pattern: unknown"),
    ],
)
def test_the_specification_finds_mistakes(schema: Schema, request_name: str, body: Any, place: str) -> None:
    with pytest.raises(SchemaError, match=place):
        schema.check(request_name, body)


def test_ecs_fields_have_the_types_of_ecs(fields: Mapping[str, Mapping[str, Any]]) -> None:
    # Types of @elastic/ecs 9.4.0 on npm (Apache-2.0), of our fields alone.
    ecs = json.loads((HERE / "ecs_fields.json").read_text(encoding="utf-8"))
    assert ecs.keys() <= fields.keys()
    others = {name for name, kind in ecs.items() if fields[name]["type"] != kind}
    assert others == DEVIATIONS.keys()


def test_the_reference_names_every_field_and_every_lack_of_the_server_in_the_tests(
    fields: Mapping[str, Mapping[str, Any]],
) -> None:
    page = (HERE.parents[1] / "docs/reference/logs.md").read_text(encoding="utf-8")
    assert [name for name in fields if f"`{name}`" not in page] == []
    assert [lack.what for lack in LACKS if f"| {lack.what} | {lack.unproven} |" not in page] == []


def test_no_field_is_ever_added_to_the_mapping(
    mappings: Any, fields: Mapping[str, Mapping[str, Any]]
) -> None:
    assert mappings["dynamic"] is False
    assert mappings["date_detection"] is False
    assert fields["attributes"]["type"] == "flattened"
    assert len(fields) < 200


def test_no_term_is_longer_than_lucene_takes(fields: Mapping[str, Mapping[str, Any]]) -> None:
    longest_term = 32_766
    for name, field in fields.items():
        if field["type"] in ("keyword", "flattened") and field.get("index", True):
            # A character counted by `ignore_above` has at most three bytes.
            assert field["ignore_above"] * 3 < longest_term / 2, name
    assert fields["event.original"] == {"type": "keyword", "index": False, "doc_values": False}


def test_the_template_wins_over_elastics_own_and_covers_every_stream(template: Any) -> None:
    assert template["priority"] > BUILT_IN_PRIORITY
    assert template["data_stream"] == {}
    assert ",".join(template["index_patterns"]) == PATTERNS
    for stream in name_streams("default"):
        assert sum(fnmatch.fnmatchcase(stream, pattern) for pattern in template["index_patterns"]) == 1


def test_what_is_refused_comes_back_to_logstash(template: Any) -> None:
    # A failure store would answer 201, and the dead letters would be empty while logs are lost to the eye.
    assert template["template"]["data_stream_options"] == {"failure_store": {"enabled": False}}


def test_the_parts_name_each_other(template: Any) -> None:
    components = {path.stem for path in (DEFINITIONS / "component-templates").glob("*.json")}
    assert set(template["composed_of"]) == components
    settings = read("component-templates/vectorwatch-logs-settings.json")["template"]["settings"]["index"]
    assert settings["lifecycle"] == {"name": TEMPLATE}
    assert (DEFINITIONS / "lifecycle" / f"{TEMPLATE}.json").exists()


def test_settings_fit_one_node_and_give_back_what_was_sent() -> None:
    settings = read("component-templates/vectorwatch-logs-settings.json")["template"]["settings"]["index"]
    assert (
        settings["number_of_replicas"] == 0
    )  # a replica has no second node and would make it yellow for ever
    assert settings["mode"] == "standard"
    assert settings["mapping"] == {"ignore_malformed": True}


def test_the_lifecycle_shows_the_numbers_of_the_defaults() -> None:
    shown = read("lifecycle/vectorwatch-logs.json")["policy"]["phases"]
    assert shown == Retention.read("14d", "20GB").phases()


def test_each_role_has_a_user_and_each_user_a_role() -> None:
    roles = {path.stem for path in (DEFINITIONS / "roles").glob("*.json")}
    assert {role for login in LOGINS for role in login.roles} == roles
    assert KEEPER in {login.user for login in LOGINS}


@pytest.mark.parametrize(
    ("role", "cluster", "index"),
    [
        ("logstash_writer", {"monitor"}, {"auto_configure", "create_doc"}),
        ("grafana_reader", {"monitor"}, {"read", "view_index_metadata"}),
        ("logs_exporter", set(), {"read", "view_index_metadata"}),
        ("elasticsearch_exporter", {"monitor", "read_ilm"}, {"monitor", "view_index_metadata"}),
        ("log_retention", set(), {"manage"}),
        ("log_snapshot", {"create_snapshot", "cluster:admin/snapshot/delete", "monitor"}, set()),
        ("vectorwatch_viewer", set(), {"read", "view_index_metadata"}),
    ],
)
def test_a_role_may_no_more_than_its_work_needs(role: str, cluster: set[str], index: set[str]) -> None:
    found = read(f"roles/{role}.json")
    assert set(found["cluster"]) == cluster
    assert {privilege for entry in found["indices"] for privilege in entry["privileges"]} == index
    # The first reads no document, but the state of every index; the other names no index at all.
    if role not in ("elasticsearch_exporter", "log_snapshot"):
        assert [name for entry in found["indices"] for name in entry["names"]] == PATTERNS.split(",")
