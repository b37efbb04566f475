"""The names of `track`: each leads to its domain, and to no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vectorwatch.instrument import track

DOMAINS = sorted(set(track.HOMES.values()))


@pytest.mark.parametrize("name", sorted(track.HOMES))
def test_each_name_is_a_function_or_an_operation_of_its_domain(name: str) -> None:
    found = getattr(track, name)
    assert callable(found)
    assert found.__module__ == f"vectorwatch.instrument.domains.{track.HOMES[name]}"
    assert found.__doc__


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"track has no `llm`; it has .*llm_call"):
        track.llm  # noqa: B018


def test_names_are_imported_for_type_checkers_as_they_are_at_run_time() -> None:
    text = Path(track.__file__).read_text(encoding="utf-8")
    for name, home in track.HOMES.items():
        assert f"    from .domains.{home} import {name} as {name}\n" in text
    assert text.count("    from .domains.") == len(track.HOMES)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_imports_no_other(domain: str) -> None:
    name = next(name for name, home in track.HOMES.items() if home == domain)
    program = (
        "import json, sys; from vectorwatch.instrument import track;"
        "assert not [name for name in sys.modules if '.domains.' in name];"
        f"track.{name};"
        "print(json.dumps([name.rpartition('.')[2] for name in sys.modules if '.domains.' in name]))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert set(json.loads(output)) & set(DOMAINS) == {domain}
