"""The names of our data streams: `logs-<dataset>-<namespace>`."""

from __future__ import annotations

import re

from vectorwatch.errors import ConfigError

TEMPLATE = "vectorwatch-logs"
"""Also the name of the lifecycle."""
DATASETS = ("application", "container", "security", "alerts", "dead_letter")
PATTERNS = ",".join(f"logs-{dataset}-*" for dataset in DATASETS)
"""All streams of all namespaces, as a path of Elasticsearch's API names them."""


def name_streams(namespace: str) -> tuple[str, ...]:
    """Return the streams of a namespace. Raises ConfigError for one that Elasticsearch refuses."""
    # Elastic's naming scheme of data streams: at most 100 bytes, lower case, none of these, and no hyphen.
    if not re.fullmatch(r"[^-\\/*?\"<>| ,#:A-Z]{1,100}", namespace) or len(namespace.encode()) > 100:
        raise ConfigError(
            f"LOGS_NAMESPACE: `{namespace}` cannot be used; write lower-case letters, digits, dots and"
            " underscores, such as production"
        )
    return tuple(f"logs-{dataset}-{namespace}" for dataset in DATASETS)
