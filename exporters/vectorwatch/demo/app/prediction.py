"""How much load comes next: Holt's exponential smoothing, and how well it did, computed from what came."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_LEVEL_WEIGHT = 0.4
_TREND_WEIGHT = 0.1
_JUDGED = 20


@dataclass(frozen=True)
class Judgement:
    """How the last predictions did: accuracy and confidence from 0 to 1, the error in loads."""

    accuracy: float
    mean_absolute_error: float
    confidence: float


class LoadPrediction:
    """Predicts the load of the next window from those before."""

    def __init__(self) -> None:
        self._level: float | None = None
        self._trend = 0.0
        self._outcomes: deque[tuple[float, float]] = deque(maxlen=_JUDGED)
        self.distortion = 1.0
        """What predictions are multiplied with; other than 1 only while the fault `load_drift` is on."""
        self.predicted: float | None = None

    def observe(self, load: float) -> None:
        """Take the load of the window that has ended, 1 is full, and predict the next."""
        if self.predicted is not None:
            self._outcomes.append((self.predicted, load))
        if self._level is None:
            self._level = load
        else:
            before = self._level
            self._level = _LEVEL_WEIGHT * load + (1 - _LEVEL_WEIGHT) * (before + self._trend)
            self._trend = _TREND_WEIGHT * (self._level - before) + (1 - _TREND_WEIGHT) * self._trend
        self.predicted = max(0.0, self._level + self._trend) * self.distortion

    def judge(self) -> Judgement | None:
        """Return how the last 20 predictions did, or None before the first was put to the test.

        Accuracy is 1 less the summed error over the summed load (1 - WAPE), confidence 1 less the spread of
        the errors over the mean load; neither below 0.
        """
        if not self._outcomes:
            return None
        errors = [predicted - load for predicted, load in self._outcomes]
        total = sum(load for _, load in self._outcomes)
        absolute = sum(map(abs, errors))
        mean_error = sum(errors) / len(errors)
        spread = (sum((error - mean_error) ** 2 for error in errors) / len(errors)) ** 0.5
        scale = max(total, 1e-9)
        return Judgement(
            max(0.0, 1 - absolute / scale),
            absolute / len(errors),
            max(0.0, 1 - spread * len(errors) / scale),
        )

    @property
    def importance(self) -> dict[str, float]:
        """Return the share of each feature in the prediction."""
        level, trend = abs(self._level or 0.0), abs(self._trend)
        total = level + trend
        return {"level": level / total, "trend": trend / total} if total else {"level": 1.0, "trend": 0.0}
