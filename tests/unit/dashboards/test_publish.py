"""`scripts/import-dashboards` against a stand-in for Grafana, which `grafana_stand_in.py` describes."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from vectorwatch.commands.dashboards import dashboards_import
from vectorwatch.dashboards import grafana_api
from vectorwatch.dashboards.publish import import_dashboards
from vectorwatch.errors import ConfigError, VectorwatchError

from .grafana_stand_in import TOKEN, Answer, GrafanaStandIn, Saved, denied, serve_grafana

REPOSITORY = Path(__file__).parents[3]
SAVE = ("POST", "/api/dashboards/db")
FOLDER = ("POST", "/api/folders")
FILES = {"Overview": ("start", "alerts"), "Search": ("qdrant",)}
Push = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def grafana() -> Iterator[GrafanaStandIn]:
    with serve_grafana() as grafana:
        yield grafana


def make_model(name: str) -> dict[str, Any]:
    variable = {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "current": {"value": "prometheus"},
    }
    other = {"name": "job", "type": "query", "current": {"value": "$__all"}}
    return {
        "uid": f"vw-{name}",
        "title": name.title(),
        "panels": [],
        "templating": {"list": [variable, other]},
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder of dashboards, with what else may lie there."""
    folder = tmp_path / "dashboards"
    for title, names in FILES.items():
        (folder / title).mkdir(parents=True)
        (folder / title / ".gitkeep").touch()
        for name in names:
            write(folder / title / f"{name}.json", make_model(name))
    (folder / "README.md").write_text("not a dashboard", encoding="utf-8")
    return folder


def write(path: Path, model: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(model), encoding="utf-8")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def push(grafana: GrafanaStandIn, source: Path, token_file: Path) -> Push:
    def run(**options: Any) -> list[str]:
        given = {"url": grafana.url, "token_file": token_file, "source": source, **options}
        return list(import_dashboards(**given))

    return run


@pytest.fixture
def push_until_error(
    push: Push, grafana: GrafanaStandIn, source: Path, token_file: Path
) -> Callable[..., list[str]]:
    """Return the lines and, as the last, the error that ends the run."""

    def run(**options: Any) -> list[str]:
        given = {"url": grafana.url, "token_file": token_file, "source": source, **options}
        lines: list[str] = []
        with pytest.raises(VectorwatchError) as error:
            lines.extend(import_dashboards(**given))
        return [*lines, str(error.value)]

    return run


# ── What it does ─────────────────────────────────────────────────────────────────────────────────────────


def test_our_own_dashboards_and_their_folders_do_not_get_in_each_others_way(
    push: Push, grafana: GrafanaStandIn
) -> None:
    ours = REPOSITORY / "grafana" / "dashboards"
    count = len(list(ours.glob("*/*.json")))
    assert push(source=ours)[-1] == f"dashboards: {count} created"
    assert not grafana.folders.keys() & grafana.dashboards.keys()


def test_folders_and_dashboards_get_uids_that_never_change(push: Push, grafana: GrafanaStandIn) -> None:
    assert push() == [
        "created    folder Overview (vw-folder-overview)",
        "created    Overview / Alerts (vw-alerts)",
        "created    Overview / Start (vw-start)",
        "created    folder Search (vw-folder-search)",
        "created    Search / Qdrant (vw-qdrant)",
        "dashboards: 3 created",
    ]
    assert grafana.folders == {"vw-folder-overview": "Overview", "vw-folder-search": "Search"}
    assert {uid: saved.folder_uid for uid, saved in grafana.dashboards.items()} == {
        "vw-alerts": "vw-folder-overview",
        "vw-start": "vw-folder-overview",
        "vw-qdrant": "vw-folder-search",
    }
    assert grafana.dashboards["vw-start"].model == make_model("start")
    assert grafana.dashboards["vw-start"].message.startswith("Vectorwatch ")


def test_a_second_run_writes_nothing(push: Push, grafana: GrafanaStandIn) -> None:
    push()
    before = list(grafana.writes)
    assert push() == [
        "unchanged  Overview / Alerts (vw-alerts)",
        "unchanged  Overview / Start (vw-start)",
        "unchanged  Search / Qdrant (vw-qdrant)",
        "dashboards: 3 unchanged",
    ]
    assert grafana.writes == before


