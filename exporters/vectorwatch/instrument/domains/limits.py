"""How many values the labels of the domains may take; one limit serves all metrics with that label.

An environment variable `VECTORWATCH_INSTRUMENT_MAX_<WHAT>` sets each: TENANTS (200), AGENTS (200),
MODELS (50), MODES (20), COLLECTIONS (100), OPERATIONS (50), ERROR_TYPES (50), NAMES (100:
each of tools, features, events, …); and USERS (100,000) how many are told apart in
a day. It is read when the first domain is imported.
"""

from __future__ import annotations

import os

from vectorwatch.instrument.labels import AtMost, at_most, one_of


def read_count(what: str, default: int) -> int:
    """Return the limit that the environment sets; raise ValueError, one line, for no number above 0."""
    name = f"VECTORWATCH_INSTRUMENT_MAX_{what}"
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"{name}={text}: a whole number above 0 is wanted, such as {default}")
    return int(text)


# Tenants and agents are organisations and programs, not persons, and many are named by UUIDs.
TENANTS = at_most(read_count("TENANTS", 200), uuids=True)
AGENTS = at_most(read_count("AGENTS", 200), uuids=True)
AGENT_NAMES = at_most(AGENTS.count)
MODELS = at_most(read_count("MODELS", 50))
MODES = at_most(read_count("MODES", 20))
COLLECTIONS = at_most(read_count("COLLECTIONS", 100))
OPERATIONS = at_most(read_count("OPERATIONS", 50))
ERROR_TYPES = at_most(read_count("ERROR_TYPES", 50))
STATUSES = one_of("success", "error", "cancelled")
_MOST_NAMES = read_count("NAMES", 100)


def names() -> AtMost:
    """Return a limit of its own for a label that one domain has."""
    return at_most(_MOST_NAMES)
