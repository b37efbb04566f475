"""For hot paths: record a share of what happens, and scale what is counted so that sums stay true."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable


def sample(share: float, *, draw: Callable[[], float] = random.random) -> float:
    """Return how many events this one stands for: `1 / share` for a share of the calls, else 0.

        if weight := sample(0.01):
            LOOKUPS.inc(by=weight)

    A counter increased by the weight is right on average; after n events its relative error is about
    `sqrt((1 - share) / (share * n))`. Histograms take no weight: their quantiles stay right, their counts are
    of the sample. `draw` returns numbers in [0, 1). Raises ValueError when `share` is not in (0, 1].
    """
    check_share(share)
    return 1.0 / share if share == 1.0 or draw() < share else 0.0


class SampledLogs(logging.Filter):
    """Let a share of the lines below WARNING pass.

    `logging.getLogger("app.hot").addFilter(SampledLogs(0.01))`. Those that pass say so in the field
    `sample_share`; warnings and errors always pass.
    """

    def __init__(self, share: float, *, draw: Callable[[], float] = random.random) -> None:
        super().__init__()
        check_share(share)
        self._share = share
        self._draw = draw

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether `record` is written."""
        if record.levelno >= logging.WARNING:
            return True
        if not sample(self._share, draw=self._draw):
            return False
        record.sample_share = self._share
        return True


def check_share(share: float) -> None:
    """Raise ValueError when `share` is not in (0, 1]."""
    if not 0.0 < share <= 1.0:
        raise ValueError(f"a share is above 0 and at most 1, not {share!r}")
