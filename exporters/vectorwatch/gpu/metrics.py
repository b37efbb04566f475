"""The metrics of the GPU exporter that are not about one whole card; those are in `card_metrics`."""

from __future__ import annotations

from dataclasses import dataclass

from vectorwatch.serve.metric import Kind, Metric, Table

from .snapshot import MigInstance
from .xid import XidCounts


@dataclass(frozen=True, slots=True)
class Slice:
    """A MIG instance and the card it is part of."""

    card_uuid: str
    instance: MigInstance


SLICE_TABLE: Table[Slice] = Table(
    (
        Metric(
            "gpu_mig_info",
            "Identity of a MIG instance; always 1.",
            lambda item: {(item.instance.uuid, item.instance.name): 1},
            labels=("mig_uuid", "name"),
        ),
        Metric(
            "gpu_mig_memory_total_bytes",
            "Memory of the instance (`nvmlDeviceGetMemoryInfo_v2`).",
            lambda item: item.instance.memory_total_bytes,
        ),
        Metric(
            "gpu_mig_memory_used_bytes",
            "Memory in use (`nvmlDeviceGetMemoryInfo_v2`).",
            lambda item: item.instance.memory_used_bytes,
        ),
        Metric(
            "gpu_mig_memory_free_bytes",
            "Free memory (`nvmlDeviceGetMemoryInfo_v2`).",
            lambda item: item.instance.memory_free_bytes,
        ),
    ),
    labels=("uuid", "gpu_instance_id", "compute_instance_id"),
    key=lambda item: (
        item.card_uuid,
        str(item.instance.gpu_instance_id),
        str(item.instance.compute_instance_id),
    ),
)

COUNT_TABLE: Table[int] = Table(
    (Metric("gpu_devices", "Cards that the driver lists (`nvmlDeviceGetCount_v2`).", lambda count: count),)
)

PRESENCE_TABLE: Table[tuple[str, bool]] = Table(
    (
        Metric(
            "gpu_device_up",
            "1 if the card answers, 0 if it did before or is configured and does not.",
            lambda presence: int(presence[1]),
        ),
    ),
    labels=("uuid",),
    key=lambda presence: (presence[0],),
)

WATCH_TABLE: Table[bool] = Table(
    (
        Metric(
            "gpu_xid_watch_active",
            "1 while XID events would be seen (`nvmlEventSetWait_v2`); 0 on vGPU and WSL, which have none.",
            lambda watching: int(watching),
        ),
    )
)

XID_TABLE: Table[XidCounts] = Table(
    (
        Metric(
            "gpu_xid_errors_total",
            "XID events by code since the exporter started (`nvmlEventTypeXidCriticalError`).",
            lambda counts: {(code,): number for code, number in counts.events.items()},
            labels=("xid",),
            kind=Kind.COUNTER,
        ),
        Metric(
            "gpu_xid_last_timestamp_seconds",
            "Unix time of the last event; absent until the first.",
            lambda counts: {(code,): seconds for code, seconds in counts.last_timestamps.items()},
            labels=("xid",),
        ),
    ),
    labels=("uuid",),
    key=lambda counts: (counts.uuid,),
)