def test_only_what_differs_is_written_again(push: Push, grafana: GrafanaStandIn, source: Path) -> None:
    push()
    write(source / "Search" / "qdrant.json", {**make_model("qdrant"), "panels": [{"id": 1}]})
    assert push()[-2:] == ["updated    Search / Qdrant (vw-qdrant)", "dashboards: 2 unchanged, 1 updated"]
    assert {uid: saved.version for uid, saved in grafana.dashboards.items()} == {
        "vw-alerts": 1,
        "vw-start": 1,
        "vw-qdrant": 2,
    }


def test_what_somebody_changed_or_moved_there_is_put_right(push: Push, grafana: GrafanaStandIn) -> None:
    push()
    grafana.dashboards["vw-start"].model["title"] = "Mine"
    grafana.dashboards["vw-alerts"].folder_uid = "elsewhere"
    assert push()[-1] == "dashboards: 2 updated, 1 unchanged"
    assert grafana.dashboards["vw-start"].model["title"] == "Start"
    assert grafana.dashboards["vw-alerts"].folder_uid == "vw-folder-overview"


def test_a_folder_that_was_renamed_there_keeps_its_name(push: Push, grafana: GrafanaStandIn) -> None:
    grafana.folders["vw-folder-overview"] = "AI at a glance"
    assert "created    Overview / Start (vw-start)" in push()
    assert grafana.folders["vw-folder-overview"] == "AI at a glance"


def test_a_dry_run_says_the_same_and_writes_nothing(
    push: Push, grafana: GrafanaStandIn, source: Path
) -> None:
    push(folders=["Overview"])
    write(source / "Overview" / "start.json", {**make_model("start"), "panels": [{"id": 1}]})
    before = list(grafana.writes)
    assert push(dry_run=True) == [
        "unchanged         Overview / Alerts (vw-alerts)",
        "would be updated  Overview / Start (vw-start)",
        "would be created  folder Search (vw-folder-search)",
        "would be created  Search / Qdrant (vw-qdrant)",
        "dashboards: 1 unchanged, 1 would be updated, 1 would be created",
    ]
    assert grafana.writes == before


def test_the_folders_that_are_named_are_pushed_and_no_others(push: Push, grafana: GrafanaStandIn) -> None:
    assert push(folders=["Search"])[-1] == "dashboards: 1 created"
    assert grafana.folders == {"vw-folder-search": "Search"}


def test_the_dashboards_start_with_the_data_source_that_is_chosen(
    push: Push, grafana: GrafanaStandIn
) -> None:
    push(data_source="metrics")
    [chosen, job] = grafana.dashboards["vw-start"].model["templating"]["list"]
    assert chosen["current"] == {"selected": True, "text": "Metrics", "value": "metrics"}
    assert job == make_model("start")["templating"]["list"][1]
    assert push(data_source="metrics")[-1] == "dashboards: 3 unchanged"


def test_a_token_that_is_told_no_for_what_is_not_there_creates_it(
    push: Push, grafana: GrafanaStandIn
) -> None:
    grafana.hides_absence = True
    assert push()[-1] == "dashboards: 3 created"


def test_the_token_is_shown_to_grafana_alone(push: Push, grafana: GrafanaStandIn) -> None:
    push()
    assert grafana.authorizations.pop("/api/health") is None
    assert set(grafana.authorizations.values()) == {f"Bearer {TOKEN}"}


def test_a_path_below_which_grafana_is_served_is_kept(push: Push, grafana: GrafanaStandIn) -> None:
    grafana.refusals["GET", "/grafana/api/health"] = (200, {"database": "ok"})
    grafana.refusals["GET", "/grafana/api/dashboards/uid/"] = (500, {"message": "here"})
    with pytest.raises(VectorwatchError, match="3 of 3 failed"):
        push(url=f"{grafana.url}/grafana/")
    assert ("GET", "/grafana/api/dashboards/uid/vw-start") in grafana.requests


