from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectorwatch.demo.configuration import Configuration, render_configuration
from vectorwatch.demo.ports import DEFAULT_PORTS, JAEGER_PORTS
from vectorwatch.demo.repository import find_repository
from vectorwatch.demo.tools import ensure_tools

PORTS = {service: 20_001 + place for place, service in enumerate(DEFAULT_PORTS)}
BACK = {
    f"127.0.0.1:{PORTS[service]}": f"{service.removesuffix('-smtp')}:{port}"
    for service, port in DEFAULT_PORTS.items()
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of this repository's configuration that a test may change."""
    for name in ("prometheus", "alertmanager", "jaeger"):
        shutil.copytree(find_repository() / name, tmp_path / "repository" / name)
    return tmp_path / "repository"


def render(repository: Path, tmp_path: Path) -> Configuration:
    return render_configuration(repository, tmp_path / "rendered", PORTS)


def put_names_back(text: str) -> str:
    return re.sub("|".join(map(re.escape, BACK)), lambda found: BACK[found[0]], text)


# Rendered as data, not as text; tests of their own follow.
AS_DATA = {"app.yml", "prometheus.yml", "qdrant.yml", "dragonfly.yml", "gpu.yml"}
NOT_IN_THE_DEMO = ["grafana", "jaeger", "jaeger-spanmetrics", "blackbox-exporter", "blackbox", "cadvisor"]


# There is no Grafana in the demo, so that a link to it would be dead.
LINK_TO_A_DASHBOARD = re.compile(r"(?m)^ +dashboard_url: .*\n")


def test_rendering_changes_nothing_but_addresses_and_links_to_dashboards(
    repository: Path, tmp_path: Path
) -> None:
    render(repository, tmp_path)
    rendered = tmp_path / "rendered"
    compared = 0
    for path in rendered.rglob("*"):
        original = repository / path.relative_to(rendered)
        is_text = path.name not in AS_DATA or "rules" in path.parts
        if path.is_file() and is_text and "secrets" not in path.parts:
            kept = LINK_TO_A_DASHBOARD.sub("", original.read_text())
            assert put_names_back(path.read_text()) == kept, path
            compared += 1
    assert compared > 10


def test_the_rules_get_what_the_user_has_set(repository: Path, tmp_path: Path) -> None:
    mine = repository / "prometheus" / "thresholds.mine.yml"
    mine.write_text('alerts: {CacheDown: {enabled: false, because: "no cache"}}', encoding="utf-8")
    configuration = render(repository, tmp_path)
    assert configuration.rules[-1] == "rules: CacheDown is off: no cache"
    rules = (configuration.prometheus.parent / "rules" / "availability.yml").read_text(encoding="utf-8")
    assert "alert: CacheDown" not in rules
    assert "alert: QdrantDown" in rules


def test_no_address_of_the_stack_is_left(repository: Path, tmp_path: Path) -> None:
    render(repository, tmp_path)
    names = "|".join({service.removesuffix("-smtp") for service in DEFAULT_PORTS})
    for path in (tmp_path / "rendered").rglob("*"):
        if path.is_file():
            assert re.findall(rf"\b(?:{names}):\d{{4,5}}\b", path.read_text()) == [], path


def test_all_rules_are_kept_and_all_jobs_of_what_the_demo_runs(repository: Path, tmp_path: Path) -> None:
    configuration = render(repository, tmp_path)
    assert configuration.left_out == NOT_IN_THE_DEMO
    original = yaml.safe_load((repository / "prometheus" / "prometheus.yml").read_text())
    kept = [job for job in original["scrape_configs"] if job["job_name"] not in NOT_IN_THE_DEMO]
    [this_machine] = [job for job in kept if job["job_name"] == "node-exporter"]
    del this_machine["static_configs"]
    # In the demo nobody asks for a password.
    asking = [*kept, *original["alerting"]["alertmanagers"]]
    assert [one.pop("basic_auth")["username"] for one in asking if "basic_auth" in one] == ["vectorwatch"] * 3
    rendered_text = put_names_back(configuration.prometheus.read_text())
    assert yaml.safe_load(rendered_text) == {**original, "scrape_configs": kept}
    rules = (repository / "prometheus" / "rules").glob("*.yml")
    rendered = (configuration.prometheus.parent / "rules").glob("*.yml")
    assert {path.name for path in rules} == {path.name for path in rendered}


def test_the_rendered_configuration_is_valid(repository: Path, tmp_path: Path) -> None:
    configuration = render(repository, tmp_path)
    tools = ensure_tools(["promtool", "amtool"])
    promtool = [tools["promtool"], "check", "config", configuration.prometheus]
    subprocess.run([str(part) for part in promtool], check=True, capture_output=True)
    amtool = [tools["amtool"], "check-config", configuration.alertmanager]
    subprocess.run([str(part) for part in amtool], check=True, capture_output=True)


def test_every_channel_is_the_inbox_whatever_a_user_has_configured(repository: Path, tmp_path: Path) -> None:
    secrets = repository / "alertmanager" / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "slack_url").write_text("https://slack.example/T/B/secret")
    configuration = render(repository, tmp_path)
    rendered = configuration.alertmanager.parent / "secrets"
    addresses = {path.name: path.read_text().strip() for path in rendered.iterdir()}
    assert addresses["slack_url"] == f"http://127.0.0.1:{PORTS['inbox']}/slack"
    assert not any("secret" in address for address in addresses.values())


