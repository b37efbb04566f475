"""The one way into the inbox, whatever the channel: parse, store, count, say why not."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from vectorwatch.serve.span import open_span

from .entry import Head
from .metrics import InboxMetrics
from .notification import Channel, Notification, RefusalReason, RefusedError
from .writer import Writer

log = logging.getLogger(__name__)

# The writer logs these once for each change of state.
_LOGGED_BY_WRITER = {RefusalReason.DISK_FULL, RefusalReason.NOT_WRITABLE}


class Intake:
    """Takes messages and counts those that it refuses."""

    def __init__(self, writer: Writer, metrics: InboxMetrics, max_message_bytes: int) -> None:
        self._writer = writer
        self._metrics = metrics
        self.max_message_bytes = max_message_bytes

    async def take(self, channel: Channel, parse: Callable[[], Awaitable[Notification]]) -> Head:
        """Return once the notification that `parse` gives is on the disk; raise RefusedError if it is not."""
        with open_span(f"receive {channel}", {"vectorwatch.channel": channel.value}):
            try:
                return await self._writer.store(await parse())
            except RefusedError as refusal:
                self.note_refusal(channel, refusal)
                raise

    def note_refusal(self, channel: Channel, refusal: RefusedError) -> None:
        """Count and log a message that is not taken."""
        self._metrics.count_refused(channel, refusal.reason)
        if refusal.reason not in _LOGGED_BY_WRITER:
            log.warning("%s: refused: %s", channel, refusal)
