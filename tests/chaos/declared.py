"""The trials: every long-running service, every kind; and what is not tried, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.outcome import Loss
from tests.chaos.trial import Expected, Kind, Trial

_INBOX = "the inbox is what is broken; your other channels are told"


def _target(job: str, untold: str = "") -> Expected:
    return Expected("TargetDown", "warning", f'up{{job="{job}"}}', {"job": job}, untold=untold)


def _source(alert: str, source: str) -> Expected:
    return Expected(alert, "warning", f'logs_source_up{{source="{source}"}}')


_JAEGER = Expected("JaegerDown", "warning", 'up{job="jaeger"}')
_QDRANT = Expected("QdrantDown", "critical", 'up{job="qdrant"}')
_UNSEEN = (
    "it has no metrics of its own; cAdvisor's ContainerVanished and ContainerUnhealthy see its container"
)
_SIGHTLESS = (
    "it has no metrics of its own; cAdvisor's ContainerVanished sees its container, and ContainersUnseen a"
    " cAdvisor that started without it"
)
_OUTAGES: Mapping[str, Expected | str] = {
    "alertmanager": _target("alertmanager", "Alertmanager is what is broken"),
    "benchmark": _target("benchmark"),
    "blackbox-exporter": _target("blackbox-exporter"),
    "container-names": _UNSEEN,
    "demo-app": Expected("ServiceDown", "critical", 'up{job="app"}', {"job": "app"}),
    "demo-load": _UNSEEN,
    "demo-targets": _UNSEEN,
    "docker-socket": _SIGHTLESS,
    "dragonfly": Expected("CacheDown", "critical", 'up{job="dragonfly"}'),
    "dragonfly-exporter": _target("dragonfly-exporter"),
    "elasticsearch": _source("ElasticsearchDown", "elasticsearch"),
    "elasticsearch-exporter": _target("elasticsearch-exporter"),
    "filebeat": _source("FilebeatDown", "filebeat"),
    "hnsw-probe": _target("hnsw-probe"),
    "inbox": _target("inbox", _INBOX),
    "jaeger": _JAEGER,
    "kibana": Expected("KibanaDown", "warning", "kibana_up"),
    "log-retention": _UNSEEN,
    "logs-exporter": _target("logs-exporter"),
    "logs-targets": _UNSEEN,
    "logstash": _source("LogstashDown", "logstash"),
    "node-exporter": _target("node-exporter"),
    "prometheus": "nobody is left to say it but your dead man's switch, which no longer hears Watchdog",
    "qdrant": _QDRANT,
    "qdrant-exporter": _target("qdrant-exporter"),
    "status": _target("status"),
    "workload": _UNSEEN,
}
"""What an outage of a service raises, or why nothing."""

VOLUMES: Mapping[str, str] = {
    "alertmanager": "alertmanager_data",
    "benchmark": "benchmark_data",
    "demo-app": "demo_app_data",
    "dragonfly": "dragonfly_data",
    "elasticsearch": "elasticsearch_data",
    "filebeat": "filebeat_data",
    "inbox": "inbox_data",
    "jaeger": "jaeger_data",
    "logstash": "logstash_data",
    "prometheus": "prometheus_data",
    "qdrant": "qdrant_data",
}
"""The volume in which a service keeps data."""
_FILLED: Mapping[str, Expected | str] = {
    "alertmanager": Expected("AlertmanagerStateNotSaved", "warning", 'up{job="alertmanager"}'),
    # These three end when they cannot write, and are restarted again and again.
    "filebeat": _source("FilebeatDown", "filebeat"),
    "jaeger": _JAEGER,
    "qdrant": _QDRANT,
    "inbox": Expected(
        "InboxNotWritable",
        "critical",
        "inbox_journal_writable",
        lag_seconds=120,  # its expression looks at two minutes
        untold=_INBOX,
    ),
    # A series is taken for gone five minutes after its last sample.
    "prometheus": Expected("PrometheusNotIngesting", "critical", 'up{job="prometheus"}', lag_seconds=300),
}
_FULL = "node-exporter's HostDiskSpaceLow speaks for the disk of the host, on which all volumes lie"


@dataclass(frozen=True)
class Accepted:
    """A loss that is no defect of the stack: how old the lost may be, and why."""

    oldest_seconds: float
    reason: str


ACCEPTED: Mapping[str, Accepted] = {
    "silence": Accepted(
        15.0,
        "Alertmanager writes them down every 10 s (`--data.maintenance-interval`), and cannot at once",
    ),
    "key of the cache": Accepted(
        900.0,
        "a cache keeps what its last snapshot had, which is made every 15 minutes and at a stop in order",
    ),
}
"""By kind of data."""

NOT_TRIED: Mapping[str, str] = {
    "cadvisor": "no image can be had here",
    "grafana": "no image can be had here",
    "gpu-exporter": "needs a GPU and NVIDIA's container toolkit",
    "gpu-targets": "belongs to the profile `gpu`",
}
"""Long-running services of the compose file that no trial touches."""
NO_NETWORK = ("container-names", "demo-targets", "docker-socket", "logs-targets")
"""Services with `network_mode: none`: there is nothing to cut."""
OWN_VOLUMES = ("container-names", "kibana", "demo-load", "demo-targets", "docker-socket", "logs-targets")
"""Services that keep nothing in a volume that could not be made again, or write into another's."""

