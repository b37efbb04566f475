"""The price table: what a token of each language model costs.

`VECTORWATCH_INSTRUMENT_PRICES` names a file of the form of `prices.yml` beside this module; its models are
added to those, and win. A model must be named exactly as it is called: no price is guessed from a likeness.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import SetupError

VARIABLE = "VECTORWATCH_INSTRUMENT_PRICES"
OURS = Path(__file__).with_name("prices.yml")
_KEYS = {"input", "output", "date", "source"}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars of one token."""

    input: float
    output: float


def load_prices() -> Mapping[str, Price]:
    """Return the price of each model; raise SetupError when a file cannot be read."""
    prices = read_prices(OURS)
    own = os.environ.get(VARIABLE, "").strip()
    return {**prices, **read_prices(Path(own), f"{VARIABLE}: ")} if own else prices


def read_prices(path: Path, prefix: str = "") -> dict[str, Price]:
    """Read one file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SetupError(f"{prefix}{path} cannot be read: {reason}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SetupError(f"{prefix}{path} is not YAML: {reason}") from error
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict):
        raise SetupError(f"{prefix}{path}: `models:` is wanted, with one entry a model")
    return {str(name): _read_price(entry, f"{prefix}{path}: models.{name}") for name, entry in models.items()}


def _read_price(entry: Any, where: str) -> Price:
    if not isinstance(entry, dict) or not _KEYS.issuperset(entry):
        raise SetupError(f"{where}: {{input: …, output: …, date: …, source: …}} is wanted; got {entry!r}")
    return Price(_read_dollars(entry, "input", where), _read_dollars(entry, "output", where))


def _read_dollars(entry: Mapping[str, Any], key: str, where: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise SetupError(f"{where}.{key}: US dollars per million tokens are wanted, 0 or more; got {value!r}")
    return value / 1_000_000
