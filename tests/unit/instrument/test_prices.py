"""The price table: ours is whole, a user's own wins, a bad one is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vectorwatch.instrument import SetupError
from vectorwatch.instrument.prices import OURS, VARIABLE, load_prices, read_prices


def test_each_of_our_prices_has_a_date_and_a_source() -> None:
    for name, entry in yaml.safe_load(OURS.read_text(encoding="utf-8"))["models"].items():
        assert entry["date"].isoformat() >= "2025-01-01", name
        assert entry["source"].startswith("https://"), name
        assert 0 < entry["input"] < entry["output"], name


def test_prices_are_dollars_of_one_token(tmp_path: Path) -> None:
    path = tmp_path / "prices.yml"
    path.write_text("models:\n  mine: {input: 2.5, output: 10}\n", encoding="utf-8")
    price = read_prices(path)["mine"]
    assert (price.input, price.output) == pytest.approx((0.0000025, 0.00001))


def test_a_file_of_ones_own_adds_models_and_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.yml"
    path.write_text(
        "models:\n  mine: {input: 1, output: 1}\n  gpt-4o-mini: {input: 0, output: 0}\n", encoding="utf-8"
    )
    monkeypatch.setenv(VARIABLE, str(path))
    prices = load_prices()
    assert prices["mine"].input == pytest.approx(0.000001)
    assert prices["gpt-4o-mini"].output == 0
    assert prices["gpt-4o"].output > 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("models: [", "is not YAML"),
        ("- a", "`models:` is wanted"),
        ("models: {m: 3}", "models.m: {input: …, output: …, date: …, source: …} is wanted; got 3"),
        ("models: {m: {input: 1, output: 1, price: 2}}", "models.m: {input: …"),
        ("models: {m: {input: 1}}", "models.m.output: US dollars per million tokens are wanted"),
        ("models: {m: {input: -1, output: 1}}", "models.m.input: US dollars per million tokens"),
        ("models: {m: {input: .nan, output: 1}}", "models.m.input: US dollars per million tokens"),
        ("models: {m: {input: cheap, output: 1}}", "got 'cheap'"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_file_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, complaint: str
) -> None:
    path = tmp_path / "prices.yml"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(SetupError) as caught:
        load_prices()
    message = str(caught.value)
    assert message.startswith(f"{VARIABLE}: {path}")
    assert complaint in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nowhere/prices.yml")
    with pytest.raises(SetupError, match=r"/nowhere/prices.yml cannot be read: No such file"):
        load_prices()
