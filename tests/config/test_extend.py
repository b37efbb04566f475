"""What the page on adding a service, an alert, a dashboard and a receiver says to write does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from vectorwatch.dashboards.tuned import write_tuned
from vectorwatch.rules.service import read_tuned, render_rules

# Test time, and at once instead of after ten seconds.
FAST = {"scrape_interval: 15s": "scrape_interval: 1s", "scrape_timeout: 10s": "scrape_timeout: 1s"} | {
    "evaluation_interval: 15s": "evaluation_interval: 1s"
}
MOST_LINES = 9


@pytest.fixture(scope="module")
def written(repository: Path) -> Mapping[str, list[str]]:
    """Return the blocks of each section."""
    text = (repository / "docs" / "how-to" / "extend.md").read_text(encoding="utf-8")
    sections = re.findall(r"(?s)\n## (.+?)\n(.+?)(?=\n## |\Z)", text)
    return {title: re.findall(r"(?s)```(?:yaml|json)\n(.+?)```", body) for title, body in sections}


@pytest.fixture
def folder(repository: Path, tmp_path: Path, copy: Callable[..., Path], written: Any) -> Path:
    """A copy of prometheus/ with the service and the alert of the page."""
    folder = copy(repository / "prometheus", tmp_path / "prometheus", FAST)
    (folder / "targets" / "app.yml").write_text(written["A service"][0], encoding="utf-8")
    (folder / "rules" / "mine.yml").write_text(written["An alert"][0], encoding="utf-8")
    return folder


def test_each_takes_less_than_ten_lines(written: Mapping[str, list[str]]) -> None:
    assert set(written) == {"A service", "An alert", "A dashboard", "A receiver"}
    for title, blocks in written.items():
        assert 0 < sum(len(block.splitlines()) for block in blocks) <= MOST_LINES, title


def test_the_service_is_scraped_and_its_alert_begins(
    folder: Path,
    start_prometheus: Callable[[Path], Any],
    serve_metrics: Callable[..., Any],
    poll: Callable[..., None],
) -> None:
    page = serve_metrics("billing_jobs_waiting 2000\n")
    targets = folder / "targets" / "app.yml"
    targets.write_text(targets.read_text(encoding="utf-8").replace("billing:8000", page.address))
    prometheus = start_prometheus(folder)
    poll(lambda: prometheus.query("billing_jobs_waiting"), "a sample")
    [(labels, value)] = prometheus.query("billing_jobs_waiting")
    assert (labels["job"], labels["service"], value) == ("app", "billing", 2000)
    pending = 'ALERTS{alertname="BillingBehind", alertstate="pending", service="billing"}'
    poll(lambda: prometheus.query(pending), "the alert to wait for its ten minutes")


def test_the_alert_fires_after_ten_minutes_with_its_words(
    folder: Path, tmp_path: Path, tools: Mapping[str, Path]
) -> None:
    labels = {"instance": "billing:8000", "job": "app", "service": "billing"}
    expected = {
        "exp_labels": labels | {"severity": "warning", "component": "app"},
        "exp_annotations": {
            "summary": "Bills are written late.",
            "description": "2000 jobs wait at billing:8000.",
        },
    }
    series = "billing_jobs_waiting{" + ", ".join(f'{key}="{word}"' for key, word in labels.items()) + "}"
    cases = [
        {"eval_time": "9m", "alertname": "BillingBehind", "exp_alerts": []},
        {"eval_time": "10m", "alertname": "BillingBehind", "exp_alerts": [expected]},
    ]
    test = {
        "rule_files": [str(folder / "rules" / "mine.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": "2000x20"}],
                "alert_rule_test": cases,
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")
    done = subprocess.run(
        [str(tools["promtool"]), "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alert_is_handed_over_by_the_setup(folder: Path, tmp_path: Path) -> None:
    assert "rules: " in "\n".join(render_rules(folder, tmp_path / "out"))
    assert "BillingBehind" in (tmp_path / "out" / "mine.yml").read_text(encoding="utf-8")


def test_the_dashboard_goes_to_grafana_beside_ours_and_asks_what_prometheus_takes(
    repository: Path, tmp_path: Path, written: Mapping[str, list[str]], parse_promql: Callable[[str], Any]
) -> None:
    dashboards = Path(shutil.copytree(repository / "grafana" / "dashboards", tmp_path / "dashboards"))
    [text] = written["A dashboard"]
    (dashboards / "Applications" / "billing.json").write_text(text, encoding="utf-8")
    [said] = write_tuned(dashboards, tmp_path / "out", *read_tuned(repository / "prometheus"))
    assert said.endswith("1 your own")
    assert (tmp_path / "out" / "Applications" / "billing.json").read_text(encoding="utf-8") == text
    [panel] = json.loads(text)["panels"]
    sources = yaml.safe_load(
        (repository / "grafana/provisioning/datasources/datasources.yml").read_text(encoding="utf-8")
    )["datasources"]
    assert panel["datasource"]["uid"] in {source["uid"] for source in sources}
    assert parse_promql(panel["targets"][0]["expr"])["name"] == "billing_jobs_waiting"


def test_the_receiver_gets_what_is_for_it_and_the_others_are_told_as_before(
    repository: Path,
    tmp_path: Path,
    written: Mapping[str, list[str]],
    tools: Mapping[str, Path],
    copy: Callable[..., Path],
    sinks: Any,
    free_port: Callable[[], int],
    start_program: Callable[..., Any],
    poll: Callable[..., None],
) -> None:
    addresses = {"inbox:9446": f"127.0.0.1:{sinks.http_port}", "inbox:1025": f"127.0.0.1:{sinks.smtp_port}"}
    folder = copy(repository / "alertmanager", tmp_path / "alertmanager", addresses)
    (folder / "secrets").mkdir()
    subprocess.run([str(repository / "scripts" / "default-receivers"), str(folder)], check=True)
    (folder / "secrets" / "billing_url").write_text(f"http://127.0.0.1:{sinks.http_port}/billing")
    route, receiver = written["A receiver"]
    path = folder / "alertmanager.yml"
    text, teams = re.subn(r"(?m)(^    # ── Teams(?:.*\n    #)*.*\n)", rf"\1{route}", path.read_text())
    text, ends = re.subn(
        r"\n\n(?=# [^\n]+\n(?:# [^\n]+\n)*inhibit_rules:)", lambda _: f"\n\n{receiver}\n", text
    )
    assert (teams, ends) == (1, 1), "the places that the page names are not there"
    path.write_text(text, encoding="utf-8")

    url = f"http://127.0.0.1:{free_port()}"
    argv = [
        *("env", f"--chdir={folder}", str(tools["alertmanager"]), "--config.file=alertmanager.yml"),
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    start_program(argv, ready_url=f"{url}/-/ready")
    now = datetime.now(UTC)
    alerts = [
        {
            "labels": {"alertname": "BillingBehind", "severity": "warning", "service": service},
            "startsAt": (now - timedelta(hours=1)).isoformat(),
            "endsAt": (now + timedelta(minutes=5)).isoformat(),
        }
        for service in ("billing", "shop")
    ]
    httpx.post(f"{url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()

    def told(path: str) -> set[str]:
        # In one message or in two: the first alert of a group may go out before the second has come.
        return {alert["labels"]["service"] for body in sinks.posts_to(path) for alert in body["alerts"]}

    poll(lambda: told("/webhook") == {"billing", "shop"} and bool(sinks.attachments()), "the others are told")
    poll(lambda: told("/billing") == {"billing"}, "the receiver is told")
