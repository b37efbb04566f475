"""Field values that fill an attribute of a card as they are."""

from __future__ import annotations

from dataclasses import fields

import pytest

from vectorwatch.gpu.fields import PLAIN_KEYS, FieldValue, plain_values
from vectorwatch.gpu.snapshot import Card


def test_every_attribute_is_one_of_a_card() -> None:
    filled = dict(plain_values({key: FieldValue(1, is_64_bit=True) for key in PLAIN_KEYS}))
    assert set(filled) <= {field.name for field in fields(Card)}
    assert len(filled) == len(PLAIN_KEYS)


def test_milliwatts_and_millijoules_become_base_units() -> None:
    values = {(186, 0): FieldValue(626_260, is_64_bit=False), (83, 0): FieldValue(5_000, is_64_bit=True)}
    assert dict(plain_values(values)) == pytest.approx({"power_instant_watts": 626.26, "energy_joules": 5})


def test_a_field_that_is_missing_fills_nothing() -> None:
    assert dict(plain_values({})) == {}
