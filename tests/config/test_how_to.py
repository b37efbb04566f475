"""What the how-to pages tell users to write is taken by the programs that read it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from .compose import Render


def blocks(repository: Path, page: str) -> list[str]:
    text = (repository / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)


def check(*command: str | Path) -> None:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def prometheus(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repository / "prometheus", tmp_path / "prometheus"))


def test_target_lists_and_jobs_in_the_text_are_valid(
    repository: Path, prometheus: Path, tools: Mapping[str, Path]
) -> None:
    seen = set()
    for number, block in enumerate(blocks(repository, "add-targets.md")):
        is_job = "scrape_configs" in yaml.safe_load(block)
        seen.add(is_job)
        place = prometheus / "jobs" / f"{number}.yml" if is_job else prometheus / "targets" / "qdrant.yml"
        place.write_text(block, encoding="utf-8")
        (prometheus / "secrets" / "qdrant_read_only_key").write_text("key", encoding="utf-8")
        check(tools["promtool"], "check", "config", prometheus / "prometheus.yml")
    assert seen == {True, False}


def test_the_blocks_of_mail_server_and_pager_replace_ours_line_by_line(
    repository: Path, tmp_path: Path, tools: Mapping[str, Path]
) -> None:
    folder = Path(shutil.copytree(repository / "alertmanager", tmp_path / "alertmanager"))
    text = (folder / "alertmanager.yml").read_text(encoding="utf-8")
    ours = re.findall(r"── your (?:pager|mail server)[^\n]+\n(.+?) +# ──", text, re.DOTALL)
    mail_and_pager = [*reversed(ours)]  # the page begins with mail
    for place, block in zip(mail_and_pager, blocks(repository, "slack-and-email.md"), strict=True):
        assert set(yaml.safe_load(place)) == set(yaml.safe_load(block))
        text = text.replace(place, block)
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    check(tools["amtool"], "check-config", folder / "alertmanager.yml")


def test_the_override_files_in_the_text_are_taken_by_compose(
    repository: Path, tmp_path: Path, render: Render
) -> None:
    users_own, with_key, without_cadvisor, without_limits = blocks(repository, "configure.md")
    external = next(iter(yaml.safe_load(users_own)["networks"]))
    assert external in {network["name"] for network in render()["networks"].values()}
    for number, block in enumerate((with_key, without_cadvisor, without_limits)):
        (tmp_path / f"{number}.yml").write_text(block, encoding="utf-8")
    services = render(("*",), tmp_path / "0.yml")["services"]
    for name, variable in (("qdrant-exporter", "QDRANT"), ("hnsw-probe", "HNSW")):
        assert f"VECTORWATCH_{variable}_API_KEY_FILE" in services[name]["environment"]
        assert f"VECTORWATCH_{variable}_TARGETS_FILE" in services[name]["environment"]
        assert "/keys" in {mount["target"] for mount in services[name]["volumes"]}
    services = render(("*",), tmp_path / "1.yml")["services"]
    assert render()["services"].keys() - services.keys() == {"cadvisor", "docker-socket"}
    elasticsearch = render(("*",), tmp_path / "2.yml")["services"]["elasticsearch"]
    assert "ulimits" not in elasticsearch
    assert elasticsearch["environment"]["bootstrap.memory_lock"] == "false"
    assert elasticsearch["environment"]["xpack.security.enabled"] == "true"


def test_every_list_of_targets_is_named_on_its_page(repository: Path) -> None:
    page = (repository / "docs" / "how-to" / "add-targets.md").read_text(encoding="utf-8")
    for path in (repository / "prometheus" / "targets").glob("*.yml"):
        assert f"`{path.name}`" in page


def test_commands_name_the_tools_where_the_demo_puts_them(repository: Path) -> None:
    commands = [
        (page.name, line)
        for page in [
            repository / "README.md",
            repository / "CONTRIBUTING.md",
            *(repository / "docs").rglob("*.md"),
        ]
        for block in re.findall(r"(?ms)^```sh\n(.+?)^```", page.read_text(encoding="utf-8"))
        for line in block.splitlines()
    ]
    assert commands
    assert [
        one
        for one in commands
        if re.search(r"(?<!\.tools/bin/)(?<!exec alertmanager )\b(am|prom)tool\b", one[1])
    ] == []


def test_an_exporter_run_by_hand_is_given_a_list_that_exists(repository: Path) -> None:
    page = (repository / "docs" / "how-to" / "add-targets.md").read_text(encoding="utf-8")
    [(room, path)] = re.findall(
        r"(?m)^VECTORWATCH_(\w+)_TARGETS_FILE=(\S+) \.venv/bin/vectorwatch exporter", page
    )
    assert (repository / path).is_file()
    assert Path(path).stem == room.lower()


def test_what_the_cache_page_says_is_dropped_is_dropped(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "dragonfly.md").read_text(encoding="utf-8")
    config = yaml.safe_load((repository / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "dragonfly"]
    dropped = [rule["regex"] for rule in job["metric_relabel_configs"] if rule["action"] == "drop"]
    said = re.search(r"(?s)`(\w+_hits_total)` and `(\w+_misses_total)`.+drops the series with `db`", page)
    assert said
    for name in said.groups():
        assert any(re.fullmatch(regex, f"{name};db0") for regex in dropped)


def test_every_setting_on_the_pages_exists(repository: Path) -> None:
    settings = (repository / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    for path in (repository / "docs" / "how-to").glob("*.md"):
        for name in re.findall(r"`(VECTORWATCH_\w+)`", path.read_text(encoding="utf-8")):
            assert f"`{name}`" in settings, f"{path.name}: {name}"
