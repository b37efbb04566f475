"""The few questions that the story asks Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Target:
    """One scraped target; `error` is empty while it is up."""

    job: str
    instance: str
    address: str
    health: str
    error: str


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]
    value: float


class PrometheusApi:
    """Prometheus' HTTP API; every method raises httpx.HTTPError."""

    def __init__(self, url: str) -> None:
        # No proxy from the environment: this is loopback.
        self._client = httpx.Client(base_url=url, timeout=10, trust_env=False)

    def list_targets(self) -> list[Target]:
        """Return all active targets."""
        return [
            Target(
                job=target["labels"]["job"],
                instance=target["labels"]["instance"],
                address=httpx.URL(target["scrapeUrl"]).netloc.decode(),
                health=target["health"],
                error=target["lastError"],
            )
            for target in self._get("/api/v1/targets", state="active")["activeTargets"]
        ]

    def query(self, expression: str) -> list[Sample]:
        """Return what `expression` is now."""
        found = self._get("/api/v1/query", query=expression)["result"]
        return [Sample(sample["metric"], float(sample["value"][1])) for sample in found]

    def read_for_seconds(self, alert: str) -> float:
        """Return the longest `for` of the rules of an alert. Raises KeyError when it has none."""
        groups = self._get("/api/v1/rules", type="alert")["groups"]
        seconds = [rule["duration"] for group in groups for rule in group["rules"] if rule["name"] == alert]
        if not seconds:
            raise KeyError(alert)
        return float(max(seconds))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, path: str, **parameters: str) -> Any:
        return self._client.get(path, params=parameters).raise_for_status().json()["data"]
