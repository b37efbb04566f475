"""logstash/: what a reader can see of it, without a Logstash.

The syntax is read by `logstash-pipeline-parser`, which accepts more than Logstash does (an empty file, an
array without commas) and mishandles backslashes; those have checks of their own. tests/logs/pipeline runs the
scripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.logs.pipeline.mapping import read_fields
from tests.logs.pipeline.model import MAPPINGS, VECTORWATCH, parse, read_options
from vectorwatch.instrument.domains.security import _BENIGN, _DEFAULT_BASE, BASE

ROOT = Path(__file__).parents[2]
LOGSTASH = ROOT / "logstash"
FILES = sorted(LOGSTASH.glob("pipeline/*/*.conf"))
FACTS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "logstash_options.yml").read_text())
SECTIONS = {"1": "input", "9": "output"}


def read_plugins(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and name of each plugin of a file, such as `filter drop`, and its options."""
    for section, plugins in parse(path):
        yield from _walk(section, plugins)


def _walk(section: str, plugins: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, *rest in plugins:
        if name in ("if", "else if"):
            yield from _walk(section, rest[0][1][0])
        elif name == "else":
            yield from _walk(section, rest[0][0])
        else:
            yield f"{section} {name}", read_options(rest[0])


def all_plugins() -> list[tuple[Path, str, dict[str, Any]]]:
    return [(path, plugin, options) for path in FILES for plugin, options in read_plugins(path)]


def known_options(plugin: str) -> set[str]:
    return {*FACTS["plugins"][plugin].split(), *FACTS["common"][plugin.split()[0]].split()}


def read_table(name: str) -> Any:
    return yaml.safe_load((LOGSTASH / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_pipeline_file_has_one_section_that_its_number_promises(path: Path) -> None:
    assert [section for section, _plugins in parse(path)] == [SECTIONS.get(path.name[0], "filter")]
    assert list(read_plugins(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_pipeline_file_holds_nothing_that_the_parser_is_lenient_about(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert text.startswith("# "), "it says first what it is for"
    assert "\\" not in code, "the parser drops backslashes"
    assert "'" not in code
    assert "=~" not in code
    assert not re.search(r'\[[^\]{}]*"\s+"', code), "an array without a comma"
    assert code.count("{") == code.count("}")
    assert code.count('"') % 2 == 0


def test_every_option_is_one_that_its_plugin_knows() -> None:
    for path, plugin, options in all_plugins():
        assert plugin in FACTS["plugins"], f"{path.name}: {plugin}: look its options up in its source"
        assert not options.keys() - known_options(plugin), f"{path.name}: {plugin}"
        codec = options.get("codec")
        if isinstance(codec, list):
            name, inner = codec
            assert not dict(inner).keys() - {*FACTS["plugins"][f"codec {name}"].split()}, path.name


def test_an_unknown_option_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "90-x.conf"
    wrong.write_text('output { elasticsearch { id => "x" cacert => "/x" } }')
    ((plugin, options),) = read_plugins(wrong)
    assert options.keys() - known_options(plugin) == {"cacert"}


def test_every_plugin_has_an_id_of_its_own() -> None:
    ids = Counter(options.get("id") for _path, _plugin, options in all_plugins())
    assert None not in ids
    assert ids.most_common(1)[0][1] == 1


def test_every_script_is_there_and_used() -> None:
    used = {options["path"] for _path, plugin, options in all_plugins() if plugin == "filter ruby"}
    there = {f"{VECTORWATCH}/ruby/{path.name}" for path in LOGSTASH.glob("ruby/*.rb")}
    assert used == there


def test_every_file_that_a_script_reads_is_mounted() -> None:
    for path, _plugin, options in all_plugins():
        for name, value in options.get("script_params", {}).items():
            if value.startswith(f"{MAPPINGS}/"):
                mapping = ROOT / "elasticsearch" / "component-templates" / Path(value).name
                assert mapping.is_file(), path.name
            elif value.startswith(VECTORWATCH):
                assert (LOGSTASH / Path(value).relative_to(VECTORWATCH)).is_file(), path.name
            else:
                assert name in ("namespace", "container_names"), path.name


def test_who_sends_by_beats_shows_a_certificate() -> None:
    (options,) = [options for _path, plugin, options in all_plugins() if plugin == "input beats"]
    assert options["ssl_enabled"] is True
    assert options["ssl_client_authentication"] == "required"


def test_outputs_check_the_server_and_log_in_with_few_rights() -> None:
    outputs = {
        options["id"]: options for _path, plugin, options in all_plugins() if plugin.startswith("output")
    }
    assert outputs.keys() == {"elasticsearch_logs", "elasticsearch_dead_letters"}
    for options in outputs.values():
        assert options["hosts"] == ["https://elasticsearch:9200"]
        assert "ssl_verification_mode" not in options, "its default checks the certificate and the name"
        assert options["user"] == "logstash_writer"
        assert options["password"] == "${LOGSTASH_WRITER_PASSWORD}"
        assert options["action"] == "create"
        assert options["data_stream"] == "false"


def test_settings_are_those_that_logstash_knows() -> None:
    settings = read_table("settings/logstash.yml")
    pipelines = read_table("settings/pipelines.yml")
    for given, known in [
        (settings, FACTS["settings"]),
        *((one, FACTS["pipeline_settings"]) for one in pipelines),
    ]:
        assert not given.keys() - known.keys()
        for name, value in given.items():
            assert re.fullmatch(known[name], str(value)), f"{name}: {value}"
    assert [pipeline["pipeline.id"] for pipeline in pipelines] == ["main", "dead_letters"]
    for pipeline in pipelines:
        folder = LOGSTASH / "pipeline" / pipeline["pipeline.id"]
        assert pipeline["path.config"] == f"{VECTORWATCH}/pipeline/{folder.name}/*.conf"
        assert folder.is_dir()


def test_queues_are_on_disk_and_bounded_and_dead_letters_make_no_circle() -> None:
    main, dead_letters = read_table("settings/pipelines.yml")
    assert main["queue.type"] == "persisted"
    assert main["queue.max_bytes"]
    assert main["dead_letter_queue.enable"]
    assert main["dead_letter_queue.storage_policy"] == "drop_older"
    assert not dead_letters["dead_letter_queue.enable"]


def test_nothing_sends_monitoring_data_or_reads_a_setting_of_version_8() -> None:
    text = (LOGSTASH / "settings" / "logstash.yml").read_text()
    assert "xpack" not in re.sub(r"#.*", "", text)


def test_lines_of_logstash_about_its_own_lines_come_to_an_end() -> None:
    """Filebeat reads them as those of every container: one error an event would be without end."""
    text = (LOGSTASH / "settings" / "log4j2.properties").read_text()
    burst = dict(re.findall(r"^appender\.json_console\.filter\.burst\.(\w+) = (.+)$", text, re.MULTILINE))
    assert burst["type"] == "BurstFilter"
    assert burst["level"] == "error", "log4j limits this level and those below, by itself only `warn`"
    assert 0 < float(burst["rate"]) <= 10


def test_each_kind_of_noise_has_the_filter_that_counts_it() -> None:
    drops = [options["id"] for _path, plugin, options in all_plugins() if plugin == "filter drop"]
    text = (LOGSTASH / "pipeline" / "main" / "60-noise.conf").read_text()
    kinds = re.findall(r'\[noise\] == "(\w+)"\s*\{\s*drop \{ id => "(\w+)"', text)
    assert drops == [f"drop_{kind}" for kind, _id in kinds] == [identifier for _kind, identifier in kinds]
    assert {*read_table("noise.yml")} | {"empty_lines", "repeated_notifications"} == {
        kind for kind, _id in kinds
    }


def test_names_lead_to_fields_of_the_mapping_and_each_to_one() -> None:
    names: dict[str, list[str]] = read_table("names.yml")
    assert not names.keys() - read_fields().keys()
    sources = Counter(source for listed in names.values() for source in listed)
    assert sources.most_common(1)[0][1] == 1
    assert not sources.keys() & read_fields().keys()


def test_scores_are_those_of_the_library() -> None:
    table = read_table("security.yml")
    assert table["scores"] == {action: round(100 * base) for action, base in BASE.items()}
    assert table["other_score"] == round(100 * _DEFAULT_BASE)
    assert {*table["benign"]} == _BENIGN
    assert not {row["action"] for row in table["texts"]} - table["scores"].keys()


def test_each_pattern_of_the_redaction_has_a_name_of_its_own() -> None:
    table = read_table("redaction.yml")
    names = Counter(row["name"] for row in table["patterns"])
    assert names.most_common(1)[0][1] == 1
    for row in table["patterns"]:
        assert not row.keys() - {"name", "hints", "pattern", "replacement", "check"}
        assert all(hint == hint.lower() for hint in row.get("hints", [])), (
            "hints are looked for in lower case"
        )
