from __future__ import annotations

from pathlib import Path

import pytest

from tests.smoke.images.base_system import BaseSystemError, read_python
from tests.smoke.images.dockerfile import find_bases

_TEXT = """\
# FROM comment:1
FROM --platform=linux/amd64 python:3.9.1-slim AS python
FROM python AS build
from debian:13 as tools
FROM scratch
FROM python
"""


def test_bases_are_the_images_that_are_no_earlier_stage() -> None:
    assert find_bases(_TEXT) == ["python:3.9.1-slim", "debian:13"]


def test_our_own_image_is_built_on_a_python_that_has_a_stand_in() -> None:
    text = (Path(__file__).parents[3] / "exporters" / "Dockerfile").read_text(encoding="utf-8")
    pythons = [read_python(base) for base in find_bases(text)]
    assert len(pythons) == 1
    assert pythons[0].startswith("python3.")


def test_a_base_without_a_stand_in_is_named() -> None:
    with pytest.raises(BaseSystemError, match="alpine:3"):
        read_python("alpine:3")