# ── What Grafana refuses ─────────────────────────────────────────────────────────────────────────────────

REFUSALS: Mapping[str, tuple[tuple[str, str], Answer, str]] = {
    "a folder it may not create": (
        FOLDER,
        denied("folders:create"),
        "creating its folder Search gave 403: You'll need additional permissions to perform this action. "
        "Permissions needed: folders:create; give the token's service account folders:create, or the role "
        "Editor",
    ),
    "a dashboard it may not save": (
        SAVE,
        (403, {"message": "Access denied to save dashboard"}),
        "saving it gave 403: Access denied to save dashboard; give the token's service account "
        "dashboards:create and dashboards:write in its folder, or the role Editor",
    ),
    "a folder of that name": (
        FOLDER,
        (409, {"message": "a folder with the same name already exists in the current location"}),
        "creating its folder Search gave 409: a folder with the same name already exists in the current "
        "location; rename or delete the other one there",
    ),
    "a folder of that uid that it may not see": (
        FOLDER,
        (412, {"status": "version-mismatch", "message": "the folder has been changed by someone else"}),
        "creating its folder Search gave 412: the folder has been changed by someone else; it is there but "
        "closed to this token: let its service account read it",
    ),
    "a dashboard of that name": (
        SAVE,
        (
            412,
            {
                "status": "name-exists",
                "message": "A dashboard with the same name in the folder already exists",
            },
        ),
        "saving it gave 412: A dashboard with the same name in the folder already exists; rename or delete "
        "the other one there",
    ),
    "somebody else's change": (
        SAVE,
        (412, {"status": "version-mismatch", "message": "The dashboard has been changed by someone else"}),
        "saving it gave 412: The dashboard has been changed by someone else; run this again",
    ),
    "a plugin's dashboard": (
        SAVE,
        (412, {"status": "plugin-dashboard", "message": "The dashboard belongs to plugin Qdrant."}),
        "saving it gave 412: The dashboard belongs to plugin Qdrant.; remove that plugin's dashboard there",
    ),
    "a quota": (
        SAVE,
        (403, {"status": "quota-reached", "message": "Dashboard quota reached"}),
        "saving it gave 403: Dashboard quota reached; delete what is not needed there, or raise the quota",
    ),
    "a deleted folder": (
        SAVE,
        (400, {"message": "folder not found"}),
        "saving it gave 400: folder not found; the folder was deleted meanwhile: run this again",
    ),
    "a provisioned dashboard that does not say so": (
        SAVE,
        (400, {"message": "Cannot save provisioned dashboard"}),
        "saving it gave 400: Cannot save provisioned dashboard; change the file that Grafana reads it from, "
        "or take that out of its provisioning",
    ),
    "a dashboard that is too large": (
        SAVE,
        (413, {"message": "Dashboard is too large, max is 16 MB"}),
        "saving it gave 413: Dashboard is too large, max is 16 MB",
    ),
    "a fault of its own while it saves": (
        SAVE,
        (500, {"message": "Failed to save dashboard"}),
        "saving it gave 500: Failed to save dashboard; Grafana's log says why",
    ),
    "a fault of its own while it reads": (
        ("GET", "/api/dashboards/uid/vw-qdrant"),
        (500, {"message": "Error while loading dashboard, dashboard data is invalid"}),
        "reading it gave 500: Error while loading dashboard, dashboard data is invalid; Grafana's log says "
        "why",
    ),
    "a fault of its own while it reads a folder": (
        ("GET", "/api/folders/vw-folder-search"),
        (500, {"message": "Folder API error"}),
        "reading its folder gave 500: Folder API error; Grafana's log says why",
    ),
    "an answer that is not Grafana's": (
        SAVE,
        (200, {}),
        "saving it gave 200: an answer that is not Grafana's; is a proxy in between?",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_line_with_its_remedy(
    name: str, push_until_error: Push, grafana: GrafanaStandIn
) -> None:
    what, answer, said = REFUSALS[name]
    grafana.refusals[what] = answer
    assert push_until_error(folders=["Search"])[-2:] == [
        f"failed     Search / Qdrant (vw-qdrant): {said}",
        "dashboards: 1 of 1 failed; mend that and run this again",
    ]


def test_one_that_fails_does_not_keep_the_others_from_being_pushed(
    push_until_error: Push, grafana: GrafanaStandIn
) -> None:
    grafana.refusals["GET", "/api/dashboards/uid/vw-alerts"] = (500, {"message": "broken"})
    lines = push_until_error()
    assert lines[-1] == "dashboards: 1 of 3 failed; mend that and run this again"
    assert grafana.dashboards.keys() == {"vw-start", "vw-qdrant"}


def test_a_provisioned_dashboard_is_left_alone_and_named_with_its_file(
    push: Push, push_until_error: Push, grafana: GrafanaStandIn
) -> None:
    old = {**make_model("qdrant"), "title": "Old"}
    grafana.dashboards["vw-qdrant"] = Saved(old, "afk1", 3, "", "Search/qdrant.json")
    for dry_run in (True, False):
        [line, _] = push_until_error(folders=["Search"], dry_run=dry_run)
        assert line.split(": ", 1)[1] == (
            "it is provisioned from Search/qdrant.json; change the file that Grafana reads it from, or take "
            "that out of its provisioning"
        )
    assert grafana.writes == []
    # One that is as it should be needs nothing, and no second folder beside the one Grafana made for it.
    grafana.dashboards["vw-qdrant"].model = make_model("qdrant")
    assert push(folders=["Search"])[-1] == "dashboards: 1 unchanged"
    assert grafana.writes == []


def test_a_token_that_is_not_accepted_ends_the_run(
    push_until_error: Push, grafana: GrafanaStandIn, token_file: Path
) -> None:
    token_file.write_text("glsa_revoked", encoding="utf-8")
    assert push_until_error() == [
        f"dashboards: {grafana.url} does not accept the token (Invalid API key); make one in Grafana for a "
        "service account with the role Editor; 0 of 3 were done"
    ]
    assert grafana.writes == []


def test_data_sources_that_may_not_be_read_end_the_run(
    push_until_error: Push, grafana: GrafanaStandIn
) -> None:
    grafana.refusals["GET", "/api/datasources"] = denied("datasources:read")
    assert push_until_error(data_source="metrics") == [
        "dashboards: --datasource: reading the data sources gave 403: You'll need additional permissions to "
        "perform this action. Permissions needed: datasources:read; give the token's service account "
        "datasources:read, or the role Editor"
    ]


@pytest.mark.parametrize("uid", ["metric", "logs"])
def test_a_data_source_that_is_no_prometheus_there_is_refused_with_those_that_are(
    uid: str, push_until_error: Push, grafana: GrafanaStandIn
) -> None:
    assert push_until_error(data_source=uid) == [
        f"dashboards: --datasource: no data source of type Prometheus has the uid {uid}; there are: metrics "
        "(Metrics)"
    ]
    grafana.data_sources = []
    assert push_until_error(data_source=uid)[-1].endswith("; there are: none at all")
    assert grafana.writes == []


# ── Who is there ─────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_at_the_address_is_one_line(push_until_error: Push, free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert push_until_error(url=url) == [
        f"dashboards: {url} does not answer (Connection refused); is Grafana running there? Give its address "
        "with --url"
    ]


def test_one_that_does_not_answer_in_time_is_one_line(
    push_until_error: Push, raw_server: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grafana_api, "_TIMEOUT", httpx.Timeout(0.2))
    url = f"http://127.0.0.1:{raw_server(hold=True)}"
    assert push_until_error(url=url) == [
        f"dashboards: {url} does not answer in time (GET /api/health); is Grafana well there?"
    ]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>", 200),
        (b'HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\n{"error": 1}', 404),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[10]", 200),
    ],
)
def test_one_that_is_not_grafana_is_not_shown_the_token(
    content: bytes, status: int, push_until_error: Push, raw_server: Callable[..., int]
) -> None:
    url = f"http://127.0.0.1:{raw_server(content)}"
    assert push_until_error(url=url) == [
        f"dashboards: {url} answers, but not as Grafana (/api/health gave {status}); give Grafana's address "
        "with --url, with its path if it has one"
    ]


