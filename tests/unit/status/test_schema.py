"""The OpenAPI schema tells the truth, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error


@pytest.fixture
def schema(start_status: Callable[..., str], list_targets: Callable[..., Path]) -> Any:
    # A dead required server, so that 503 is among the answers.
    dead = list_targets("qdrant", "127.0.0.1:9")
    url = start_status("http://127.0.0.1:9", qdrant_targets_file=dead, fresh_seconds=300)
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def test_every_answer_is_as_the_schema_says_whatever_is_asked(schema: Any) -> None:
    codes = set()
    for found in schema.get_all_operations():

        @hypothesis.given(case=found.ok().as_strategy())
        def ask(case: Any) -> None:
            # That 503 is a server's error is what it is there for; 500 would be a defect.
            codes.add(case.call_and_validate(excluded_checks=[not_a_server_error]).status_code)

        ask()
    assert codes == {200, 404, 503}


def test_every_route_for_programs_is_described(schema: Any) -> None:
    assert set(schema.raw_schema["paths"]) == {
        "/healthz",
        "/readyz",
        "/health",
        "/health/detailed",
        "/health/{component}",
        "/history",
    }
