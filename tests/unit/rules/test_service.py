from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vectorwatch.errors import ConfigError, VectorwatchError
from vectorwatch.rules.service import render_rules

from .conftest import RULES


@pytest.fixture
def out(source: Path) -> Path:
    """A folder in which rules run already."""
    list(render_rules(source, source / "out"))
    return source / "out"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_a_mistake_leaves_the_rules_that_run_as_they_are(source: Path, out: Path) -> None:
    (source / "rules" / "ours.yml").write_text(RULES.replace("5m", "6m"), encoding="utf-8")
    for mine in ("thresholds: {memory_byte: 1}", "thresholds: {", "alerts: {MemoryHigh: {enabled: false}}"):
        (source / "thresholds.mine.yml").write_text(mine, encoding="utf-8")
        with pytest.raises(ConfigError):
            list(render_rules(source, out))
        assert contents(out) == {"ours.yml": RULES}


def test_what_was_set_is_told(source: Path, out: Path) -> None:
    (source / "thresholds.mine.yml").write_text(
        "thresholds: {memory_bytes: 7, error_ratio: 0.3}\n"
        "overrides: [{threshold: memory_bytes, for: {instance: a}, value: 9}]\n"
        'alerts: {ErrorsHigh: {enabled: false, because: "not ours"}}\n',
        encoding="utf-8",
    )
    assert list(render_rules(source, out)) == [
        "rules: 1 files; yours: 2 thresholds, 1 override, 1 alert",
        "rules: ErrorsHigh is off: not ours",
    ]


def test_files_of_the_users_own_go_the_same_way_and_are_gone_when_deleted(source: Path, out: Path) -> None:
    own = source / "rules" / "mine.yml"
    own.write_bytes(b"groups:\r\n- name: mine\r\n  rules:\r\n  - {alert: Mine, expr: vector(1)}\r\n")
    list(render_rules(source, out))
    assert (out / "mine.yml").read_bytes() == own.read_bytes()
    (source / "thresholds.mine.yml").write_text(
        'alerts: {Mine: {enabled: false, because: "x"}}', encoding="utf-8"
    )
    list(render_rules(source, out))
    assert "alert: Mine" not in (out / "mine.yml").read_text(encoding="utf-8")
    own.unlink()
    (source / "thresholds.mine.yml").unlink()
    list(render_rules(source, out))
    assert contents(out) == {"ours.yml": RULES}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"groups: [", "prometheus/rules/mine.yml:1: is no YAML"),
        (b"\xff", "prometheus/rules/mine.yml:1: is no YAML"),
        (b"", "is no file of rules; write `groups:"),
        (b"groups: [{name: a, rules: [{expr: up}]}]", "is no file of rules; write `groups:"),
        (
            b"groups:\n- name: a\n  rules:\n  - alert: A\n    expr: |\n      up > 1 # threshold: none\n",
            "prometheus/rules/mine.yml: threshold `none` is not in prometheus/thresholds.yml",
        ),
        (
            b"groups:\n- name: a\n  rules:\n  - alert: A\n    expr: |\n      up # threshold: memory_bytes\n",
            "holds 0 numbers instead of one",
        ),
    ],
)
def test_a_file_of_rules_that_prometheus_would_not_start_with_is_refused(
    source: Path, out: Path, content: bytes, words: str
) -> None:
    (source / "rules" / "mine.yml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        list(render_rules(source, out))
    [problem] = caught.value.problems
    assert words in problem
    assert contents(out) == {"ours.yml": RULES}


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ("a: 1", "thresholds.yml:1: `a` needs exactly alert, by, source, unit, value"),
        (
            "a: {value: x, unit: parsec, alert: A, by: instance, source: ''}",
            "`a`: value is `x` and no number",
        ),
    ],
)
def test_a_broken_list_of_thresholds_changes_nothing(
    source: Path, out: Path, thresholds: str, words: str
) -> None:
    (source / "thresholds.yml").write_text(thresholds, encoding="utf-8")
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        list(render_rules(source, out))
    assert contents(out) == {"ours.yml": RULES}


def test_a_missing_list_of_thresholds_changes_nothing(source: Path, out: Path) -> None:
    (source / "thresholds.yml").unlink()
    with pytest.raises(ConfigError, match="threshold `memory_bytes` is not in prometheus"):
        list(render_rules(source, out))
    assert contents(out) == {"ours.yml": RULES}


def test_a_folder_without_rules_is_refused(source: Path, out: Path) -> None:
    (source / "rules" / "ours.yml").unlink()
    with pytest.raises(ConfigError, match="holds no rules; is the checkout complete"):
        list(render_rules(source, out))
    assert contents(out) == {"ours.yml": RULES}


def test_a_place_that_cannot_be_written_is_one_line(source: Path) -> None:
    (source / "taken").write_text("")
    with pytest.raises(VectorwatchError, match=r"^rules: cannot write .+taken: File exists$"):
        list(render_rules(source, source / "taken"))


def test_the_command_says_each_mistake_and_ends_with_two(
    vectorwatch_command: list[str], source: Path, out: Path
) -> None:
    mine = source / "elsewhere.yml"
    mine.write_text("thresholds: {memory_byte: 1, error_ratio: x}", encoding="utf-8")
    arguments = ["--source", source, "--mine", mine, "--out", out]
    done = subprocess.run(
        [*vectorwatch_command, "rules", "render", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{mine}:1: unknown threshold `memory_byte`; did you mean `memory_bytes`?\n"
        f"{mine}:1: `error_ratio` is `x` and no number; write it like `0.05`\n"
    )
    assert contents(out) == {"ours.yml": RULES}
