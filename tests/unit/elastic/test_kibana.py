"""`vectorwatch elastic setup-kibana` against a stand-in for Kibana, which `kibana_stand_in.py` describes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vectorwatch.cli import cli
from vectorwatch.elastic.kibana import set_up_kibana
from vectorwatch.elastic.object_files import check_address, read_objects
from vectorwatch.elastic.waiting import Patience
from vectorwatch.errors import ConfigError, VectorwatchError

from .kibana_stand_in import PASSWORD, KibanaStandIn, refuse, serve_kibana

OBJECTS = Path(__file__).parents[3] / "kibana/saved-objects"
IMPORT = "/api/saved_objects/_import"
SetUp = Callable[..., list[str]]


@pytest.fixture
def kibana() -> Iterator[KibanaStandIn]:
    with serve_kibana() as kibana:
        yield kibana


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def set_up(kibana: KibanaStandIn, tmp_path: Path, said: list[str]) -> SetUp:
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")

    def run(source: Path = OBJECTS, seconds: float = 60.0, **settings: Any) -> list[str]:
        wanted = {
            "url": kibana.url,
            "user": "elastic",
            "password_file": password,
            "source": source,
            "grafana": "http://grafana.example.com",
            "jaeger": "http://jaeger.example.com:16686/",
            "patience": Patience(seconds, said.append, pause_seconds=0.01),
        }
        return list(set_up_kibana(**{**wanted, **settings}))

    return run


def write_objects(folder: Path, *objects: Mapping[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = "".join(json.dumps(saved) + "\n" for saved in objects)
    (folder / "mine.ndjson").write_text(lines)
    return folder


def make_search(name: str, needs: str = "vw-logs") -> dict[str, Any]:
    reference = {"type": "index-pattern", "id": needs, "name": "index"}
    return {"type": "search", "id": name, "attributes": {"title": name.title()}, "references": [reference]}


def test_an_empty_kibana_holds_all_objects_afterwards(kibana: KibanaStandIn, set_up: SetUp) -> None:
    assert set_up() == [
        "kibana: 4 data views, 8 saved searches, 5 dashboards are there",
        "kibana: the default data view is now vw-logs",
    ]
    assert len(kibana.objects) == 17
    assert kibana.default_data_view == "vw-logs"


def test_a_second_run_leads_to_the_same(kibana: KibanaStandIn, set_up: SetUp) -> None:
    set_up()
    before = dict(kibana.objects)
    assert set_up()[1] == "kibana: the default data view stays vw-logs"
    assert kibana.objects == before


def test_what_a_person_saved_or_chose_stays(kibana: KibanaStandIn, set_up: SetUp) -> None:
    mine = {"type": "dashboard", "id": "mine", "attributes": {"title": "Mine"}}
    kibana.objects["dashboard", "mine"] = mine
    kibana.default_data_view = "of-mine"
    assert set_up()[1] == "kibana: the default data view stays of-mine"
    assert kibana.objects["dashboard", "mine"] == mine
    assert kibana.default_data_view == "of-mine"


def test_objects_of_a_users_own_file_are_imported_with_ours(
    kibana: KibanaStandIn, set_up: SetUp, tmp_path: Path
) -> None:
    folder = tmp_path / "objects"
    write_objects(folder, make_search("mine"))
    (folder / "data-views.ndjson").write_text((OBJECTS / "data-views.ndjson").read_text())
    assert set_up(folder)[0] == "kibana: 4 data views, 1 saved search are there"


def test_addresses_of_this_stack_are_put_in(kibana: KibanaStandIn, set_up: SetUp) -> None:
    set_up()
    formats = json.loads(kibana.objects["index-pattern", "vw-logs"]["attributes"]["fieldFormatMap"])
    assert formats["trace.id"]["params"]["urlTemplate"] == "http://jaeger.example.com:16686/trace/{{value}}"
    start = kibana.objects["dashboard", "vw-start"]["attributes"]["panelsJSON"]
    assert "(http://grafana.example.com/d/vw-logs)" in start
    assert not re.search(r"\$[A-Z]+_URL", json.dumps(list(kibana.objects.values())))


@pytest.mark.parametrize("starting", [["", "", "available"], ["unavailable", "critical", "degraded"]])
def test_it_waits_for_a_kibana_that_starts(
    kibana: KibanaStandIn, set_up: SetUp, said: list[str], starting: list[str]
) -> None:
    kibana.levels = starting
    set_up()
    assert len(kibana.objects) == 17
    assert re.fullmatch(r"waiting, \d+ s at most: Kibana at http://127.0.0.1:\d+ is not ready: .*", said[0])


def test_it_does_not_wait_for_parts_that_keep_no_objects(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.slowest_part = "unavailable"
    set_up(seconds=0.1)
    assert len(kibana.objects) == 17


def test_it_imports_again_when_kibana_was_not_ready_for_it(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.refusals[IMPORT] = [(503, "Kibana server is not ready yet")]
    set_up()
    assert kibana.requests.count(("POST", IMPORT)) == 2


def test_it_gives_up_in_the_end_and_says_why(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.levels = [""]
    with pytest.raises(
        VectorwatchError, match=r"^kibana: .* is not ready: GET /api/status gave 503 .* given up after 0.1 s"
    ):
        set_up(seconds=0.1)
    assert kibana.objects == {}


def test_a_kibana_that_nobody_started_is_one_line(set_up: SetUp, free_port: Callable[[], int]) -> None:
    with pytest.raises(
        VectorwatchError, match=r"^kibana: Kibana at .* does not answer \(.*\); given up after 0.1 s"
    ):
        set_up(url=f"http://127.0.0.1:{free_port()}", seconds=0.1)


def test_another_server_is_not_taken_for_kibana(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.refusals["/api/status"] = [(200, {"name": "node", "tagline": "You Know, for Search"})]
    with pytest.raises(VectorwatchError, match="answers, but not as Kibana; is that its address"):
        set_up()


def test_a_wrong_password_says_where_to_look(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.password = "another"
    with pytest.raises(VectorwatchError) as caught:
        set_up(seconds=0.1)
    assert "does not accept the password of elastic" in str(caught.value)
    assert "vectorwatch elastic setup-elasticsearch" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (refuse(403, "Forbidden", "Unable to bulk_create dashboard"), "needs all rights on saved objects"),
        (refuse(403, "Forbidden", "License is expired"), "needs the licence `basic`"),
        (refuse(413, "Request Entity Too Large", "Payload content length greater"), "maxImportPayloadBytes"),
        (refuse(404, "Not Found", "Not Found"), "is that a Kibana of version 8 or 9"),
        (refuse(400, "Bad Request", "Unexpected token"), "refuses POST .* with 400: Unexpected token"),
    ],
)
def test_a_refusal_says_what_to_do(kibana: KibanaStandIn, set_up: SetUp, answer: Any, advice: str) -> None:
    kibana.refusals[IMPORT] = [answer]
    with pytest.raises(VectorwatchError, match=advice) as caught:
        set_up()
    assert "\n" not in str(caught.value)


def test_each_object_that_is_refused_has_its_line(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.object_errors = {
        ("dashboard", "vw-start"): {
            "type": "unknown",
            "message": "[attributes.version]:\n expected",
            "statusCode": 400,
        },
        ("dashboard", "vw-alert-history"): {"type": "ambiguous_conflict", "destinations": []},
        ("search", "vw-alerts"): {"type": "unknown", "message": "current license is non-compliant"},
        ("search", "vw-errors"): {"type": "something new"},
    }
    with pytest.raises(VectorwatchError) as caught:
        set_up()
    lines = str(caught.value).splitlines()
    assert lines[0] == "kibana: 13 of 17 objects were imported"
    assert set(lines[1:]) == {
        "kibana: dashboard vw-start (Start) was refused: [attributes.version]: expected",
        "kibana: dashboard vw-alert-history (Alert history) has the id of an object in another space; "
        "delete that one, or give this one another id",
        "kibana: saved search vw-alerts (Alert notifications) was refused: current license is non-compliant; "
        "Elasticsearch needs the licence `basic`, which does not end; `GET /_license` shows what it has",
        "kibana: saved search vw-errors (Errors) was refused: no reason",
    }


def test_an_object_without_what_it_needs_names_that(set_up: SetUp, tmp_path: Path) -> None:
    folder = write_objects(tmp_path / "objects", make_search("mine", needs="gone"))
    with pytest.raises(
        VectorwatchError, match=r"saved search mine \(Mine\) needs what is not there: index-pattern gone;"
    ):
        set_up(folder)


def test_an_object_of_an_unknown_type_is_named(set_up: SetUp, tmp_path: Path) -> None:
    folder = write_objects(tmp_path / "objects", {"type": "poem", "id": "mine", "attributes": {}})
    with pytest.raises(
        VectorwatchError, match=r"poem mine \(mine\) is of a type that this Kibana does not know"
    ):
        set_up(folder)


def test_an_import_that_claims_less_than_all_is_no_success(kibana: KibanaStandIn, set_up: SetUp) -> None:
    kibana.refusals[IMPORT] = [(200, {"success": True, "successCount": 3})]
    with pytest.raises(VectorwatchError, match="3 of 17 objects were imported"):
        set_up()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", r"mine\.ndjson:1: is no JSON \("),
        ("[]", r"mine\.ndjson:1: is no JSON object"),
        (
            '{"exportedCount": 3}',
            r"mine\.ndjson:1: is no saved object: it needs `type`, `id` and `attributes`",
        ),
        (f"{json.dumps(make_search('a'))}\n" * 2, r"mine\.ndjson:2: search a stands twice"),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}", "is not UTF-8; save it so"),
        (None, r"holds no \*\.ndjson; is the checkout complete\?"),
    ],
)
def test_a_broken_file_is_found_before_kibana_is_asked(
    kibana: KibanaStandIn, set_up: SetUp, tmp_path: Path, line: str | None, problem: str
) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    if line is not None:
        (folder / "mine.ndjson").write_bytes(line.encode("latin-1"))
    with pytest.raises(ConfigError, match=problem):
        set_up(folder)
    assert kibana.requests == []


@pytest.mark.parametrize("content", [None, b" \n", b"\xe9"])
def test_a_password_that_cannot_be_read_is_one_line(
    set_up: SetUp, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "missing"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^kibana: --password-file: .*missing"):
        set_up(password_file=file)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "grafana",
        "ftp://g",
        "http://",
        "http://a b",
        'http://a"',
        "http://a\\",
        "http://a)",
        "http://u:p@a",
        "http://ä",
        "http://a/?b",
        "http://a/#b",
    ],
)
def test_an_address_that_would_break_a_link_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^kibana: JAEGER_URL: "):
        check_address("JAEGER_URL", address)


def test_what_is_put_in_leaves_json_whole() -> None:
    objects = read_objects(OBJECTS, grafana="https://g.example.com/~g/%20&", jaeger="http://[::1]:16686")
    for line in objects.text.splitlines():
        saved = json.loads(line)
        json.loads(saved["attributes"].get("panelsJSON", "[]"))
        json.loads(saved["attributes"].get("fieldFormatMap", "{}"))


def test_the_command_shows_a_line_for_each_step(kibana: KibanaStandIn, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    arguments = [
        "elastic",
        "setup-kibana",
        "--url",
        kibana.url,
        "--password-file",
        str(tmp_path / "password"),
    ]
    ran = CliRunner().invoke(cli, [*arguments, "--source", str(OBJECTS)])
    assert ran.output.splitlines()[0] == "kibana: 4 data views, 8 saved searches, 5 dashboards are there"
    assert ran.exit_code == 0


def test_the_command_makes_the_files(tmp_path: Path) -> None:
    ran = CliRunner().invoke(cli, ["elastic", "make-saved-objects", "--out", str(tmp_path / "made")])
    assert ran.output == f"saved objects: 17 in 7 files of {tmp_path / 'made'}\n"
    assert {path.name for path in (tmp_path / "made").iterdir()} == {path.name for path in OBJECTS.iterdir()}
