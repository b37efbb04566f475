"""The faults, and what must follow from each.

A lag is the time that a rule's window needs beside its `for`; prometheus/rules/ has both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.faults.breaks import application, cache, endpoint, engine, monitoring, processes
from tests.faults.fault import Expected, Fault

_TIME_OUT = 10
"""`scrape_timeout` of prometheus/prometheus.yml: what hangs fails after it."""
_WINDOW = 300
"""Most rules look at five minutes."""
_RELOAD = 30
"""Prometheus looks for changes of its files so often."""

_SEARCHED_BY_APP: Mapping[str, str] = {
    "HighErrorRate": "without Qdrant the demo service reads no articles; its error rate is of five minutes",
    "QueryAPIErrors": "the same, seen at the Query API",
    "CollectionAliasOperationFailed": "the demo service reads its alias every 30 s, and cannot",
}

FAULTS: Sequence[Fault] = (
    # ── Servers ──────────────────────────────────────────────────────────────────────────────────────────
    Fault(
        "qdrant-killed",
        "Qdrant is ended by SIGKILL and started again",
        processes.kill("qdrant"),
        [Expected("QdrantDown", "critical")],
        company=_SEARCHED_BY_APP,
    ),
    Fault(
        "qdrant-frozen",
        "Qdrant is stopped by SIGSTOP: it takes connections and answers none",
        processes.freeze("qdrant"),
        [Expected("QdrantDown", "critical", lag_seconds=_TIME_OUT)],
        company=_SEARCHED_BY_APP,
    ),
    Fault(
        "cache-killed",
        "the cache is ended by SIGKILL and started again, empty",
        processes.kill("dragonfly"),
        [Expected("CacheDown", "critical")],
    ),
    Fault(
        "cache-frozen",
        "the cache is stopped by SIGSTOP",
        processes.freeze("dragonfly"),
        [Expected("CacheDown", "critical", lag_seconds=_TIME_OUT)],
    ),
    Fault(
        "app-killed",
        "the demo service is ended by SIGKILL and started again",
        processes.kill("demo-app"),
        [Expected("ServiceDown", "critical")],
    ),
    Fault(
        "cache-full",
        "evictions are forbidden and the cache is filled to its limit",
        cache.fill,
        [Expected("CacheWritesRefused", "critical", lag_seconds=30, fades_seconds=_WINDOW)],
        company={"CacheMemoryNearLimit": "it is full; what is refused speaks for it in the messages"},
    ),
    Fault(
        "cache-crowded",
        "97 % of the client connections that the cache allows are taken",
        cache.crowd,
        [Expected("CacheClientsNearLimit", "critical")],
    ),
    # ── Collections ──────────────────────────────────────────────────────────────────────────────────────
    Fault(
        "alias-deleted",
        "the alias by which the load searches is deleted",
        engine.delete_alias,
        [Expected("QdrantAliasMissing", "critical")],
    ),
    Fault(
        "alias-moved",
        "the alias is moved to a collection of 6,000 points from one of 20,000",
        engine.move_alias,
        [Expected("QdrantAliasMoved", "warning")],
        prepare=engine.make_archive,
    ),
    Fault(
        "collection-deleted",
        "a collection is deleted",
        engine.delete_collection,
        [Expected("QdrantCollectionVanished", "warning")],
        prepare=engine.make_archive,
    ),
    Fault(
        "points-deleted",
        "a third of the points of a collection is deleted",
        engine.delete_points,
        [Expected("QdrantPointsDropped", "warning")],
        prepare=engine.make_archive,
        # The median of what was before must not be what is after, until the alert has fired.
        warm_up_seconds=480,
    ),
    Fault(
        "payload-index-deleted",
        "a payload index is deleted",
        engine.delete_payload_index,
        [Expected("QdrantPayloadIndexMissing", "warning")],
    ),
    Fault(
        "optimizer-killed",
        "the process that builds an index is ended by SIGKILL: the collection is red",
        engine.fail_optimizer,
        [Expected("QdrantOptimizerFailed", "critical")],
        prepare=engine.make_archive,
    ),
    Fault(
        "recall-ruined",
        "the graph of the documents is built anew with m = 2 and ef_construct = 4",
        engine.ruin_graph,
        # The probe asks six times a minute, and the rule wants 50 answers.
        [Expected("RecallLow", "critical", lag_seconds=600)],
    ),
    # ── Monitoring ───────────────────────────────────────────────────────────────────────────────────────
    Fault(
        "exporter-killed",
        "the cache's exporter is ended by SIGKILL",
        processes.kill("dragonfly-exporter"),
        [Expected("TargetDown", "warning", where={"job": "dragonfly-exporter"})],
    ),
    Fault(
        "exporter-frozen",
        "Qdrant's exporter is stopped by SIGSTOP",
        processes.freeze("qdrant-exporter"),
        [Expected("TargetDown", "warning", lag_seconds=_TIME_OUT, where={"job": "qdrant-exporter"})],
    ),
    Fault(
        "prometheus-misconfigured",
        "prometheus.yml is saved with a mistake",
        monitoring.break_prometheus_configuration,
        [Expected("PrometheusBadConfig", "warning", lag_seconds=_RELOAD + _WINDOW, fades_seconds=_RELOAD)],
    ),
    Fault(
        "alertmanager-misconfigured",
        "alertmanager.yml is saved with a mistake, and reloaded",
        monitoring.break_alertmanager_configuration,
        [Expected("AlertmanagerBadConfig", "warning", lag_seconds=_WINDOW)],
    ),
    Fault(
        "alertmanager-killed",
        "Alertmanager is ended by SIGKILL",
        processes.kill("alertmanager"),
        [
            Expected("TargetDown", "warning", where={"job": "alertmanager"}),
            # It is sent something once a minute, and the errors are of five.
            Expected("PrometheusNotificationsFailing", "warning", lag_seconds=75, fades_seconds=_WINDOW),
        ],
        told_after_mending=True,
    ),
    Fault(
        "inbox-killed",
        "the inbox, which takes all messages here, is ended by SIGKILL",
        processes.kill("inbox"),
        [
            Expected("TargetDown", "warning", where={"job": "inbox"}),
            # Watchdog's next message is due within five minutes, and half of those of 15 must have failed.
            Expected("AlertmanagerNotificationsFailing", "critical", lag_seconds=600, fades_seconds=900),
        ],
        told_after_mending=True,
    ),
    Fault(
        "journal-unwritable",
        "the inbox may write no more, as with a full disk",
        processes.forbid_writing("inbox"),
        [
            Expected(
                "InboxNotWritable",
                "critical",
                # It is noticed by the next message, within five minutes one of Watchdog; then two of window.
                lag_seconds=450,
                untold="all messages go to the inbox here; a pager of your own gets this one",
            )
        ],
        company={"AlertmanagerNotificationsFailing": "the inbox takes no message"},
    ),
    Fault(
        "target-list-broken",
        "a list of targets is saved with a mistake",
        monitoring.break_target_list,
        [Expected("PrometheusTargetListBroken", "warning", lag_seconds=30, fades_seconds=900)],
    ),
    Fault(
        "target-flooded",
        "a target serves 25,000 series",
        monitoring.flood,
        [Expected("TargetSeriesMany", "warning")],
        prepare=monitoring.watch_page,
    ),
    # ── Addresses ────────────────────────────────────────────────────────────────────────────────────────
    Fault(
        "page-failing",
        "a watched page answers with status 503",
        endpoint.fail,
        [Expected("EndpointFailing", "critical")],
        prepare=endpoint.watch_page,
    ),
    Fault(
        "certificate-expired",
        "a watched page presents a certificate that expires after a minute",
        endpoint.expire_certificate,
        [Expected("TlsCertificateExpired", "critical", lag_seconds=endpoint.EXPIRES_AFTER_SECONDS)],
        company={"EndpointUnreachable": "nobody can use a page whose certificate has expired"},
        prepare=endpoint.watch_page,
    ),
    # ── Application ──────────────────────────────────────────────────────────────────────────────────────
    Fault(
        "error-burst",
        "half of the requests fail with status 500",
        application.switch_on("error_burst"),
        [Expected("HighErrorRate", "critical", lag_seconds=90, fades_seconds=_WINDOW)],
    ),
    Fault(
        "search-slow",
        "each search of the service takes 2.5 s more",
        application.switch_on("slow_search"),
        [Expected("QueryAPISlowdown", "warning", lag_seconds=60, fades_seconds=_WINDOW)],
    ),
    Fault(
        "database-slow",
        "each query takes 0.4 s more, in the database",
        application.switch_on("slow_database"),
        [Expected("DatabaseQueryLatencyRegression", "warning", lag_seconds=60, fades_seconds=_WINDOW)],
    ),
    Fault(
        "pool-exhausted",
        "something holds all connections of the database pool",
        application.switch_on("pool_exhaustion"),
        [Expected("DatabaseConnectionPoolExhausted", "critical")],
        company={"DatabaseCircuitBreakerOpen": "queries wait in vain, which opens the breaker"},
    ),
    Fault(
        "database-refusing",
        "no connection to the database can be made: its breaker opens",
        application.switch_on("database_failures"),
        [Expected("DatabaseCircuitBreakerOpen", "critical", lag_seconds=30, fades_seconds=30)],
    ),
    Fault(
        "alias-operations-failing",
        "the service moves its alias to a collection that does not exist",
        application.switch_on("alias_failure"),
        [Expected("CollectionAliasOperationFailed", "critical", lag_seconds=15, fades_seconds=_WINDOW)],
    ),
    Fault(
        "payload-indexing-failing",
        "the service indexes the payload of a collection that does not exist",
        application.switch_on("payload_index_failure"),
        [Expected("PayloadIndexingFailed", "critical", lag_seconds=15, fades_seconds=_WINDOW)],
    ),
    Fault(
        "model-backlog",
        "80 jobs a second wait for the large model",
        application.switch_on("model_backlog"),
        [Expected("ModelQueueBacklog", "warning")],
        company={"DatabaseCircuitBreakerOpen": "calls time out in the queue; the model's breaker opens"},
    ),
    Fault(
        "security-burst",
        "wrong API keys and an attempt to gain rights, every second",
        application.switch_on("security_burst"),
        [
            Expected("HighRiskSecurityEvent", "critical", lag_seconds=15, fades_seconds=_WINDOW),
            Expected("AuthenticationFailuresHigh", "warning", lag_seconds=30, fades_seconds=_WINDOW),
        ],
    ),
    Fault(
        "hypervectors-broken",
        "hypervectors of unequal length are bundled",
        application.switch_on("hdc_errors"),
        [Expected("HDCHighErrorRate", "critical", lag_seconds=30, fades_seconds=_WINDOW)],
    ),
    Fault(
        "quality-low",
        "answers are written from passages that have nothing to do with the question",
        application.switch_on("quality_drop"),
        # Answers of the bad time are kept, and given again, for up to six minutes.
        [Expected("WorkflowQualityLow", "warning", lag_seconds=180, fades_seconds=360 + _WINDOW)],
    ),
    Fault(
        "cost-spike",
        "the large model writes 20 times as much",
        application.switch_on("cost_spike"),
        [Expected("LLMCostSpike", "critical", lag_seconds=180, fades_seconds=_WINDOW)],
        # The rule compares with the hour before, and says nothing before it knows half of one.
        warm_up_seconds=2_160,
    ),
)


def find_fault(name: str) -> Fault:
    """Return a fault by its name. Raises KeyError."""
    return {fault.name: fault for fault in FAULTS}[name]
