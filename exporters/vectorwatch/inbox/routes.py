"""The addresses that show notifications: the API for programs, the page for people."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from .mail import mail_bytes, read_mail
from .notification import Channel
from .page.article import render_articles
from .page.document import PAGE_POLICY, STYLE, View, render_document
from .page.email import MAIL_POLICY, mail_document
from .reader import Reader
from .writer import Writer

_ON_PAGE = 25
_IN_NEWS = 50
_MOST_IN_LIST = 500
_CHANNELS = {channel.value: channel for channel in Channel}  # any other word shows all

# A number too large for an id is no reason for an error.
Id = Annotated[int, Query(ge=0)]
ChannelFilter = Annotated[Channel | None, Query()]


def api_routes(reader: Reader) -> APIRouter:
    """Return `/api/notifications` and `/api/notifications/{id}`."""
    router = APIRouter()

    @router.get("/api/notifications")
    async def list_notifications(
        channel: ChannelFilter = None,
        since: Id | None = None,
        before: Id | None = None,
        limit: Annotated[int, Query(ge=1, le=_MOST_IN_LIST)] = 100,
    ) -> Response:
        """Return notifications without `raw` by rising id: the first after `since`, else the newest."""
        records = await reader.list_records(channel, limit, since, before)
        # ASCII, because a message may hold half of a surrogate pair, which UTF-8 cannot.
        return Response(json.dumps(records), media_type="application/json")

    @router.get("/api/notifications/{entry_id}")
    async def show_notification(entry_id: int) -> Response:
        """Return all of one notification."""
        content = await reader.read_json(entry_id)
        if content is None:
            return _not_found(entry_id)
        return Response(content, media_type="application/json")

    return router


def page_routes(reader: Reader, writer: Writer, how_to: str) -> APIRouter:
    """Return the page `/` and what it loads."""
    router = APIRouter()
    index = writer.journal.index

    @router.get("/")
    async def page(channel: str = "", before: Id | None = None) -> Response:
        """Show notifications, newest first."""
        chosen = _CHANNELS.get(channel)
        shown = await reader.read_page(chosen, _ON_PAGE + 1, before)
        view = View(
            articles=render_articles(shown[:_ON_PAGE]),
            channel=chosen,
            counts=index.count_shown(),
            last_id=index.last_id,
            older_than=shown[_ON_PAGE - 1][0]["id"] if len(shown) > _ON_PAGE else None,
            is_first=before is None,
            trouble=writer.trouble,
            how_to=how_to,
        )
        return HTMLResponse(render_document(view), headers={"Content-Security-Policy": PAGE_POLICY})

    @router.get("/articles")
    async def articles(since: Id, channel: str = "") -> Response:
        """Return what the page adds to itself."""
        chosen = _CHANNELS.get(channel)
        news = await reader.read_news(chosen, _IN_NEWS, since)
        counts = index.count_shown()
        content = {
            "articles": render_articles(news.shown),
            "last_id": news.last_id,
            "journal_last_id": index.last_id,
            "counts": {**counts, "all": sum(counts.values())},
            "trouble": writer.trouble,
        }
        return Response(json.dumps(content), media_type="application/json")

    @router.get("/page.css")
    async def style() -> Response:
        """Return the style of the page."""
        return Response(STYLE, media_type="text/css")

    @router.get("/mail/{entry_id}")
    async def mail(entry_id: int) -> Response:
        """Return the HTML of a mail, which can do nothing but be looked at."""
        content = await reader.read_json(entry_id)
        record = json.loads(content) if content else {}
        raw = record.get("raw")
        if record.get("channel") != Channel.EMAIL or not isinstance(raw, str):
            return _not_found(entry_id)
        read = await asyncio.to_thread(read_mail, mail_bytes(raw))
        return HTMLResponse(mail_document(read.html), headers={"Content-Security-Policy": MAIL_POLICY})

    return router


def _not_found(entry_id: int) -> Response:
    return PlainTextResponse(f"There is no such notification: {entry_id}.\n", status_code=404)
