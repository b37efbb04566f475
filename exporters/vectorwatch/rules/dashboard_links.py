"""Links from alerts to dashboards: a path in the files of rules, with Grafana's address where they run."""

from __future__ import annotations

import re

from vectorwatch.errors import ConfigError

_ADDRESS = re.compile(r"https?://([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?(/[\w.~%-]+)*/*")
_LINK = re.compile(r"""(?m)^(?P<key> *dashboard_url: *["']?)(?P<path>/.*(?:\n|\Z))""")


def check_address(address: str) -> str:
    """Return Grafana's address without a final slash; empty: there is none. Raises ConfigError."""
    if address and not _ADDRESS.fullmatch(address):
        # What stands before an @ may be a password, and this goes to a log.
        shown = "what holds an @" if "@" in address else f"`{address}`"
        raise ConfigError(
            f"GRAFANA_URL (of its own, or made of PUBLIC_HOST): {shown} is no address of a Grafana;"
            " write `http://host:3000` or `https://host/path`"
        )
    return address.rstrip("/")


def point_links(text: str, address: str) -> str:
    """Put `address` before each path; without one leave the links out, so that no message has a dead one."""
    return _LINK.sub(lambda found: f"{found['key']}{address}{found['path']}" if address else "", text)
