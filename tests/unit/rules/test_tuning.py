from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectorwatch.errors import ConfigError
from vectorwatch.rules.service import render_rules

FILE = "prometheus/thresholds.mine.yml"


@pytest.mark.parametrize(
    ("mine", "line"),
    [
        ("- memory_bytes", "1: expected `key: value` at the top, found a list"),
        ("thresholds: {", "1: is no YAML: "),
        ("treshold: {}", "1: unknown key `treshold`; did you mean `thresholds`?"),
        ("thresholds: [1]", "1: `thresholds` is a list; write `name: number`"),
        (
            "thresholds:\n  memory_byte: 1",
            "2: unknown threshold `memory_byte`; did you mean `memory_bytes`?",
        ),
        (
            "thresholds: {xyz: 1}",
            "1: unknown threshold `xyz`; known are error_ratio, memory_bytes, request_floor",
        ),
        ("thresholds:\n  memory_bytes:", "2: `memory_bytes` is nothing and no number; write it like `100`"),
        ("thresholds: {memory_bytes: 16 GiB}", "1: `memory_bytes` is `16 GiB` and no number"),
        ("thresholds: {memory_bytes: yes}", "1: `memory_bytes` is `true` and no number"),
        ("thresholds: {memory_bytes: .nan}", "1: `memory_bytes` is `nan` and no number"),
        ("thresholds: {memory_bytes: .inf}", "1: `memory_bytes` is `inf` and no number"),
        ("thresholds: {memory_bytes: -1}", "1: `memory_bytes` is negative (-1); the default is 100 bytes"),
        ("thresholds: {error_ratio: 85}", "1: `error_ratio` is 85 and counts 1 as the whole; write `0.85`"),
        (
            "thresholds:\n  memory_bytes: 1\n  memory_bytes: 2",
            "3: `memory_bytes` stands twice; the first is on line 2",
        ),
        ("overrides: {a: b}", "1: `overrides` is a block of keys; write a list like"),
        ("overrides:\n- 1", "2: an override needs exactly threshold, for, value"),
        (
            "overrides:\n- {threshold: memory_bytes, value: 1}",
            "2: an override needs exactly threshold, for, value",
        ),
        (
            "overrides:\n- {threshold: memori_bytes, for: {instance: a}, value: 1}",
            "2: unknown threshold `memori_bytes`; did you mean `memory_bytes`?",
        ),
        (
            "overrides:\n- {threshold: memory_bytes, for: {}, value: 1}",
            "2: `for` names nothing; `memory_bytes` can be overridden by instance, collection",
        ),
        (
            "overrides:\n- {threshold: memory_bytes, for: {job: a}, value: 1}",
            "2: `memory_bytes` cannot be overridden by `job`, only by instance, collection",
        ),
        (
            "overrides:\n- {threshold: memory_bytes, for: {instance: 6333}, value: 1}",
            "2: label `instance` is `6333`; put its value in quotes",
        ),
        (
            "overrides:\n- {threshold: error_ratio, for: {instance: a}, value: 0.1}",
            "2: `error_ratio` can only be set for all, under `thresholds`",
        ),
        (
            "overrides:\n- {threshold: memory_bytes, for: {instance: a}, value: much}",
            "2: `value` of `memory_bytes` is `much` and no number",
        ),
        (
            "overrides:\n"
            "- {threshold: memory_bytes, for: {instance: a}, value: 1}\n"
            "- {threshold: memory_bytes, for: {instance: a}, value: 2}",
            "3: `memory_bytes` is overridden twice for the same",
        ),
        ("alerts: [MemoryHigh]", "1: `alerts` is a list; write `AlertName: {for: 15m}`"),
        ("alerts: {MemoryLow: {for: 1m}}", "1: unknown alert `MemoryLow`; did you mean `MemoryHigh`?"),
        ("alerts: {MemoryHigh: {}}", "1: `MemoryHigh` says nothing; known are enabled, because, severity"),
        ("alerts: {MemoryHigh: {form: 1m}}", "1: unknown key `form` of MemoryHigh; did you mean `for`?"),
        ("alerts: {MemoryHigh: {for: 15}}", "1: `for` of MemoryHigh is `15`; write a duration like `15m`"),
        (
            "alerts: {MemoryHigh: {for: 5 min}}",
            "1: `for` of MemoryHigh is `5 min`; write a duration like `15m`",
        ),
        (
            "alerts: {MemoryHigh: {severity: high}}",
            "1: severity of MemoryHigh is `high`; write one of critical",
        ),
        (
            "alerts: {ErrorsHigh: {severity: info}}",
            "1: ErrorsHigh has several severities (critical, warning); tune",
        ),
        ("alerts: {MemoryHigh: {enabled: 0}}", "1: `enabled` of MemoryHigh is `0`; write `true` or `false`"),
        (
            "alerts: {MemoryHigh: {enabled: false}}",
            '1: MemoryHigh is switched off without a reason; add `because: "…"`',
        ),
        (
            'alerts: {MemoryHigh: {enabled: false, because: ""}}',
            "1: `because` of MemoryHigh is ``; say why in a sentence",
        ),
        ("alerts: {MemoryHigh: {because: so}}", "1: `because` of MemoryHigh stands without `enabled: false`"),
    ],
)
def test_a_mistake_is_one_line_that_says_where_and_what_would_be_right(
    render: Callable[[str], str], mine: str, line: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        render(mine)
    [problem] = caught.value.problems
    assert problem.startswith(f"{FILE}:{line}")
    assert "\n" not in problem
    assert caught.value.exit_code == 2


def test_all_mistakes_are_told_at_once(render: Callable[[str], str]) -> None:
    with pytest.raises(ConfigError) as caught:
        render("thresholds: {a: 1}\noverrides: [{threshold: b, for: {}, value: 1}]\nalerts: {C: {}}\n")
    assert [problem.split("`")[1] for problem in caught.value.problems] == ["a", "b", "C"]


def test_a_file_that_is_not_text_is_one_line(source: Path) -> None:
    (source / "thresholds.mine.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=f"^{FILE}: is not UTF-8; save it so$"):
        list(render_rules(source, source / "out"))
