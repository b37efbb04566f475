"""What the story asks the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class InboxApi:
    """The inbox's HTTP API; every method raises httpx.HTTPError."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=10, trust_env=False)

    def read_last_id(self) -> int:
        """Return the id of the newest notification, 0 when there is none."""
        newest = self._list(limit=1)
        return int(newest[-1]["id"]) if newest else 0

    def has_arrived(self, channel: str, status: str, alert: str, since: int, severity: str = "") -> bool:
        """Tell whether a notification about `alert` with this status (and severity, if given) came by
        `channel` after id `since`.
        """
        return any(
            record["status"] == status
            and alert in _name_alerts(record)
            and severity in ("", record["severity"])
            for record in self._list(channel=channel, since=since)
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _list(self, **parameters: str | int) -> list[dict[str, Any]]:
        answer = self._client.get("/api/notifications", params=parameters).raise_for_status()
        records: list[dict[str, Any]] = answer.json()
        return records


def _name_alerts(record: Mapping[str, Any]) -> set[str]:
    return {alert["name"] for alert in record["alerts"]}
