"""filebeat/: held to what the reference of Filebeat 9.5 says, because no Filebeat can be had as a package.

What a real one makes of it stands in tests/logs/filebeat-cases/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectorwatch.inbox.repair import DAMAGED
from vectorwatch.inbox.segment import Segment
from vectorwatch.inbox.settings import InboxSettings

from .compose import Render

CONFIGURATIONS = ("filebeat/filebeat.yml", "filebeat/host/filebeat.yml")
CONTAINER_ID = "3f2a" * 16
JSON_LINE = '{"@timestamp":"2026-01-01T00:00:00.000Z","log.level":"info","message":"started"}'


def read(repository: Path, path: str) -> dict[str, Any]:
    return dict(yaml.safe_load((repository / path).read_text(encoding="utf-8")))


@pytest.fixture
def stack(repository: Path) -> dict[str, Any]:
    return read(repository, CONFIGURATIONS[0])


@pytest.fixture(params=CONFIGURATIONS)
def configuration(repository: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(repository, request.param)


def flatten(node: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting by its dotted name; `*` stands for a place in a list of objects."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from flatten(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list) and node and isinstance(node[0], dict):
        for value in node:
            yield from flatten(value, f"{path}.*")
    else:
        yield path, node


def documented(repository: Path) -> set[str]:
    entries = yaml.safe_load((repository / "tests/config/filebeat_reference.yml").read_text(encoding="utf-8"))
    return {
        f"{entry['under']}.{setting}" if "under" in entry else setting
        for entry in entries
        for setting in entry["settings"]
    }


def value_of(configuration: dict[str, Any], setting: str) -> Any:
    [value] = [value for name, value in flatten(configuration) if name == setting]
    return value


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"([0-9]+)(ms|s)", duration).groups()  # type: ignore[union-attr]
    return float(number) / (1000 if unit == "ms" else 1)


def join(lines: list[str], pattern: str) -> list[list[str]]:
    """Group lines as `match: after` with `negate: false` does: what matches goes on with the line before."""
    pattern = pattern.replace(
        "$)", r"\Z)"
    )  # in Go `$` is the end alone, not the place before a last line end
    events: list[list[str]] = []
    for line in lines:
        if events and re.search(pattern, line):
            events[-1].append(line)
        else:
            events.append([line])
    return events


def inputs(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(flatten(each)) for each in configuration["filebeat.inputs"]]


# ── What both files must be ──────────────────────────────────────────────────────────────────────────────


def test_every_setting_stands_in_the_reference(configuration: dict[str, Any], repository: Path) -> None:
    assert {name for name, _ in flatten(configuration)} <= documented(repository)


def test_the_list_of_the_reference_holds_nothing_that_no_file_uses(repository: Path) -> None:
    used = {name for path in CONFIGURATIONS for name, _ in flatten(read(repository, path))}
    assert documented(repository) - used <= {"filebeat.inputs.*.processors"}


def test_every_input_has_its_own_id_and_is_of_the_kind_that_starts_in_9(
    configuration: dict[str, Any],
) -> None:
    found = inputs(configuration)
    assert len({each["id"] for each in found}) == len(found)
    assert {each["type"] for each in found} == {"filestream"}


def test_no_file_is_known_by_its_inode_and_none_waits_until_it_is_long(configuration: dict[str, Any]) -> None:
    for each in inputs(configuration):
        assert each["file_identity.fingerprint.growing"] is True
        assert each["include_file_fingerprint"] is False, "it would be there for one half of a file only"
        assert not any(name.startswith("prospector.scanner.fingerprint") for name in each)


def test_a_line_is_sent_within_five_seconds_also_from_a_new_file(configuration: dict[str, Any]) -> None:
    flush = seconds(value_of(configuration, "queue.mem.flush.timeout"))
    for each in inputs(configuration):
        look, wait = (seconds(each[name]) for name in ("prospector.scanner.check_interval", "backoff.max"))
        assert seconds(each["backoff.init"]) <= wait <= look, "the reference demands this order"
        joining = seconds(each.get("parsers.*.multiline.timeout", "0s"))
        assert look + wait + joining + flush <= 5


def test_logstash_must_prove_itself_and_sees_our_certificate(configuration: dict[str, Any]) -> None:
    ssl = configuration["output.logstash"]["ssl"]
    assert ssl["verification_mode"] == "full"
    assert len(ssl["certificate_authorities"]) == 1
    folder = str(Path(ssl["certificate"]).parent)
    assert {str(Path(ssl[name]).parent) for name in ("certificate", "key")} == {folder}


def test_nothing_is_decoded_or_dropped_here(configuration: dict[str, Any]) -> None:
    names = {part for name, _ in flatten(configuration) for part in name.split(".")}
    assert not names & {"ndjson", "decode_json_fields", "drop_event", "exclude_lines", "include_lines"}


def test_every_line_says_which_kind_of_log_it_is_of(configuration: dict[str, Any]) -> None:
    kinds = {each["id"]: each["fields.log_type"] for each in inputs(configuration)}
    expected = {
        "containers-stdout": "container",
        "containers-stderr": "container",
        "files": "application",
        "inbox-journal": "alerts",
    }
    assert kinds.items() <= expected.items()


@pytest.mark.parametrize(
    "event",
    [
        [JSON_LINE],
        ["Traceback (most recent call last):", '  File "app.py", line 1, in <module>', "ValueError: no"],
        ["Traceback (most recent call last):", "  …", "qdrant_client.http.exceptions.UnexpectedException"],
        [
            'Exception in thread "main" java.lang.IllegalStateException: a',
            "\tat org.example.Main.main(Main.java:1)",
            "Caused by: java.lang.NullPointerException: b",
            "\t... 1 more",
        ],
        ["panic: runtime error", "\t/app/main.go:3 +0x1d"],
        ["2026-01-01T00:00:00Z ERROR app: no such collection"],
    ],
)
def test_a_stack_trace_is_one_event_and_takes_no_neighbour_with_it(
    configuration: dict[str, Any], event: list[str]
) -> None:
    for each in inputs(configuration):
        if "parsers.*.multiline.pattern" in each:
            end = "\n" if "parsers.*.container.stream" in each else ""
            parts = [[f"{line}{end}" for line in part] for part in ([JSON_LINE], event, [JSON_LINE])]
            joined = join([line for part in parts for line in part], each["parsers.*.multiline.pattern"])
            assert joined == parts


def test_no_value_is_taken_for_a_variable(configuration: dict[str, Any]) -> None:
    assert not any("${" in str(value) for _, value in flatten(configuration))


def test_patterns_are_of_the_syntax_that_go_has(configuration: dict[str, Any]) -> None:
    for each in inputs(configuration):
        excluded = each.get("prospector.scanner.exclude_files", ())
        for text in (each.get("parsers.*.multiline.pattern", ""), *excluded):
            assert not re.search(r"\(\?[=!<]|\\[1-9]|[*+?}]\+", text), (
                "RE2 has neither looks around nor these"
            )


# ── The file of the stack ────────────────────────────────────────────────────────────────────────────────


def test_each_stream_of_a_container_is_read_by_itself_and_keeps_its_line_ends(stack: dict[str, Any]) -> None:
    containers = [each for each in inputs(stack) if each["fields.log_type"] == "container"]
    assert [each["parsers.*.container.stream"] for each in containers] == ["stdout", "stderr"]
    for each in containers:
        # The parser `container` leaves the line its end, so that joining must add none.
        assert each["parsers.*.multiline.skip_newline"] is True
    [parsers] = {
        tuple(next(iter(parser)) for parser in each["parsers"]) for each in stack["filebeat.inputs"][:2]
    }
    assert parsers == ("container", "multiline"), "the order in which they work"


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        (f"{CONTAINER_ID}/{CONTAINER_ID}-json.log", True),
        (f"{CONTAINER_ID}/{CONTAINER_ID}-json.log.1", True),
        (f"{CONTAINER_ID}/{CONTAINER_ID}-json.log.2.gz", False),
        (f"{CONTAINER_ID}/{CONTAINER_ID}-json.log.1.tmp", False),
        (f"{CONTAINER_ID}/local-logs/container.log", False),  # the driver of Filebeat's own log
        (f"{CONTAINER_ID}/config.v2.json", False),
    ],
)
def test_of_a_containers_folder_only_its_log_is_read(stack: dict[str, Any], name: str, is_read: bool) -> None:
    path = f"/var/lib/docker/containers/{name}"
    for each in inputs(stack)[:2]:
        named = any(fnmatch(path, glob) and path.count("/") == glob.count("/") for glob in each["paths"])
        excluded = any(re.search(text, path) for text in each["prospector.scanner.exclude_files"])
        assert (named and not excluded) is is_read


def test_the_id_of_a_container_comes_from_the_path_of_its_log(stack: dict[str, Any]) -> None:
    for each in stack["filebeat.inputs"][:2]:
        [dissect] = [processor["dissect"] for processor in each["processors"]]
        assert (dissect["field"], dissect["target_prefix"]) == ("log.file.path", "")
        # As dissect reads it: a name in braces takes what stands before the next delimiter.
        pattern = re.escape(dissect["tokenizer"]).replace(re.escape("%{container.id}"), "(.*?)")
        pattern = pattern.replace(re.escape("%{}"), ".*")
        found = re.fullmatch(pattern, f"/var/lib/docker/containers/{CONTAINER_ID}/{CONTAINER_ID}-json.log.1")
        assert found is not None
        assert found[1] == CONTAINER_ID


def test_of_the_inbox_its_segments_are_read_and_nothing_else(stack: dict[str, Any]) -> None:
    [journal] = [each for each in inputs(stack) if each["id"] == "inbox-journal"]
    [pattern] = journal["paths"]
    folder = Path(pattern).parent
    segment = Segment.beginning_with(folder, 17).path
    assert fnmatch(str(segment), pattern)
    assert not fnmatch(str(segment.with_suffix(".repair")), pattern)
    assert not fnmatch(str(folder / DAMAGED), pattern)


def test_a_notification_as_long_as_the_inbox_takes_is_not_cut_where_it_is_plain_text(
    stack: dict[str, Any],
) -> None:
    [journal] = [each for each in inputs(stack) if each["id"] == "inbox-journal"]
    fields = InboxSettings.model_fields
    assert journal["message_max_bytes"] >= 2 * fields["max_message_bytes"].default


def test_what_waits_in_memory_fits_the_memory(stack: dict[str, Any], render: Render) -> None:
    longest = max(each["message_max_bytes"] for each in inputs(stack) if each["id"] != "inbox-journal")
    assert 2 * stack["queue.mem"]["events"] * longest <= int(render()["services"]["filebeat"]["mem_limit"])


def test_its_numbers_are_open_to_the_exporter_and_its_log_goes_to_stderr(stack: dict[str, Any]) -> None:
    assert stack["http"] == {"enabled": True, "host": "0.0.0.0", "port": 5066}
    assert stack["logging.to_stderr"] is True


def test_compose_gives_filebeat_what_its_configuration_names(stack: dict[str, Any], render: Render) -> None:
    service = render()["services"]["filebeat"]
    assert service["user"] == "0:0"
    assert service["cap_add"] == ["DAC_READ_SEARCH"]
    assert service["logging"]["driver"] == "local", "or it would read its own lines and write more about them"
    mounts = {mount["target"]: mount for mount in service["volumes"]}
    assert "/var/run/docker.sock" not in mounts
    for each in inputs(stack):
        [folder] = [target for target in mounts if each["paths"][0].startswith(f"{target}/")]
        assert mounts[folder]["read_only"] is True
    assert not mounts[stack["path.data"]].get("read_only", False)
    grace = seconds(service.get("stop_grace_period", "10s"))
    assert seconds(stack["filebeat.shutdown_timeout"]) < grace, "or it is killed while it waits"
    assert any(stack["output.logstash"]["ssl"]["key"].startswith(f"{target}/") for target in mounts)
