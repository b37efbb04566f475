"""How one file of the repository's configuration becomes the demo's: addresses replaced, YAML read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from vectorwatch.demo.ports import DEFAULT_PORTS, HOST, JAEGER_PORTS, name_host
from vectorwatch.errors import VectorwatchError

_SERVICE_OF_ADDRESS = {
    f"{name_host(service)}:{port}": service for service, port in {**DEFAULT_PORTS, **JAEGER_PORTS}.items()
}
_ADDRESS = re.compile(r"(?<![\w.-])(" + "|".join(map(re.escape, _SERVICE_OF_ADDRESS)) + r")(?!\d)")


def replace_addresses(text: str, ports: Mapping[str, int]) -> str:
    """Return `text` with `service:port` of every service in `ports` replaced by where the demo runs it."""

    def replace(found: re.Match[str]) -> str:
        service = _SERVICE_OF_ADDRESS[found[1]]
        return f"{HOST}:{ports[service]}" if service in ports else found[0]

    return _ADDRESS.sub(replace, text)


def parse_yaml(content: bytes, name: str) -> Any:
    """Return what the YAML in file `name` says. Raises VectorwatchError with the line that is wrong."""
    try:
        return yaml.safe_load(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise VectorwatchError(
            f"demo: {name}{line} is no YAML; `make validate-rules` tells what is wrong"
        ) from error
