"""The saved objects of a folder of NDJSON files, read and checked before Kibana is asked for anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from vectorwatch.errors import ConfigError

from .saved_objects.addresses import GRAFANA, JAEGER


@dataclass(frozen=True)
class ObjectFile:
    """What a folder holds: the lines as Kibana is given them, and what each of them is."""

    text: str
    titles: Mapping[tuple[str, str], str]
    """By type and id."""


def read_objects(folder: Path, *, grafana: str, jaeger: str) -> ObjectFile:
    """Return the objects of `folder/*.ndjson`, with addresses of Grafana and Jaeger put in.

    Raises ConfigError with a line for each problem.
    """
    addresses = {GRAFANA: check_address("GRAFANA_URL", grafana), JAEGER: check_address("JAEGER_URL", jaeger)}
    paths = sorted(folder.glob("*.ndjson"))
    if not paths:
        raise ConfigError(f"kibana: {folder} holds no *.ndjson; is the checkout complete?")
    problems: list[str] = []
    lines: list[str] = []
    titles: dict[tuple[str, str], str] = {}
    for path in paths:
        for number, line in _read_lines(path):
            place = f"kibana: {path}:{number}"
            try:
                key, title = _identify(line)
            except ValueError as error:
                problems.append(f"{place}: {error}")
                continue
            if key in titles:
                problems.append(f"{place}: {key[0]} {key[1]} stands twice; give one of them an id of its own")
            titles[key] = title
            lines.append(_put_in(addresses, line))
    if problems:
        raise ConfigError(problems)
    return ObjectFile("".join(f"{line}\n" for line in lines), titles)


def check_address(name: str, address: str) -> str:
    """Return an address that can be put into the middle of any text. Raises ConfigError."""
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    # In JSON within JSON a quote or a backslash would end more than the address, in Markdown a parenthesis.
    harmful = not address.isascii() or any(letter in "\"\\'()<>{}|`" or letter <= " " for letter in address)
    more = parsed.userinfo or parsed.query or parsed.fragment
    if harmful or more or parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(
            f"kibana: {name}: {address!r} is no address for people; write it like http://10.0.0.5:80"
        )
    return address.rstrip("/")


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"kibana: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"kibana: {path} is not UTF-8; save it so") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _identify(line: str) -> tuple[tuple[str, str], str]:
    """Return type and id of an object, and its title. Raises ValueError."""
    found = _read_object(line)
    kind, name, attributes = found.get("type"), found.get("id"), found.get("attributes")
    if not (isinstance(kind, str) and isinstance(name, str) and isinstance(attributes, dict)):
        # Kibana's own export ends with a line of counts.
        raise ValueError("is no saved object: it needs `type`, `id` and `attributes`")
    return (kind, name), str(attributes.get("title", name))


def _read_object(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")
    return found


def _put_in(addresses: Mapping[str, str], line: str) -> str:
    for word, address in addresses.items():
        line = line.replace(word, address)
    return line