def test_jobs_of_services_that_the_demo_lacks_are_left_out_and_named(
    repository: Path, tmp_path: Path
) -> None:
    path = repository / "prometheus" / "prometheus.yml"
    configuration = yaml.safe_load(path.read_text())
    kept = list(configuration["scrape_configs"])
    foreign = {"job_name": "jaeger", "static_configs": [{"targets": ["jaeger:14269"]}]}
    remote = {"job_name": "far", "static_configs": [{"targets": ["far.example.net:1"]}]}
    path.write_text(yaml.safe_dump({**configuration, "scrape_configs": [*kept, foreign, remote]}))
    rendered = render(repository, tmp_path)
    assert rendered.left_out == [*NOT_IN_THE_DEMO, "jaeger"]
    names = [job["job_name"] for job in yaml.safe_load(rendered.prometheus.read_text())["scrape_configs"]]
    ours = [job["job_name"] for job in kept if job["job_name"] not in NOT_IN_THE_DEMO]
    assert names == [*ours, "far"]


def test_jaeger_is_scraped_and_gets_addresses_of_its_own_where_it_runs(
    repository: Path, tmp_path: Path
) -> None:
    ports = {**PORTS, **{service: 21_001 + place for place, service in enumerate(JAEGER_PORTS)}}
    configuration = render_configuration(repository, tmp_path / "rendered", ports)
    assert not {"jaeger", "jaeger-spanmetrics"} & set(configuration.left_out)
    prometheus = configuration.prometheus.read_text()
    assert f"127.0.0.1:{ports['jaeger-metrics']}" in prometheus
    assert f"127.0.0.1:{ports['jaeger-spanmetrics']}" in prometheus
    main, own = configuration.jaeger
    assert f"http://127.0.0.1:{ports['prometheus']}" in main.read_text()
    original = yaml.safe_load((repository / "jaeger" / "config.yml").read_text())
    differences = yaml.safe_load(own.read_text())
    assert paths(differences) <= paths(original), "it changes nothing that is not there"
    listening = {text for text in leaves(original) if re.search(r"^[\d.]+:\d+$", str(text))}
    moved = {text for text in leaves(differences) if re.search(r"^127\.0\.0\.1:\d+$", str(text))}
    assert len(moved) == len(listening)
    assert str(tmp_path / "jaeger" / "keys") in leaves(differences)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, list) else [value]


def paths(value: Any) -> set[tuple[str, ...]]:
    """Return the way to everything in `value` that is no map."""
    if not isinstance(value, dict):
        return {()}
    return {(name, *path) for name, part in value.items() for path in paths(part)}
