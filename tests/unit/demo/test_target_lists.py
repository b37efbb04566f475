from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from vectorwatch.demo.configuration import Configuration, render_configuration
from vectorwatch.demo.ports import DEFAULT_PORTS
from vectorwatch.demo.prometheus_api import PrometheusApi
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.tools import ensure_tools
from vectorwatch.errors import VectorwatchError

PORTS = {service: 20_001 + place for place, service in enumerate(DEFAULT_PORTS)}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of this repository's configuration that a test may change."""
    for name in ("prometheus", "alertmanager"):
        shutil.copytree(find_repository() / name, tmp_path / "repository" / name)
    return tmp_path / "repository"


@pytest.fixture
def source(repository: Path) -> Path:
    return repository / "prometheus" / "targets"


def render(repository: Path, tmp_path: Path) -> Configuration:
    return render_configuration(repository, tmp_path / "rendered", PORTS)


def read_targets(configuration: Configuration, name: str) -> list[dict[str, Any]]:
    text = (configuration.prometheus.parent / "targets" / name).read_text()
    groups: list[dict[str, Any]] = yaml.safe_load(text)
    return groups


def test_the_valkey_is_listed_as_one_without_metrics_of_its_own(repository: Path, tmp_path: Path) -> None:
    groups = read_targets(render(repository, tmp_path), "dragonfly.yml")
    cache = f"127.0.0.1:{PORTS['dragonfly']}"
    assert [group["labels"] for group in groups if cache in group["targets"]] == [
        {"__native_metrics__": "no"}
    ]


def test_lists_that_a_user_has_made_their_own_still_hold_the_demos_servers(
    repository: Path, tmp_path: Path
) -> None:
    lists = {
        "qdrant.yml": "qdrant",
        "dragonfly.yml": "dragonfly",
        "gpu.yml": "gpu-exporter",
        "app.yml": "demo-app",
    }
    for name in lists:
        (repository / "prometheus" / "targets" / name).write_text(
            "- targets: [mine.example.net:1]\n  labels: {a: b}\n"
        )
    configuration = render(repository, tmp_path)
    for name, service in lists.items():
        groups = read_targets(configuration, name)
        assert groups[0] == {"targets": ["mine.example.net:1"], "labels": {"a": "b"}}
        assert groups[1]["targets"] == [f"127.0.0.1:{PORTS[service]}"]


def test_an_emptied_list_holds_the_demos_server(repository: Path, tmp_path: Path) -> None:
    (repository / "prometheus" / "targets" / "qdrant.yml").write_text("# nothing yet\n")
    groups = read_targets(render(repository, tmp_path), "qdrant.yml")
    assert groups == [{"targets": [f"127.0.0.1:{PORTS['qdrant']}"], "labels": {}}]


def test_a_list_that_is_no_yaml_is_named_with_its_line(repository: Path, tmp_path: Path) -> None:
    (repository / "prometheus" / "targets" / "qdrant.yml").write_text("- targets:\n  - [a\n")
    with pytest.raises(VectorwatchError, match=r"^demo: targets/qdrant.yml, line 3 is no YAML"):
        render(repository, tmp_path)


@pytest.mark.parametrize("text", ["targets: [a:1]", "- a:1", "- targets: a:1", "7"])
def test_what_is_no_list_of_targets_is_told_in_one_line(
    text: str, repository: Path, source: Path, tmp_path: Path
) -> None:
    (source / "app.yml").write_text(text)
    with pytest.raises(VectorwatchError, match=r"^demo: targets/app.yml is no list of targets; .+$"):
        render(repository, tmp_path)


def test_nothing_is_rendered_again_until_something_is_saved(repository: Path, tmp_path: Path) -> None:
    assert render(repository, tmp_path).target_lists.follow() == []


def test_a_saved_list_is_rendered_again_and_told_once(repository: Path, source: Path, tmp_path: Path) -> None:
    configuration = render(repository, tmp_path)
    with (source / "qdrant.yml").open("a") as stream:
        stream.write("- targets: [mine.example.net:6333, inbox:9446]\n")
    [report] = configuration.target_lists.follow()
    assert report == "demo: prometheus/targets/qdrant.yml was saved and is followed"
    assert configuration.target_lists.follow() == []
    groups = read_targets(configuration, "qdrant.yml")
    addresses = {address for group in groups for address in group["targets"]}
    assert addresses == {
        f"127.0.0.1:{PORTS['qdrant']}",
        "mine.example.net:6333",
        f"127.0.0.1:{PORTS['inbox']}",
    }


def test_a_list_deleted_while_it_runs_still_holds_the_demos_server(
    repository: Path, source: Path, tmp_path: Path
) -> None:
    configuration = render(repository, tmp_path)
    (source / "gpu.yml").unlink()
    assert len(configuration.target_lists.follow()) == 1
    groups = read_targets(configuration, "gpu.yml")
    assert groups == [{"targets": [f"127.0.0.1:{PORTS['gpu-exporter']}"], "labels": {}}]


def test_a_mistake_is_told_once_and_loses_no_target(repository: Path, source: Path, tmp_path: Path) -> None:
    (source / "mcp-server.yml").write_text("- targets: [mine.example.net:1]\n")
    configuration = render(repository, tmp_path)
    (source / "mcp-server.yml").write_text("- targets: [\n")
    [report] = configuration.target_lists.follow()
    assert report.startswith("demo: targets/mcp-server.yml, line 2 is no YAML")
    assert report.endswith("; until then its targets stay as they were")
    assert configuration.target_lists.follow() == []
    assert read_targets(configuration, "mcp-server.yml") == [{"targets": ["mine.example.net:1"]}]


def test_a_list_that_cannot_be_read_is_told_once_and_ends_nothing(
    repository: Path, source: Path, tmp_path: Path
) -> None:
    configuration = render(repository, tmp_path)
    (source / "app.yml").unlink()
    (source / "app.yml").mkdir()  # unreadable for root as well
    [report] = configuration.target_lists.follow()
    assert report.startswith("demo: targets/app.yml cannot be read")
    assert configuration.target_lists.follow() == []


def test_a_reader_never_sees_half_a_list(repository: Path, source: Path, tmp_path: Path) -> None:
    configuration = render(repository, tmp_path)
    rendered = configuration.prometheus.parent / "targets" / "app.yml"
    with rendered.open() as reader:
        (source / "app.yml").write_text("- targets: [mine.example.net:1]\n")
        configuration.target_lists.follow()
        assert "mine" not in reader.read()  # the file that it had opened is whole and as it was
    assert "mine" in rendered.read_text()
    assert list(rendered.parent.glob(".*.new")) == []


def test_a_running_prometheus_follows_a_line_that_a_user_adds(
    repository: Path,
    source: Path,
    tmp_path: Path,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
    serve: Callable[[FastAPI], str],
    poll: Callable[..., None],
) -> None:
    configuration = render(repository, tmp_path)
    address = f"127.0.0.1:{free_port()}"
    argv = [
        str(ensure_tools(["prometheus"])["prometheus"]),
        f"--config.file={configuration.prometheus}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    start_program(argv, ready_url=f"http://{address}/-/ready")
    application = FastAPI()
    application.get("/metrics", response_class=PlainTextResponse)(lambda: "app_requests_total 7\n")
    added = serve(application).removeprefix("http://")
    with (source / "app.yml").open("a") as stream:
        stream.write(f"- targets: [{added}]\n")
    assert len(configuration.target_lists.follow()) == 1
    with closing(PrometheusApi(f"http://{address}")) as prometheus:
        poll(lambda: bool(prometheus.query('app_requests_total{job="app"} == 7')), "the application scraped")
