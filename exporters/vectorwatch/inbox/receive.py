"""The addresses that take notifications over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from .entry import Head
from .guard import KnownHosts, is_cross_site
from .intake import Intake
from .notification import Channel, Notification, RefusalReason, RefusedError
from .pagerduty import parse_pagerduty
from .slack import parse_slack
from .webhook import parse_webhook

BODY_SECONDS = 30.0

# Alertmanager tries again after any 5xx and gives up after 4xx, which is what these mean.
_STATUS_CODES = {
    RefusalReason.NOT_JSON: 400,
    RefusalReason.WRONG_SHAPE: 400,
    RefusalReason.CROSS_SITE: 403,
    RefusalReason.TIMEOUT: 408,
    RefusalReason.TOO_LARGE: 413,
    RefusalReason.NOT_WRITABLE: 503,
    RefusalReason.DISK_FULL: 507,
}


def receive_routes(intake: Intake, hosts: KnownHosts, body_seconds: float = BODY_SECONDS) -> APIRouter:
    """Return the addresses to post to; each answers only when the notification is on the disk."""
    router = APIRouter()

    @router.post("/webhook")
    async def webhook(request: Request) -> Response:
        """Take Alertmanager's webhook; answer its id."""
        return await take(Channel.WEBHOOK, request, parse_webhook, lambda head: json.dumps({"id": head.id}))

    @router.post("/slack")
    async def slack(request: Request) -> Response:
        """Take a message for Slack; answer `ok` as Slack does."""
        return await take(Channel.SLACK, request, parse_slack, lambda _head: "ok")

    @router.post("/pagerduty")
    async def pagerduty(request: Request) -> Response:
        """Take an event for PagerDuty; answer 202 as it does."""
        answer = json.dumps({"status": "success", "message": "Event processed"})
        response = await take(Channel.WEBHOOK, request, parse_pagerduty, lambda _head: answer)
        response.status_code = 202 if response.status_code == 200 else response.status_code
        return response

    async def take(
        channel: Channel,
        request: Request,
        parse: Callable[[bytes], Notification],
        write: Callable[[Head], str],
    ) -> Response:
        async def read() -> Notification:
            if is_cross_site(request.headers, hosts):
                raise RefusedError(
                    RefusalReason.CROSS_SITE, "Requests of web pages from other hosts are refused."
                )
            return parse(await read_body(request, intake.max_message_bytes, body_seconds))

        try:
            head = await intake.take(channel, read)
        except RefusedError as refusal:
            return PlainTextResponse(f"{refusal}\n", status_code=_STATUS_CODES[refusal.reason])
        answer = write(head)
        media_type = "application/json" if answer.startswith("{") else "text/plain"
        return Response(answer, media_type=media_type, headers={"X-Notification-Id": str(head.id)})

    return router


async def read_body(request: Request, most_bytes: int, within_seconds: float) -> bytes:
    """Return the body; raise RefusedError as soon as it is known to be too large or takes too long."""
    body = bytearray()
    too_large = RefusedError(RefusalReason.TOO_LARGE, f"The body is larger than {most_bytes} bytes.")
    if int(request.headers.get("content-length") or 0) > most_bytes:
        raise too_large
    try:
        async with asyncio.timeout(within_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise too_large
    except TimeoutError:
        sentence = f"The body did not arrive within {within_seconds:g} seconds."
        raise RefusedError(RefusalReason.TIMEOUT, sentence) from None
    return bytes(body)
