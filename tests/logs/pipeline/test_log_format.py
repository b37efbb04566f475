"""docs/reference/log-format.md: each line that it shows is read as it says."""

from __future__ import annotations

import json
import re

import pytest

from tests.logs.pipeline.mapping import FIELDS, find_faults
from tests.logs.pipeline.model import ROOT, Event, Model

PAGE = (ROOT / "docs" / "reference" / "log-format.md").read_text(encoding="utf-8")
LINES = re.findall(r"```json\n(.*?)\n```", PAGE)


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_page_has_all_that_is_searched_for(line: str, main: Model) -> None:
    (event,) = main.run(
        Event({"@timestamp": "2024-11-28T00:00:00.000Z", "message": line}, {"arrived_by": "tcp"})
    )
    document = event.fields
    assert document["@timestamp"].startswith("2024-11-27T06:14:31.25")
    assert document["log"]["level"] == "warning"
    assert document["message"].startswith("slow")
    assert document["service"]["name"] != "unknown"
    assert ("duration_ms" in line) == ("duration_ms" in document)
    assert ("4bf92f35" in line) == ("trace" in document)
    assert "attributes" not in document
    assert not find_faults(document)


def test_the_page_shows_a_line_of_each_language() -> None:
    assert len(LINES) == 6
    assert all(json.loads(line) for line in LINES)


def test_each_field_that_the_page_names_is_one_of_the_mapping() -> None:
    table = PAGE.partition("## Fields")[2].partition("## Time")[0]
    named = {
        name
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }
    assert named
    assert not named - FIELDS.keys()