_GROUPS: Sequence[Sequence[str]] = (
    (
        "jaeger",
        "qdrant-exporter",
        "benchmark",
        "status",
        "workload",
        "log-retention",
        "elasticsearch",
        "logstash",
    ),
    (
        "dragonfly-exporter",
        "hnsw-probe",
        "node-exporter",
        "filebeat",
        "kibana",
        "elasticsearch-exporter",
        *NO_NETWORK,
    ),
    ("blackbox-exporter", "qdrant", "dragonfly", "demo-app", "demo-load"),
)
_WATCHERS: Sequence[Sequence[str]] = (("alertmanager", "inbox", "logs-exporter"), ("prometheus",))
"""Those who see or tell of others are broken apart from those."""
_ATTENDED = (Kind.KILLED, Kind.PAUSED, Kind.CUT)


def _make(service: str, kind: Kind) -> Trial:
    if kind in (Kind.CRASHED, Kind.STARVED):
        return Trial(service, kind, None, "it is back before an alert's `for` is over")
    expected = _FILLED.get(service, _FULL) if kind is Kind.FILLED else _OUTAGES[service]
    if isinstance(expected, str):
        return Trial(service, kind, None, expected)
    return Trial(service, kind, expected)


def _make_rounds() -> list[list[Trial]]:
    rounds: list[list[Trial]] = []
    for turn in range(len(_ATTENDED)):
        # Each group another way, so that three rounds are three ways for everyone.
        mixed = [
            (service, _ATTENDED[(place + turn) % len(_ATTENDED)])
            for place, group in enumerate(_GROUPS)
            for service in group
        ]
        rounds.append([_make(*one) for one in mixed if one[1] is not Kind.CUT or one[0] not in NO_NETWORK])
    for kind in (Kind.CRASHED, Kind.STARVED):
        # One after the other in a round; who keeps or carries data has its own, so that a loss has a name.
        rounds += [[_make(service, kind)] for service in _OUTAGES if service in VOLUMES]
        rounds.append([_make(service, kind) for service in _OUTAGES if service not in VOLUMES])
    rounds += [[_make(service, kind) for service in group] for kind in _ATTENDED for group in _WATCHERS]
    whole = (Kind.ALL_CRASHED, Kind.ALL_KILLED, Kind.ENGINE_KILLED)
    rounds += [[Trial("", kind, None, "nobody is left to say it")] for kind in whole]
    # Last: the small disks stay until the end, and what has grown meanwhile fills them by itself.
    # Filebeat writes only what Logstash has confirmed, and a full Logstash confirms nothing.
    alone = ("filebeat", "prometheus")
    rounds.append([_make(service, Kind.FILLED) for service in VOLUMES if service not in alone])
    return rounds + [[_make(service, Kind.FILLED)] for service in alone]


ROUNDS: Sequence[Sequence[Trial]] = _make_rounds()
"""In the order of trying; what is in one round is broken at the same time."""
TRIALS: Sequence[Trial] = sorted((trial for one in ROUNDS for trial in one), key=lambda trial: trial.name)


def is_accepted(loss: Loss, trial: Trial) -> bool:
    """Tell whether a loss is one of those that are explained: of the store that was broken, and young."""
    accepted = ACCEPTED.get(loss.kind)
    own = not trial.service or loss.keeper == trial.service
    return accepted is not None and own and loss.oldest_seconds <= accepted.oldest_seconds
