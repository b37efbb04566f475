"""Models that this application runs itself: inference, loading, queue, errors, quality, memory."""

from __future__ import annotations

from vectorwatch.instrument.metric import Counter, Gauge, Histogram
from vectorwatch.instrument.operation import Operation, error_type_of, status_of

from .limits import ERROR_TYPES, MODELS, names

_MODEL = {"model_name": MODELS}
_DEVICE = {"device": names()}
INFERENCE_DURATION = Histogram(
    "model_inference_duration_seconds",
    "Time of one inference; failures too, cancelled ones not.",
    _MODEL,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
LOAD_DURATION = Histogram(
    "model_load_duration_seconds",
    "Time to load a model; failures too, cancelled ones not.",
    _MODEL,
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0),
)
QUEUE_LENGTH = Gauge(
    "model_queue_length",
    "Requests that wait for the model; of several workers the longest queue.",
    _MODEL,
    multiprocess="livemax",
)
QUEUE_WAIT = Histogram("model_queue_wait_seconds", "Time that a request waited for the model.", _MODEL)
ERRORS = Counter(
    "model_errors_total",
    "Inferences and loads that raised, by class; timeouts are `model_timeout_total`.",
    {**_MODEL, "error_type": ERROR_TYPES},
)
TIMEOUTS = Counter("model_timeout_total", "Inferences and loads that took too long.", _MODEL)
FALLBACKS = Counter("model_fallback_total", "Times that another model had to answer.", _MODEL)
ACCURACY = Gauge("model_accuracy_score", "Accuracy, 0 to 1, as the application measures it.", _MODEL)
MEMORY = Gauge("model_memory_usage_bytes", "Memory that the model takes.", _MODEL)
VRAM_ALLOCATED = Gauge(
    "model_vram_allocated_bytes",
    "GPU memory that this application has allocated.",
    _DEVICE,
    multiprocess="livesum",
)
VRAM_AVAILABLE = Gauge(
    "model_vram_available_bytes", "GPU memory that this application may still allocate.", _DEVICE
)


class _Use(Operation):
    """One use of a model."""

    __slots__ = ("_model_name",)
    duration: Histogram

    def __init__(self, model_name: str) -> None:
        self._model_name = model_name

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration, and the error or timeout."""
        status = status_of(error)
        if status != "cancelled":
            self.duration.observe(seconds, self._model_name)
        if isinstance(error, TimeoutError):
            TIMEOUTS.inc(self._model_name)
        elif error is not None and status == "error":
            ERRORS.inc(self._model_name, error_type_of(error))

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return which model."""
        return {"gen_ai.request.model": self._model_name}


class model_inference(_Use):  # noqa: N801 - read as a verb
    """Time one inference and count what it raises; a TimeoutError is a timeout, not an error."""

    __slots__ = ()
    span_name = "model.infer"
    duration = INFERENCE_DURATION


class model_load(_Use):  # noqa: N801 - read as a verb
    """Time one loading and count what it raises; a TimeoutError is a timeout, not an error."""

    __slots__ = ()
    span_name = "model.load"
    duration = LOAD_DURATION


def model_queue(model_name: str, *, length: int | None = None, wait_seconds: float | None = None) -> None:
    """Set how many wait, and record how long one has waited."""
    if length is not None:
        QUEUE_LENGTH.set(length, model_name)
    if wait_seconds is not None:
        QUEUE_WAIT.observe(wait_seconds, model_name)


def model_error(model_name: str, error_type: str) -> None:
    """Count an error that no `model_inference` or `model_load` block saw."""
    ERRORS.inc(model_name, error_type)


def model_timeout(model_name: str) -> None:
    """Count a timeout that no `model_inference` or `model_load` block saw."""
    TIMEOUTS.inc(model_name)


def model_fallback(model_name: str) -> None:
    """Count that another model had to answer for this one."""
    FALLBACKS.inc(model_name)


def model_accuracy(model_name: str, score: float) -> None:
    """Set the accuracy, 0 to 1."""
    ACCURACY.set(score, model_name)


def model_memory(model_name: str, bytes: int) -> None:  # noqa: A002 - the unit
    """Set the memory that the model takes."""
    MEMORY.set(bytes, model_name)


def model_vram(
    device: str, *, allocated_bytes: int | None = None, available_bytes: int | None = None
) -> None:
    """Set the GPU memory of this application; the card's own is the GPU exporter's."""
    if allocated_bytes is not None:
        VRAM_ALLOCATED.set(allocated_bytes, device)
    if available_bytes is not None:
        VRAM_AVAILABLE.set(available_bytes, device)
