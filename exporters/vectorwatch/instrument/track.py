"""Everything an application can record: `with track.llm_call(model="…")`, `track.hyde_cache(hit=True)`.

A domain is imported when one of its names is first used; until then its metrics do not exist.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domains.hyde import hyde_cache as hyde_cache
    from .domains.hyde import hyde_generation as hyde_generation

HOMES = {
    "hyde_cache": "hyde",
    "hyde_generation": "hyde",
}
"""By name: the domain that defines it."""


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"track has no `{name}`; it has {', '.join(sorted(HOMES))}")
    found = getattr(import_module(f"{__package__}.domains.{HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(HOMES)
