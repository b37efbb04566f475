"""Points in time; the browser rewrites them in its own time zone."""

from __future__ import annotations

from datetime import UTC, datetime

from .markup import Html, element, escape


def render_time(stamp: str) -> Html:
    """Return an ISO time as `<time>`, in UTC for browsers without JavaScript; anything else as it is."""
    try:
        moment = datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, OverflowError):
        return escape(stamp)
    return element("time", moment.strftime("%Y-%m-%d %H:%M:%S UTC"), datetime=moment.isoformat())
