"""A real Prometheus with the repository's own configuration: what it scrapes and what becomes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

# Test time: everything that the configuration does every 15 s happens every second.
FAST = {"scrape_interval: 15s": "scrape_interval: 1s", "scrape_timeout: 10s": "scrape_timeout: 1s"} | {
    "evaluation_interval: 15s": "evaluation_interval: 1s"
}


@pytest.fixture
def folder(repository: Path, tmp_path: Path, copy: Callable[..., Path]) -> Path:
    return copy(repository / "prometheus", tmp_path / "prometheus", FAST)


def write_targets(folder: Path, name: str, *groups: dict[str, Any]) -> None:
    """Replace a list as an editor does: write beside it, then rename."""
    scratch = folder / "targets" / f".{name}.new"
    scratch.write_text(yaml.safe_dump(list(groups)), encoding="utf-8")
    scratch.replace(folder / "targets" / f"{name}.yml")


def test_every_listed_server_has_one_instance_in_both_of_its_jobs(
    folder: Path, start_prometheus: Callable[[Path], Any], poll: Callable[..., None]
) -> None:
    write_targets(
        folder, "qdrant", {"targets": ["qdrant:6333"]}, {"targets": ["https://q.example.net:6333/"]}
    )
    write_targets(
        folder,
        "dragonfly",
        {"targets": ["dragonfly:6379"]},
        {"targets": ["rediss://d.example.net:6379"]},
        {"targets": ["valkey:6379"], "labels": {"__native_metrics__": "no"}},
    )
    expected = {
        ("prometheus", "prometheus:9090", "http://prometheus:9090/metrics"),
        ("alertmanager", "alertmanager:9093", "http://alertmanager:9093/metrics"),
        ("inbox", "inbox:9446", "http://inbox:9446/metrics"),
        ("status", "status:9448", "http://status:9448/metrics"),
        ("benchmark", "benchmark:9449", "http://benchmark:9449/metrics"),
        ("grafana", "grafana:3000", "http://grafana:3000/metrics"),
        ("jaeger", "jaeger:8888", "http://jaeger:8888/metrics"),
        ("jaeger-spanmetrics", "jaeger:8889", "http://jaeger:8889/metrics"),
        ("node-exporter", "node-exporter:9100", "http://node-exporter:9100/metrics"),
        ("cadvisor", "cadvisor:8080", "http://cadvisor:8080/metrics"),
        ("blackbox-exporter", "blackbox-exporter:9115", "http://blackbox-exporter:9115/metrics"),
        # The servers' own metrics …
        ("qdrant", "qdrant:6333", "http://qdrant:6333/metrics"),
        ("qdrant", "q.example.net:6333", "https://q.example.net:6333/metrics"),
        ("dragonfly", "dragonfly:6379", "http://dragonfly:6379/metrics"),
        ("dragonfly", "d.example.net:6379", "https://d.example.net:6379/metrics"),
        # … and what the exporters read of them, beside the exporters' own process.
        *both("qdrant-exporter:9441", "qdrant:6333", "https://q.example.net:6333/"),
        *both("dragonfly-exporter:9442", "dragonfly:6379", "rediss://d.example.net:6379", "valkey:6379"),
        *both("hnsw-probe:9443", "qdrant:6333", "https://q.example.net:6333/"),
    }
    prometheus = start_prometheus(folder)
    poll(lambda: len(prometheus.targets()) >= len(expected), "every target known")
    assert prometheus.targets() == expected


def both(exporter: str, *servers: str) -> set[tuple[str, str, str]]:
    job = exporter.partition(":")[0]
    targets = {(job, exporter, f"http://{exporter}/metrics?first_target=no")}
    for server in servers:
        instance = re.sub(r"^\w+://|/$", "", server)
        targets.add((job, instance, str(httpx.URL(f"http://{exporter}/probe", params={"target": server}))))
    return targets


def test_the_servers_of_a_profile_are_known_as_long_as_they_are_on_its_list(
    folder: Path, repository: Path, start_prometheus: Callable[[Path], Any], poll: Callable[..., None]
) -> None:
    prometheus = start_prometheus(folder)
    stack = {
        "prometheus",
        "alertmanager",
        "inbox",
        "status",
        "benchmark",
        "grafana",
        "qdrant-exporter",
        "dragonfly-exporter",
        "hnsw-probe",
    }
    stack |= {"node-exporter", "cadvisor", "blackbox-exporter", "jaeger", "jaeger-spanmetrics"}

    def jobs() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for job, instance, _ in prometheus.targets():
            found.setdefault(job, set()).add(instance)
        return found

    poll(lambda: jobs().keys() == stack, "a fresh stack has only itself to watch")
    for path in (repository / "prometheus" / "profiles").rglob("*.yml"):
        shutil.copy(path, folder / "targets" / "profiles")
    poll(
        lambda: (
            jobs().keys()
            == stack
            | {"qdrant", "dragonfly", "gpu-exporter", "app", "logs-exporter", "elasticsearch-exporter"}
        ),
        "the profiles' servers",
    )
    assert jobs()["hnsw-probe"] == {"hnsw-probe:9443", "qdrant:6333"}
    assert jobs()["dragonfly-exporter"] == {"dragonfly-exporter:9442", "dragonfly:6379"}
    assert jobs()["gpu-exporter"] == {"gpu-exporter:9445"}
    assert jobs()["app"] == {"demo-app:8000"}
    assert jobs()["logs-exporter"] == {"logs-exporter:9447"}
    assert jobs()["elasticsearch-exporter"] == {"elasticsearch-exporter:9114"}
    for path in (folder / "targets" / "profiles").glob("*.yml"):
        path.unlink()
    poll(lambda: jobs().keys() == stack, "only itself again")


def test_addresses_are_tried_from_outside_in_the_way_that_their_list_names(
    folder: Path, start_prometheus: Callable[[Path], Any], poll: Callable[..., None]
) -> None:
    write_targets(
        folder,
        "blackbox",
        {"targets": ["https://search.example.net/health"]},
        {"targets": ["q.example.net:6334"], "labels": {"module": "tcp_connect"}},
    )
    prometheus = start_prometheus(folder)

    def tried() -> set[tuple[str, str]]:
        return {(instance, url) for job, instance, url in prometheus.targets() if job == "blackbox"}

    poll(lambda: len(tried()) == 2, "both addresses")
    exporter = "http://blackbox-exporter:9115/probe"
    assert tried() == {
        (target, str(httpx.URL(exporter, params={"module": module, "target": target})))
        for target, module in (
            ("https://search.example.net/health", "http_2xx"),
            ("q.example.net:6334", "tcp_connect"),
        )
    }


def test_a_target_added_while_it_runs_is_scraped_without_a_restart(
    folder: Path,
    start_prometheus: Callable[[Path], Any],
    serve_metrics: Callable[[str], Any],
    poll: Callable[..., None],
) -> None:
    app, mcp_server = serve_metrics("app_requests_total 7\n"), serve_metrics("mcp_calls_total 3\n")
    prometheus = start_prometheus(folder)
    assert prometheus.query("app_requests_total") == []
    write_targets(folder, "app", {"targets": [app.address], "labels": {"team": "search"}})
    write_targets(folder, "mcp-server", {"targets": [mcp_server.address]})
    poll(lambda: bool(prometheus.query("app_requests_total")), "the application scraped")
    poll(lambda: bool(prometheus.query("mcp_calls_total")), "the MCP server scraped")
    labels, value = prometheus.query("app_requests_total")[0]
    assert (labels["job"], labels["team"], value) == ("app", "search", 7)
    assert set(mcp_server.paths) == {"/health/metrics"}


def test_a_broken_list_loses_no_target(
    folder: Path,
    start_prometheus: Callable[[Path], Any],
    serve_metrics: Callable[[str], Any],
    poll: Callable[..., None],
) -> None:
    app, added = serve_metrics("app_requests_total 7\n"), serve_metrics("mcp_calls_total 3\n")
    write_targets(folder, "app", {"targets": [app.address]})
    prometheus = start_prometheus(folder)
    poll(lambda: bool(prometheus.query('up{job="app"} == 1')), "the application scraped")
    (folder / "targets" / "app.yml").write_text("- targets: [", encoding="utf-8")
    write_targets(folder, "mcp-server", {"targets": [added.address]})
    poll(lambda: bool(prometheus.query('up{job="mcp-server"} == 1')), "the other list still watched")
    assert prometheus.query('up{job="app"} == 1')


def test_a_job_of_the_users_own_is_read_from_jobs_and_can_be_one_with_ours(
    folder: Path,
    start_prometheus: Callable[[Path], Any],
    serve_metrics: Callable[[str], Any],
    poll: Callable[..., None],
) -> None:
    page = serve_metrics("memory_resident_bytes 1\n")
    job = {
        "job_name": "qdrant-with-key",
        "authorization": {"credentials_file": "../secrets/qdrant_read_only_key"},
        "static_configs": [{"targets": [page.address]}],
        "relabel_configs": [{"target_label": "job", "replacement": "qdrant"}],
    }
    (folder / "secrets").mkdir()
    (folder / "secrets" / "qdrant_read_only_key").write_text("k3y\n", encoding="utf-8")
    (folder / "jobs" / "mine.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}), encoding="utf-8")
    prometheus = start_prometheus(folder)
    poll(lambda: bool(prometheus.query('qdrant_memory_usage_bytes{job="qdrant"}')), "our rules see it")
    assert set(page.authorizations) == {"Bearer k3y"}


def test_native_names_have_one_form_and_no_value_counts_twice(
    folder: Path,
    start_prometheus: Callable[[Path], Any],
    serve_metrics: Callable[[str], Any],
    poll: Callable[..., None],
) -> None:
    plain = serve_metrics("collections_total 3\n")
    prefixed = serve_metrics("qdrant_collections_total 4\nqdrant_app_info 1\n")
    dragonfly = serve_metrics(
        "dragonfly_keyspace_hits_total 30\n"
        "dragonfly_keyspace_misses_total 12\n"
        'dragonfly_db_keys{db="db0"} 5\n'
        'dragonfly_keyspace_hits_total{db="db0"} 20\n'
        'dragonfly_keyspace_hits_total{db="db1"} 10\n'
        'dragonfly_keyspace_misses_total{db="db0"} 12\n'
    )
    write_targets(folder, "qdrant", {"targets": [plain.address, prefixed.address]})
    write_targets(folder, "dragonfly", {"targets": [dragonfly.address]})
    prometheus = start_prometheus(folder)
    poll(lambda: len(prometheus.query("collections_total")) == 2, "both Qdrant servers scraped")
    poll(lambda: bool(prometheus.query("dragonfly_db_keys")), "Dragonfly scraped")
    assert {row[1] for row in prometheus.query("collections_total")} == {3, 4}
    assert prometheus.query('{__name__=~"qdrant_.+", job="qdrant"}') == []
    assert prometheus.query("sum(dragonfly_keyspace_hits_total)")[0][1] == 30
    assert prometheus.query("sum(dragonfly_keyspace_misses_total)")[0][1] == 12


def test_the_examples_are_lists_that_prometheus_takes(
    folder: Path, start_prometheus: Callable[[Path], Any], poll: Callable[..., None]
) -> None:
    examples = sorted((folder / "targets" / "examples").glob("*.yml"))
    assert [path.name for path in examples] == sorted(
        path.name for path in (folder / "targets").glob("*.yml")
    )
    listed, native = set(), set()
    for path in examples:
        shutil.copy(path, folder / "targets" / path.name)
        for group in yaml.safe_load(path.read_text(encoding="utf-8")):
            servers = {re.sub(r"^\w+://", "", target) for target in group["targets"]}
            listed |= servers
            native |= servers if "__native_metrics__" not in group.get("labels", {}) else set()
    prometheus = start_prometheus(folder)

    def known() -> set[str]:
        return {re.sub(r"^\w+://", "", instance) for _, instance, _ in prometheus.targets()}

    poll(lambda: listed <= known(), f"all of {listed}")
    own = {instance for job, instance, _ in prometheus.targets() if job in ("qdrant", "dragonfly")}
    assert own == {server for server in native if server.endswith((":6333", ":6379"))}


def test_a_list_without_targets_is_valid_and_so_is_one_with_its_example_uncommented(
    folder: Path,
    tools: Mapping[str, Path],
    start_prometheus: Callable[[Path], Any],
    poll: Callable[..., None],
) -> None:
    lists = list((folder / "targets").glob("*.yml"))
    assert not any(yaml.safe_load(path.read_bytes()) for path in lists)
    promtool = [str(tools["promtool"]), "check", "config", str(folder / "prometheus.yml")]
    subprocess.run(promtool, check=True, capture_output=True)
    prometheus = start_prometheus(folder)
    poll(lambda: bool(prometheus.targets()), "targets known")
    assert prometheus.query("sum(prometheus_sd_file_read_errors_total) > 0") == []

    examples = set()
    # The other lists feed several jobs or are asked through an exporter.
    for path in (path for path in lists if path.stem in ("app", "node", "mcp-server")):
        text = path.read_text(encoding="utf-8")
        uncommented, count = re.subn(r"(?m)^# (?=- targets: )", "", text)
        assert count == 1, path.name
        # … and a further line appended, as users do.
        path.write_text(f"{uncommented}- targets: [more-{path.stem}.example.net:1]\n", encoding="utf-8")
        groups = yaml.safe_load(path.read_bytes())
        examples |= {
            (path.stem.replace("node", "node-exporter"), one) for g in groups for one in g["targets"]
        }
    subprocess.run(promtool, check=True, capture_output=True)
    assert len(examples) == 6
    poll(lambda: examples <= {target[:2] for target in prometheus.targets()}, f"all of {examples}")


def test_every_list_takes_a_line_at_its_end(repository: Path) -> None:
    for path in (repository / "prometheus" / "targets").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        before = yaml.safe_load(text) or []
        assert yaml.safe_load(f"{text}- targets: [a:1]\n") == [*before, {"targets": ["a:1"]}], path.name


def test_every_rule_is_loaded_and_evaluates(
    folder: Path,
    start_prometheus: Callable[[Path], Any],
    poll: Callable[..., None],
    rules: list[Any],
) -> None:
    # A group is first evaluated within its interval, and some look back at a week every few minutes only.
    for path in (folder / "rules").glob("*.yml"):
        path.write_text(re.sub(r"interval: \d+[smh]", "interval: 1s", path.read_text()))
    prometheus = start_prometheus(folder)

    def loaded() -> list[dict[str, Any]]:
        return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]

    poll(lambda: all(rule["health"] == "ok" for rule in loaded()), "every rule evaluated")
    assert sorted(rule["name"] for rule in loaded()) == sorted(rule.name for rule in rules)


def test_the_watchdog_fires_and_links_to_a_runbook_that_prometheus_serves(
    folder: Path, start_prometheus: Callable[[Path], Any], poll: Callable[..., None]
) -> None:
    prometheus = start_prometheus(folder)

    def find_watchdog() -> list[dict[str, Any]]:
        return [a for a in prometheus.get("alerts")["alerts"] if a["labels"]["alertname"] == "Watchdog"]

    poll(lambda: bool(find_watchdog()), "the watchdog fires")
    [alert] = find_watchdog()
    path = httpx.URL(alert["annotations"]["runbook_url"]).path
    page = httpx.get(prometheus.url + path, trust_env=False)
    assert page.is_success
    assert page.text.startswith("# Watchdog\n")
