"""What Kibana says of itself at `GET /api/status`; pure.

Without credentials the answer holds the overall level and nothing else; a level from `unavailable` on comes
with HTTP status 503 (src/core/packages/status/server-internal/src/routes/ of Kibana 9).
"""

from __future__ import annotations

from typing import Any

from vectorwatch.errors import Reason, TargetError

from .fields import text_at

AVAILABLE = "available"
LEVELS = (AVAILABLE, "degraded", "unavailable", "critical", "other")


def parse_level(answer: Any) -> str:
    """Return the overall level; one unknown to us is `other`. Raises TargetError(decode)."""
    level = text_at(answer, "status", "overall", "level")
    if level is None:
        raise TargetError(Reason.DECODE, "no `status.overall.level`: is this Kibana?")
    return level if level in LEVELS else "other"
