"""Read an exposition as Prometheus would."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families


def read(base: str, path: str = "/metrics") -> str:
    return httpx.get(base + path, timeout=60, trust_env=False).raise_for_status().text


def values(text: str) -> dict[tuple[str, ...], float]:
    """Return sample values by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def outcome(text: str) -> tuple[float, list[str]]:
    """Return `dragonfly_up` and the reasons that stand at 1."""
    found = values(text)
    reasons = [key[1] for key, value in found.items() if key[0] == "dragonfly_scrape_failed" and value]
    return found["dragonfly_up",], reasons