def test_a_grafana_without_its_database_is_one_line(push_until_error: Push, grafana: GrafanaStandIn) -> None:
    grafana.refusals["GET", "/api/health"] = (503, {"database": "failing", "version": "13.2.3"})
    assert push_until_error() == [
        f"dashboards: Grafana at {grafana.url} cannot use its database (failing); its log says why"
    ]


def test_one_that_goes_away_on_the_way_ends_the_run(push_until_error: Push, grafana: GrafanaStandIn) -> None:
    grafana.refusals["GET", "/api/dashboards/uid/vw-start"] = (
        302,
        {"location": "https://login.example.com/"},
    )
    lines = push_until_error()
    assert lines[-1] == (
        f"dashboards: {grafana.url} leads on to https://login.example.com/; give Grafana's own address with "
        "--url; 1 of 3 were done"
    )


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def grafana_with_tls(authority: trustme.CA) -> Iterator[GrafanaStandIn]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serve_grafana(context) as grafana:
        yield grafana


def test_an_authority_of_ones_own_is_trusted_when_it_is_named(
    push: Push, grafana_with_tls: GrafanaStandIn, authority: trustme.CA, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    assert push(url=grafana_with_tls.url, ca_file=ca_file)[-1] == "dashboards: 3 created"


def test_the_standard_variable_names_authorities_too(
    push: Push,
    grafana_with_tls: GrafanaStandIn,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert push(url=grafana_with_tls.url)[-1] == "dashboards: 3 created"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    push_until_error: Push, grafana_with_tls: GrafanaStandIn
) -> None:
    [line] = push_until_error(url=grafana_with_tls.url)
    assert line.startswith(f"dashboards: {grafana_with_tls.url} has no certificate to trust (")
    assert line.endswith("); give its authority with --ca")


def test_https_where_there_is_none_is_one_line(push_until_error: Push, grafana: GrafanaStandIn) -> None:
    url = grafana.url.replace("http:", "https:")
    [line] = push_until_error(url=url)
    assert line.startswith(f"dashboards: {url} does not speak TLS as expected (")
    assert line.endswith("); should --url begin with http://?")


# ── What is given ────────────────────────────────────────────────────────────────────────────────────────


def test_a_broken_file_keeps_all_from_being_sent(push: Push, source: Path, grafana: GrafanaStandIn) -> None:
    (source / "Overview" / "alerts.json").write_text("", encoding="utf-8")
    write(source / "Overview" / "start.json", {"uid": "vw-start"})
    write(source / "Search" / "hnsw.json", make_model("qdrant"))
    write(source / "Search" / "rag.json", {"title": "Rag", "uid": "vw/rag"})
    with pytest.raises(ConfigError) as error:
        push()
    assert [problem.replace(f"{source}/", "") for problem in error.value.problems] == [
        "dashboards: Overview/alerts.json is no JSON (Expecting value: line 1 column 1 (char 0)); "
        "`make dashboards` writes it anew",
        "dashboards: Overview/start.json is no dashboard: it needs a `title`",
        "dashboards: Search/qdrant.json: its uid vw-qdrant is that of another file; give it one of its own",
        "dashboards: Search/rag.json: its `uid` must be at most 40 letters, digits, - and _",
    ]
    assert grafana.requests == []


def refuses(push: Push, said: str, **options: Any) -> None:
    with pytest.raises(ConfigError) as error:
        push(**options)
    assert str(error.value) == f"dashboards: {said}"


def test_a_folder_without_dashboards_is_refused(push: Push, tmp_path: Path) -> None:
    refuses(push, f"no folder {tmp_path}/gone; is the checkout complete?", source=tmp_path / "gone")
    empty = tmp_path / "empty"
    (empty / "Overview").mkdir(parents=True)
    (empty / "Overview" / ".gitkeep").touch()
    refuses(push, f"{empty} holds no <folder>/<name>.json; `make dashboards` writes them", source=empty)


def test_a_folder_that_is_not_there_is_refused_with_those_that_are(push: Push) -> None:
    refuses(push, "--folder: no search; there are Overview, Search", folders=["search"])


@pytest.mark.parametrize(
    "url", ["grafana.example.com", "ftp://grafana", "http://", "http://g:99999", "http://g/?a=b"]
)
def test_an_address_that_is_none_is_refused(url: str, push: Push) -> None:
    refuses(push, f"--url: {url} is no address; write it like https://grafana.example.com", url=url)


def test_a_password_in_the_address_is_refused_and_not_repeated(push: Push) -> None:
    said = "--url: leave user and password out; a token is read from --token-file"
    refuses(push, said, url="https://admin:secret@grafana.example.com")


def test_a_token_that_cannot_be_read_is_refused(push: Push, tmp_path: Path, token_file: Path) -> None:
    make = "make one in Grafana for a service account with the role Editor"
    refuses(push, f"no token; {make}, write it into a file and name that with --token-file", token_file=None)
    gone = tmp_path / "gone"
    refuses(push, f"--token-file: cannot read {gone}: No such file or directory", token_file=gone)
    token_file.write_text("\n", encoding="utf-8")
    refuses(push, f"--token-file: {token_file} is empty; {make} and write it there")
    for text in (f"{TOKEN}\n{TOKEN}", f"token: {TOKEN}", "glsa_ü"):
        token_file.write_text(text, encoding="utf-8")
        refuses(push, f"--token-file: {token_file} holds more than a token; {make} and write that alone")


def test_a_token_that_everybody_can_read_is_used_with_a_warning(push: Push, token_file: Path) -> None:
    token_file.chmod(0o644)
    said = f"dashboards: every user here can read {token_file}; mend that with: chmod 600 {token_file}"
    assert push()[0] == said
    token_file.chmod(0o640)
    assert said not in push()


def test_authorities_that_cannot_be_read_are_refused(push: Push, tmp_path: Path) -> None:
    gone = tmp_path / "gone.pem"
    refuses(push, f"--ca: cannot read {gone}: No such file or directory", ca_file=gone)
    gone.write_text("no certificate", encoding="utf-8")
    refuses(push, f"--ca: {gone} holds no certificate in PEM", ca_file=gone)


# ── The script ───────────────────────────────────────────────────────────────────────────────────────────


def run_script(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(REPOSITORY / "scripts" / "import-dashboards"), *options],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_script_reads_the_paths_of_its_caller_and_tells_by_its_code_how_it_went(
    grafana: GrafanaStandIn, source: Path, token_file: Path
) -> None:
    url = f"--url={grafana.url}"
    done = run_script(source.parent, url, "--source=dashboards", GRAFANA_TOKEN_FILE="token")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "dashboards: 3 created"
    write(source / "Search" / "qdrant.json", {**make_model("qdrant"), "panels": [{"id": 1}]})
    grafana.refusals[SAVE] = (500, {"message": "Failed to save dashboard"})
    failed = run_script(source.parent, url, "--source=dashboards", "--token-file=token")
    assert failed.returncode == 1
    assert failed.stderr == "dashboards: 1 of 3 failed; mend that and run this again\n"
    refused = run_script(source.parent, url, "--source=dashboards", "--token-file=gone")
    assert refused.returncode == 2
    assert refused.stderr == "dashboards: --token-file: cannot read gone: No such file or directory\n"


def test_every_option_on_its_page_exists() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "import-dashboards.md").read_text(encoding="utf-8")
    known = {name for option in dashboards_import.params for name in option.opts}
    assert set(re.findall(r"(?<=[ `])--[a-z-]+", page)) == known - {"--source"}


def test_the_script_says_what_to_install_where_there_is_nothing(tmp_path: Path) -> None:
    found = run_script(tmp_path, PYTHON="/usr/bin/false")
    assert found.returncode == 1
    assert (
        found.stderr
        == "import-dashboards: no Python with click and httpx here; run: scripts/install dashboards\n"
    )
