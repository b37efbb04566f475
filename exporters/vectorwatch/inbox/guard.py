"""Keep web pages of other hosts out of a local service that has no login."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# What programs ask for, under any name, and what holds no notification.
_FOR_PROGRAMS = {"/metrics", "/healthz", "/readyz"}


class KnownHosts:
    """The names under which browsers may call this service.

    A page of evil.example can let its own name point to this machine (DNS rebinding). Its requests then are
    of the same origin, and only the `Host` header tells. No one outside can own an address or a name without
    a dot; other names must be in `allowed`.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = {name.lower() for name in allowed}

    def __contains__(self, host: str) -> bool:
        """Tell whether `host`, a `Host` header with or without port, is one of them."""
        name = _without_port(host).lower()
        has_no_dot = "." not in name and ":" not in name
        return has_no_dot or name in self._allowed or _is_address(name)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class KnownHostsOnly:
    """Refuse to show notifications under a name that is not known.

    A browser reads pages over plain HTTP without `Origin` and `Sec-Fetch-*`, so that no header tells it from
    a program: the name decides for both. Posts are judged where they are counted (`is_cross_site`).
    """

    def __init__(self, app: ASGIApp, hosts: KnownHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["method"] != "POST" and self._is_refused(scope):
            answer = PlainTextResponse(
                "This name is unknown here; use the inbox's address or add the name to `allowed_hosts`.\n",
                status_code=403,
            )
            return await answer(scope, receive, send)
        return await self._app(scope, receive, send)

    def _is_refused(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        for_programs = scope["path"] in _FOR_PROGRAMS and not _is_of_browser(headers)
        return not for_programs and headers.get("host", "") not in self._hosts


class SafeHeaders:
    """Put headers on every answer that lacks them, so that no browser guesses, loads or shares anything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_of_browser(headers: Headers) -> bool:
    return any(name == "origin" or name.startswith("sec-fetch-") for name in headers)


def is_cross_site(headers: Headers, hosts: KnownHosts) -> bool:
    """Tell whether a page of another origin, or under a name that is not known, posts this.

    Browsers send `Origin` with every post; programs send no such header and may use any name.
    """
    if _is_of_browser(headers) and headers.get("host", "") not in hosts:
        return True
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
    return origin.partition("://")[2] != headers.get("host")
