"""API keys of the demo's tenants: random at each start, written to a file that only this user can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from vectorwatch.errors import VectorwatchError

TENANTS = ("atlas", "borealis", "cobalt")
_USERS_PER_TENANT = 6
FILE = "keys.json"


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    user: str
    tenant: str


class Keys:
    """The keys, kept as hashes only."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}

    def create(self, folder: Path) -> None:
        """Make new keys and write them to `keys.json`, for the load. Raises VectorwatchError."""
        made = {
            secrets.token_urlsafe(24): Caller(f"{tenant}-{number}", tenant)
            for tenant in TENANTS
            for number in range(_USERS_PER_TENANT)
        }
        scratch = folder / f".{FILE}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # One that was left behind might be open to others.
            scratch.unlink(missing_ok=True)
            scratch.touch(mode=0o600)
            scratch.write_text(json.dumps({"keys": list(made)}))
            # Renamed, so that the load never reads half of it.
            scratch.replace(folder / FILE)
        except OSError as error:
            raise VectorwatchError(
                f"demo-app: cannot write {scratch}: {error.strerror}; set `VECTORWATCH_APP_DATA`"
            ) from error
        self._callers = {_digest(key): caller for key, caller in made.items()}

    def find(self, key: str) -> Caller | None:
        """Return whose key it is, or None."""
        return self._callers.get(_digest(key))

    @property
    def callers(self) -> Sequence[Caller]:
        """Return all who have a key."""
        return tuple(self._callers.values())


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
