"""Answers of single NVML calls."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from vectorwatch.gpu.getters import IDENTITY, PCIE_SAMPLES, READINGS, memory_bytes, number, ratio
from vectorwatch.gpu.snapshot import Card


@pytest.mark.parametrize("value", [0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF])
def test_all_bits_set_means_not_available(value: int) -> None:
    assert number(value) is None


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 0), (100, 1), (7, 0.07), (101, None), (2**32 - 1, None)]
)
def test_a_percentage_that_cannot_be_one_is_left_out(percent: int, expected: float | None) -> None:
    assert ratio(percent) == expected


def test_version_1_of_memory_has_no_reserve() -> None:
    answer = SimpleNamespace(total=10, free=4, used=6)
    assert memory_bytes(answer)["memory_reserved_bytes"] is None


@pytest.mark.parametrize("getter", [*IDENTITY, *READINGS, *PCIE_SAMPLES], ids=lambda g: g.alternatives[0][0])
def test_every_call_is_one_of_pynvml(getter: Any) -> None:
    assert [name for name, _ in getter.alternatives if not hasattr(pynvml, name)] == []


def test_no_attribute_is_filled_twice() -> None:
    anything: Any = SimpleNamespace(
        gpu=1, memory=1, total=1, used=1, free=1, reserved=1, bar1Total=1, bar1Used=1, busId=""
    )
    filled: list[str] = []
    for getter in (*IDENTITY, *READINGS, *PCIE_SAMPLES):
        for answer in (anything, (1, 1), 1):
            try:
                filled.extend(getter.read(answer))
            except (AttributeError, TypeError):
                continue
            break
    assert len(filled) == len(set(filled))
    assert set(filled) <= {field.name for field in fields(Card)}
