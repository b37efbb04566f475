from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.errors import ConfigError
from vectorwatch.rules.service import render_rules, write_service_levels
from vectorwatch.rules.service_levels import WINDOWS, join_service_levels, read_service_levels

LEVEL = "{summary: It works, component: app, by: [instance], objective: 0.999, window: 30d, bad: 1 - up}"


def problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "levels.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_service_levels(tmp_path / "levels.yml", "levels.yml")
    return list(caught.value.problems)


def test_the_windows_are_those_of_the_workbook() -> None:
    assert {
        window: [(pair.short, pair.long, pair.factor) for pair in (*windows.page, *windows.ticket)]
        for window, windows in WINDOWS.items()
    } == {
        "30d": [("5m", "1h", 14.4), ("30m", "6h", 6), ("2h", "1d", 3), ("6h", "3d", 1)],
        "28d": [("5m", "1h", 13.44), ("30m", "6h", 5.6), ("2h", "1d", 2.8), ("6h", "3d", 0.933)],
        "7d": [("5m", "1h", 13.44), ("30m", "6h", 3.5), ("2h", "1d", 1.4), ("6h", "3d", 0.98)],
    }


@pytest.mark.parametrize(("objective", "refused"), [(0.93, True), (0.9305, True), (0.931, False)])
def test_an_objective_at_which_an_alert_could_never_fire_is_refused(
    tmp_path: Path, objective: float, refused: bool
) -> None:
    text = f"level: {LEVEL}".replace("0.999", str(objective))
    if not refused:
        (tmp_path / "levels.yml").write_text(text, encoding="utf-8")
        assert read_service_levels(tmp_path / "levels.yml", "x")["level"]
        return
    assert problems(tmp_path, text) == [
        f"levels.yml:1: `level`: with `objective` {objective} the alert for 14.4 times the budget can never"
        " fire: everything failing is not enough; choose one above 0.931, or count in time"
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0.999", "99.9", "`objective` is `99.9`; write a part of 1 like `0.999`"),
        ("0.999", "1", "`objective` is `1`; write a part of 1"),
        ("30d", "90d", "`window` is `90d`; write one of 7d, 28d, 30d"),
        ("bad: 1 - up", "errors: a", "needs either `bad`, or `errors` and `total`"),
        ("bad: 1 - up", "bad: a, errors: b, total: c", "needs either `bad`, or `errors` and `total`"),
        ("bad: 1 - up", "bad: ", "`bad` is nothing; write text"),
        ("[instance]", "instance", "`by` is no list of labels"),
        ("component: app, ", "", "lacks component"),
        ("component", "komponent", "unknown key `komponent`; did you mean `component`?"),
        ("bad:", "minimum: few, bad:", "`minimum` is `few`; write a number of events"),
        ("level:", "Level 1:", "is no name of at most 26 small letters"),
    ],
)
def test_a_mistake_is_a_line_that_says_what_would_be_right(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert words in problems(tmp_path, f"level: {LEVEL}".replace(old, new))[0]


def test_what_is_no_level_is_a_line(tmp_path: Path) -> None:
    assert "`level`: is `high`; write summary, component" in problems(tmp_path, "level: high")[0]


@pytest.fixture
def with_levels(source: Path) -> Path:
    (source / "service-levels.yml").write_text(f"ours: {LEVEL}\nother: {LEVEL}\n", encoding="utf-8")
    text = write_service_levels(source)
    (source / "rules" / "service-levels.yml").write_text(text, encoding="utf-8")
    return source


def test_levels_of_the_users_take_the_place_of_ours(with_levels: Path, tmp_path: Path) -> None:
    mine = with_levels / "service-levels.mine.yml"
    mine.write_text(f"ours: {LEVEL}\nother: null\nown: {LEVEL}\n".replace("0.999", "0.99"), encoding="utf-8")
    list(render_rules(with_levels, tmp_path / "out"))
    text = (tmp_path / "out" / "service-levels.yml").read_text(encoding="utf-8")
    assert "14.4 * 0.01" in text
    assert "14.4 * 0.001" not in text
    assert 'service_level="own"' in text
    assert 'service_level="other"' not in text


def test_a_mistake_in_the_users_levels_leaves_the_rules_as_they_are(
    with_levels: Path, tmp_path: Path
) -> None:
    list(render_rules(with_levels, tmp_path / "out"))
    before = (tmp_path / "out" / "service-levels.yml").read_bytes()
    for mine in ("ours: {objective: 0.9}", "nothing: null", "ours: ["):
        (with_levels / "service-levels.mine.yml").write_text(mine, encoding="utf-8")
        with pytest.raises(ConfigError):
            list(render_rules(with_levels, tmp_path / "out"))
        assert (tmp_path / "out" / "service-levels.yml").read_bytes() == before


def test_leaving_out_what_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="`typo` is left out but not there"):
        join_service_levels({}, {"typo": None})
