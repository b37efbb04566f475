"""The reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectorwatch.catalogue import pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_what_the_code_writes(name: str) -> None:
    page = (REFERENCE / name).read_text(encoding="utf-8")
    assert page == pages()[name], "run `make reference` and read the diff"
