"""The address of Grafana before the paths in rules, and what is no address."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from vectorwatch.cli import cli
from vectorwatch.errors import ConfigError
from vectorwatch.rules.dashboard_links import check_address, point_links

from .conftest import RULES

LINKED = RULES.replace(
    "          summary: Memory is high.\n",
    "          summary: Memory is high.\n"
    '          dashboard_url: "/d/memory?var-instance={{ $labels.instance | urlquery }}" # of ours\n',
)


def write(path: str) -> str:
    return f"annotations:\n  runbook_url: /r\n  dashboard_url: {path}\n  summary: S\n"


@pytest.mark.parametrize("path", ["/d/a", '"/d/a?b={{ .C }}"', "'/d/a'"])
def test_the_address_stands_before_the_path_however_that_is_quoted(path: str) -> None:
    pointed = path.replace("/d/a", "http://g:3000/d/a")
    assert point_links(write(path), "http://g:3000") == write(pointed)


def test_without_an_address_the_line_is_gone_also_the_last_one() -> None:
    assert point_links(write("/d/a"), "") == "annotations:\n  runbook_url: /r\n  summary: S\n"
    assert point_links("a:\n  dashboard_url: /d/a", "") == "a:\n"


def test_a_link_of_the_users_own_to_another_place_stays() -> None:
    for address in ("", "http://g:3000"):
        assert point_links(write("https://other.example/d/x"), address) == write("https://other.example/d/x")


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("", ""),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("https://watch.example.net/grafana//", "https://watch.example.net/grafana"),
        ("http://my_host", "http://my_host"),
    ],
)
def test_an_address_is_taken_without_its_final_slash(address: str, taken: str) -> None:
    assert check_address(address) == taken


@pytest.mark.parametrize(
    "address",
    [
        *(
            "grafana:3000",
            "ftp://g",
            "http://",
            "http://::1:3000",
            "http://http://g",
            "http://g:port",
            "/d/x",
        ),
        *("http://g/?orgId=1", "http://g/#a", "http://g h", 'http://g"', "http://g/{{ . }}"),
    ],
)
def test_what_is_no_address_is_refused_in_one_line_that_says_what_would_be_right(address: str) -> None:
    with pytest.raises(ConfigError, match="GRAFANA_URL") as refused:
        check_address(address)
    assert address in str(refused.value)
    assert "write `http://host:3000`" in str(refused.value)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="what holds an @") as refused:
        check_address("http://admin:hunter2@g:3000")
    assert "hunter2" not in str(refused.value)


def test_the_variable_reaches_the_rules_and_a_wrong_one_changes_nothing(source: Path, tmp_path: Path) -> None:
    (source / "rules" / "ours.yml").write_text(LINKED, encoding="utf-8")
    command = ["rules", "render", "--source", str(source), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, command, env={"GRAFANA_URL": "http://g:3000"})
    assert "alerts link to the dashboards at http://g:3000\n" in done.output
    pointed = LINKED.replace("/d/memory", "http://g:3000/d/memory")
    assert (tmp_path / "out" / "ours.yml").read_text(encoding="utf-8") == pointed
    done = CliRunner().invoke(cli, command, env={"GRAFANA_URL": "g:3000"})
    assert isinstance(done.exception, ConfigError)
    assert (tmp_path / "out" / "ours.yml").read_text(encoding="utf-8") == pointed
    done = CliRunner().invoke(cli, command, env={"GRAFANA_URL": ""})
    assert (tmp_path / "out" / "ours.yml").read_text(encoding="utf-8") == RULES


def test_a_tuned_alert_keeps_its_link(source: Path, tmp_path: Path) -> None:
    (source / "rules" / "ours.yml").write_text(LINKED, encoding="utf-8")
    (source / "thresholds.mine.yml").write_text("alerts: {MemoryHigh: {for: 9m}}", encoding="utf-8")
    command = ["rules", "render", "--source", str(source), "--out", str(tmp_path / "out")]
    CliRunner().invoke(cli, [*command, "--grafana", "http://g:3000"])
    rendered = (tmp_path / "out" / "ours.yml").read_text(encoding="utf-8")
    assert "for: 9m" in rendered
    assert (
        "dashboard_url: http://g:3000/d/memory?var-instance={{ $labels.instance | urlquery }}\n" in rendered
    )
