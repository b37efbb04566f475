"""Golden events through the pipeline `main`: each becomes the documents that stand beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.logs.pipeline.golden import answer, list_cases, read_event
from tests.logs.pipeline.mapping import find_faults
from tests.logs.pipeline.model import Model


@pytest.mark.parametrize("path", list_cases(), ids=lambda path: path.stem)
def test_a_golden_event_becomes_its_documents(path: Path, main: Model) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    expected = {key: case[key] for key in ("documents", "dropped") if key in case}
    assert answer(case, main) == expected, "`make golden-logs` writes it anew; read the diff"


@pytest.mark.parametrize("path", list_cases(), ids=lambda path: path.stem)
def test_a_golden_document_fits_the_mapping(path: Path, main: Model) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    assert [find_faults(event.fields) for event in main.run(read_event(case))] == [[]] * len(
        case["documents"]
    )


def test_every_noise_and_every_dataset_has_a_golden_event() -> None:
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in list_cases()]
    assert {case["dropped"] for case in cases if "dropped" in case} == {
        *("drop_health_checks", "drop_metrics_scrapes", "drop_empty_lines", "drop_repeated_notifications")
    }
    assert {document["_index"] for case in cases for document in case["documents"]} == {
        f"logs-{dataset}-default" for dataset in ("application", "container", "security", "alerts")
    }
