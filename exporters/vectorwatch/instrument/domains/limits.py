"""How many values the labels of the domains may take; one limit serves all metrics with that label.

`instrument` reads them at the start; without it, the first use of `track` does. A metric has as many series
as the product of its labels' limits at most; each of several workers admits first values of its own.
"""

from __future__ import annotations

import os

from vectorwatch.instrument.errors import SetupError
from vectorwatch.instrument.labels import AtMost, at_most, one_of

PREFIX = "VECTORWATCH_INSTRUMENT_MAX_"
DEFAULTS = {
    "TENANTS": (200, "Values of `tenant_id`."),
    "AGENTS": (200, "Values of `agent_id`, and of `agent_name`."),
    "MODELS": (50, "Values of `model`, and of `model_name`."),
    "MODES": (20, "Values of `mode`."),
    "COLLECTIONS": (100, "Values of `collection`."),
    "OPERATIONS": (50, "Values of `operation`."),
    "ERROR_TYPES": (50, "Values of `error_type`."),
    "NAMES": (100, "Values of each other label that the application chooses: tools, features, events, …"),
    "USERS": (100_000, "Users that `track.active_user` tells apart in a day."),
}
"""What an environment variable of that name after the prefix sets: its default and its meaning."""


def read_limit(what: str) -> int:
    """Return the limit that the environment sets; raise SetupError, one line, for no number above 0."""
    default, name = DEFAULTS[what][0], PREFIX + what
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise SetupError(f"{name}={text}: a whole number above 0 is wanted, such as {default}")
    return int(text)


# Tenants and agents are organisations and programs, not persons, and many are named by UUIDs.
TENANTS = at_most(read_limit("TENANTS"), uuids=True)
AGENTS = at_most(read_limit("AGENTS"), uuids=True)
AGENT_NAMES = at_most(AGENTS.count)
MODELS = at_most(read_limit("MODELS"))
MODES = at_most(read_limit("MODES"))
COLLECTIONS = at_most(read_limit("COLLECTIONS"))
OPERATIONS = at_most(read_limit("OPERATIONS"))
ERROR_TYPES = at_most(read_limit("ERROR_TYPES"))
STATUSES = one_of("success", "error", "cancelled")
_MOST_NAMES = read_limit("NAMES")


def names() -> AtMost:
    """Return a limit of its own for a label that one domain has."""
    return at_most(_MOST_NAMES)
