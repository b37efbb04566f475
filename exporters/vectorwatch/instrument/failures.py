"""What a defect of ours kept from being recorded: counted, and said once."""

from __future__ import annotations

import logging

from .metric import Counter

FAILURES = Counter(
    "vectorwatch_instrument_failures_total",
    "Requests and operations that a defect kept from being recorded; the log has the first traceback.",
)
_log = logging.getLogger(__name__)


class Failures:
    """Those of one kind, such as `a request`. Nothing here may break what is recorded."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._is_said = False

    def report(self) -> None:
        """Count the exception that is handled, and log the first: it would repeat each time."""
        try:
            FAILURES.inc()
            if not self._is_said:
                self._is_said = True
                _log.exception("%s could not be recorded; said once", self._kind)
        except Exception:  # noqa: S110 - see above
            pass
