"""Hyperdimensional computing: operations on hypervectors, and what they take."""

from __future__ import annotations

from collections.abc import Mapping

from vectorwatch.instrument.metric import Counter, Gauge, Histogram
from vectorwatch.instrument.operation import Operation, error_type_of, status_of

from .limits import ERROR_TYPES, OPERATIONS, STATUSES, names

_DEVICES = names()
DURATION = Histogram(
    "hdc_operation_duration_seconds",
    "Time of one operation; failures too, cancelled ones not.",
    {"operation": OPERATIONS, "device": _DEVICES},
    buckets=(0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
ENDED = Counter(
    "hdc_operation_total",
    "Operations that ended: `success`, `error` or `cancelled`.",
    {"operation": OPERATIONS, "device": _DEVICES, "status": STATUSES},
)
ERRORS = Counter(
    "hdc_operation_errors_total",
    "Operations that raised, by class of what was raised.",
    {"operation": OPERATIONS, "error_type": ERROR_TYPES},
)
HYPERVECTORS = Counter(
    "hdc_hypervector_operations_total",
    "Hypervectors that operations ended well for: the sizes of their batches.",
    {"operation": OPERATIONS, "device": _DEVICES},
)
BATCH_SIZE = Histogram(
    "hdc_batch_size_distribution",
    "Hypervectors of one operation.",
    {"operation": OPERATIONS},
    buckets=(1, 8, 16, 32, 64, 128, 256, 512, 1000, 2000, 5000, 10000),
)
MEMORY = Gauge("hdc_memory_usage_bytes", "Memory by component.", {"component": names()})
CPU = Gauge("hdc_cpu_usage_percent", "Share of all CPU cores in percent, the unit of the requirement.")
GPU_MEMORY = Gauge("hdc_gpu_memory_usage_bytes", "GPU memory by device.", {"device": _DEVICES})
GPU_USE = Gauge(
    "hdc_gpu_utilization_percent",
    "Use of the GPU in percent, the unit of the requirement.",
    {"device": _DEVICES},
)
ACTIVE = Gauge("hdc_active_hypervectors", "Hypervectors in memory.")


class hdc_operation(Operation):  # noqa: N801 - read as a verb: `with track.hdc_operation("bundle"):`
    """Time and count one operation on a batch of hypervectors."""

    __slots__ = ("_batch_size", "_device", "_operation")
    span_name = "hdc.operation"

    def __init__(self, operation: str, device: str = "cpu", batch_size: int = 1) -> None:
        self._operation = operation
        self._device = device
        self._batch_size = batch_size

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record its duration, its size and how it ended."""
        operation, device, status = self._operation, self._device, status_of(error)
        ENDED.child(operation, device, status).inc()
        if error is None:
            HYPERVECTORS.child(operation, device).inc(self._batch_size)
        elif status == "error":
            ERRORS.inc(operation, error_type_of(error))
        if status != "cancelled":
            DURATION.observe(seconds, operation, device)
            BATCH_SIZE.child(operation).observe(self._batch_size)

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return what was done, where, and on how many."""
        return {
            "hdc.operation": self._operation,
            "hdc.device": self._device,
            "hdc.input_count": self._batch_size,
        }


def hdc_resources(
    *,
    memory_bytes_by_component: Mapping[str, int] | None = None,
    cpu_percent: float | None = None,
    gpu_memory_bytes_by_device: Mapping[str, int] | None = None,
    gpu_percent_by_device: Mapping[str, float] | None = None,
) -> None:
    """Set what the computing takes; what is left out stays as it was."""
    if cpu_percent is not None:
        CPU.set(cpu_percent)
    for component, size in (memory_bytes_by_component or {}).items():
        MEMORY.set(size, component)
    for device, size in (gpu_memory_bytes_by_device or {}).items():
        GPU_MEMORY.set(size, device)
    for device, percent in (gpu_percent_by_device or {}).items():
        GPU_USE.set(percent, device)


def hdc_active_hypervectors(count: int) -> None:
    """Set how many hypervectors are in memory."""
    ACTIVE.set(count)
