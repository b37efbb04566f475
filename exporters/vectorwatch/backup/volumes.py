"""Which volumes of Docker a restore fills, from what Compose says of the project."""

from __future__ import annotations

import json
from collections.abc import Mapping

from vectorwatch.errors import VectorwatchError

_RESTORED_THROUGH_ITS_API = "elasticsearch_data"


def find_filled_by_restore(config: bytes) -> Mapping[str, str]:
    """Return names in Docker by the names in docker-compose.yml. Raises VectorwatchError."""
    try:
        project = json.loads(config)
        mounts = project["services"]["restore"]["volumes"]
        names = [mount["source"] for mount in mounts if mount["type"] == "volume"]
        return {name: project["volumes"][name]["name"] for name in (*names, _RESTORED_THROUGH_ITS_API)}
    except (ValueError, KeyError, TypeError) as error:
        raise VectorwatchError(f"restore: `docker compose config` says nothing usable: {error}") from error
