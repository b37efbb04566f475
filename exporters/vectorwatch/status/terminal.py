"""`vectorwatch status`: what the status API says, for people and scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import click
from pydantic import ValidationError

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.ending import wait_for_the_end
from vectorwatch.serve.http_client import JsonClient, StatusError, answer_within, decode_json
from vectorwatch.serve.http_target import check_http_url

from .answer import ComponentHealth, DetailedHealth, State

CANNOT_TELL = 3
_EXIT_CODES = {State.HEALTHY: 0, State.DEGRADED: 1, State.UNHEALTHY: 2}
_COLOURS = {
    State.HEALTHY: "green",
    State.DEGRADED: "yellow",
    State.UNHEALTHY: "red",
    State.UNKNOWN: "magenta",
    State.NOT_CONFIGURED: "bright_black",
}
_PATH = "/health/detailed"
_DEADLINE_SECONDS = 20.0
_CLEAR = "\x1b[H\x1b[2J"
_SHOWN = 4  # metrics a line
_STATE_WIDTH = max(len(state.value) for state in State)


def show(url: str, *, as_json: bool, say: Callable[[str], None]) -> int:
    """Print the state once; return the exit code: 0 healthy, 1 degraded, 2 unhealthy, 3 cannot tell."""
    try:
        content, health = _read(url)
    except (TargetError, ValueError) as error:
        click.echo(f"status: {_explain(url, error)}", err=True)
        return CANNOT_TELL
    if as_json:
        say(json.dumps(content, ensure_ascii=False))
    else:
        say("\n".join(describe(health)))
    return _EXIT_CODES.get(health.status, CANNOT_TELL)


def watch(url: str, *, as_json: bool, say: Callable[[str], None], every_seconds: float, clear: bool) -> int:
    """Print the state until Ctrl-C or SIGTERM; return the exit code of the last look."""
    # Not KeyboardInterrupt: one that comes while asyncio ends a look is lost.
    with wait_for_the_end() as ended:
        while True:
            code = show(url, as_json=as_json, say=(lambda text: say(_CLEAR + text)) if clear else say)
            if ended.wait(every_seconds):
                return code


def describe(health: DetailedHealth) -> Iterator[str]:
    """Yield the lines for people; `click.echo` drops the colours where there is no terminal."""
    when = health.timestamp.strftime("%Y-%m-%d %H:%M:%S %Z")
    yield f"{_paint(health.status)}   {when}   {len(health.alerts)} alerts"
    if health.problem:
        yield health.problem
    yield ""
    width = max(len(one.title) for one in health.components.values())
    for one in health.components.values():
        padding = " " * (_STATE_WIDTH - len(one.status.value))
        yield f"  {one.title:<{width}}  {_paint(one.status)}{padding}  {_numbers(one)}".rstrip()
        for reason in one.reasons:
            yield f"  {'':<{width}}  {reason}"


def _numbers(one: ComponentHealth) -> str:
    shown = list(one.metrics.items())[:_SHOWN]
    return "  ".join(f"{name} {_number(value)}" for name, value in shown)


def _number(value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def _paint(state: State) -> str:
    return click.style(state.value, fg=_COLOURS[state], bold=state is State.UNHEALTHY or None)


def _read(url: str) -> tuple[Any, DetailedHealth]:
    content = asyncio.run(_fetch(check_http_url(url)))
    try:
        return content, DetailedHealth.model_validate(content)
    except ValidationError:
        raise TargetError(Reason.DECODE, "that is no status API") from None


async def _fetch(url: str) -> Any:
    try:
        async with answer_within(_DEADLINE_SECONDS), aiohttp.ClientSession() as session:
            return await JsonClient(session, url).get(_PATH)
    except StatusError as error:  # 503 says what is unhealthy
        return decode_json(error.content, _PATH)


def _explain(url: str, error: TargetError | ValueError) -> str:
    if isinstance(error, ValueError):
        return f"--url: {error}"
    if error.reason is Reason.CONNECT:
        return f"nothing listens at {url}; start it (`make up`, `make demo`) or name another with --url"
    return f"{url} gives no status: {error}"
