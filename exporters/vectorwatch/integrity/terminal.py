"""`vectorwatch verify`: lines for people, JSON for programs, the exit code for scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from vectorwatch.errors import ConfigError, TargetError
from vectorwatch.serve.http_target import HttpTarget, check_http_url
from vectorwatch.settings import check_secret

from .draft import draft
from .expectations import Expectations, ServerExpectation, read_expectations
from .findings import Report, describe_failure
from .verify import verify

AS_EXPECTED, FINDINGS, CANNOT_TELL = 0, 1, 3
DEFAULT_URL = "http://127.0.0.1:6333"
T = TypeVar("T", bound=HttpTarget)


def show(
    file: Path,
    url: str | None,
    api_key_file: Path | None,
    *,
    as_json: bool,
    timeout_seconds: float,
    say: Callable[[str], None],
) -> int:
    """Print what is not as expected; return the exit code. Raises ConfigError for a bad file."""
    expectations = _point_elsewhere(read_expectations(file), url, api_key_file)
    report = asyncio.run(verify(expectations, timeout_seconds))
    if as_json:
        say(json.dumps(_to_json(report), ensure_ascii=False))
    else:
        for finding in report.findings:
            say(_plain(str(finding)))
        for note in report.notes:
            say(_plain(f"note: {note}"))
    for failure in report.failures:
        click.echo(_plain(f"verify: cannot tell: {failure}"), err=True)
    if report.failures:
        return CANNOT_TELL
    if report.findings:
        return FINDINGS
    if not as_json:
        say(f"{report.collections} collections on {len(expectations.servers)} servers are as expected")
    return AS_EXPECTED


def write(
    url: str | None, api_key_file: Path | None, *, timeout_seconds: float, say: Callable[[str], None]
) -> int:
    """Print an expectations file from what is there now; return the exit code. Raises ConfigError."""
    target = _with_access(HttpTarget(url=DEFAULT_URL), url, api_key_file)
    try:
        say(asyncio.run(draft(target, timeout_seconds)).rstrip("\n"))
    except TargetError as error:
        click.echo(_plain(f"verify: cannot tell: {target.url}: {describe_failure(error)}"), err=True)
        return CANNOT_TELL
    return AS_EXPECTED


def _point_elsewhere(expectations: Expectations, url: str | None, api_key_file: Path | None) -> Expectations:
    if url is None and api_key_file is None:
        return expectations
    if len(expectations.servers) > 1:
        raise ConfigError(
            f"verify: the file lists {len(expectations.servers)} servers;"
            " --url and --api-key-file are for one"
        )
    servers: dict[str, ServerExpectation] = {
        name: _with_access(server, url, api_key_file) for name, server in expectations.servers.items()
    }
    return expectations.model_copy(update={"servers": servers})


def _with_access(target: T, url: str | None, api_key_file: Path | None) -> T:
    change: dict[str, object] = {}
    try:
        if url is not None:
            change["url"] = check_http_url(url)
        if api_key_file is not None:
            check_secret("api_key", None, api_key_file)
            change |= {"api_key": None, "api_key_file": api_key_file}
    except ValueError as error:
        raise ConfigError(f"verify: {error}") from None
    return target.model_copy(update=change)


def _plain(text: str) -> str:
    """Return one line without control characters: a collection's name may hold any."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _to_json(report: Report) -> dict[str, object]:
    return {
        "as_expected": not (report.findings or report.failures),
        "collections": report.collections,
        "findings": [
            {"server": one.server, "collection": one.collection, **asdict(one.finding)}
            for one in report.findings
        ],
        "failures": report.failures,
        "notes": report.notes,
    }
