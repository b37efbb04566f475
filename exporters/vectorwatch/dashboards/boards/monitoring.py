"""Who watches must be watched: Prometheus, Alertmanager, exporters, inbox and Grafana."""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    BYTES,
    COUNT,
    EVENTS_PER_SECOND,
    NONE,
    RATIO,
    SECONDS,
    TIMESTAMP,
    UP_DOWN,
    YES_NO,
    Column,
    Limits,
    bars,
    query,
    stat,
    states,
    table,
    timeseries,
)

CHOSEN = TARGETS
GROUP_TIME = f"""prometheus_rule_group_last_duration_seconds{{{CHOSEN}}}
    / (prometheus_rule_group_interval_seconds{{{CHOSEN}}} > 0)"""
EXPORTERS = ("qdrant", "dragonfly", "hnsw", "gpu", "logs")


def any_exporter(metric: str) -> str:
    """Return the series of all exporters whose names end in `metric`."""
    return " or ".join(f"{exporter}_{metric}{{{CHOSEN}}}" for exporter in EXPORTERS)


def total_increase(*metrics: str) -> str:
    """Return by how much counters grew together within an hour."""
    return " + ".join(f"sum(increase({metric}{{{CHOSEN}}}[1h]))" for metric in metrics)


BOARD = Board(
    name="monitoring",
    folder="Monitoring",
    title="Monitoring the monitoring",
    about="Whether what watches everything else works: targets, rules, notifications, cardinality and storage.",
    components=("monitoring",),
    restarts=f"process_start_time_seconds{{{CHOSEN}}}",
    variables=job_and_instance("up"),
    links=(
        ("Alerts", "/d/vw-alerts"),
        ("Tracing", "/d/vw-tracing"),
        ("Start here", "/d/vw-start"),
        logs_of("prometheus", "alertmanager", "grafana", "inbox"),
    ),
    rows=(
        row(
            "Can alerts be believed?",
            stat(
                "Targets down",
                "Programs that do not answer Prometheus, of those chosen. What they measure is not known; see below which.",
                COUNT,
                query(f"sum(1 - up{{{CHOSEN}}})", "down"),
                any_is_bad=True,
                alerts=("TargetDown", "ServiceDown", "TargetsVanished", "PrometheusNotIngesting"),
            ),
            stat(
                "Rules failing",
                "Evaluations that failed within an hour. Any: alerts of that group cannot fire. Prometheus' log says why.",
                COUNT,
                query(f"sum(increase(prometheus_rule_evaluation_failures_total{{{CHOSEN}}}[1h]))", "failed"),
                any_is_bad=True,
                alerts=("PrometheusRulesFailing",),
            ),
            stat(
                "Configuration loaded",
                "Whether the last change was taken. If not, the one of before is in force, and a restart would fail.",
                NONE,
                query(f"min(prometheus_config_last_reload_successful{{{CHOSEN}}})", "Prometheus"),
                query(f"min(alertmanager_config_last_reload_successful{{{CHOSEN}}})", "Alertmanager"),
                width=5,
                states=YES_NO,
                alerts=("PrometheusBadConfig", "AlertmanagerBadConfig"),
            ),
            stat(
                "Exporters read all",
                "Whether each exporter and the probe read all of their targets; GPUs only where there ever were any.",
                NONE,
                query(
                    f"""min(qdrant_up{{{CHOSEN}}} or dragonfly_up{{{CHOSEN}}} or hnsw_up{{{CHOSEN}}}
                    or logs_up{{{CHOSEN}}}
                    or gpu_up{{{CHOSEN}}} and max_over_time(gpu_up{{{CHOSEN}}}[1d]) == 1)""",
                    "all",
                ),
                width=3,
                states=YES_NO,
                alerts=("TargetUnreadable",),
            ),
            stat(
                "Inbox stores",
                "Whether the inbox can write what it receives. If not it refuses notifications: look at its disk.",
                NONE,
                query(f"min(inbox_journal_writable{{{CHOSEN}}})", "journal"),
                width=3,
                states=YES_NO,
                alerts=("InboxNotWritable",),
            ),
            stat(
                "Last notification",
                "When the inbox last received one. Watchdog makes sure that there always is a new one: long ago means that "
                "alerts no longer get through.",
                TIMESTAMP,
                query(f"1000 * max(inbox_last_notification_timestamp_seconds{{{CHOSEN}}})", "received"),
                width=5,
                alerts=("Watchdog",),
            ),
        ),
        row(
            "Targets and programs",
            states(
                "Targets by job",
                "Down as soon as one target of the job is. Gaps that come and go: TargetFlapping.",
                query(f"min by (job) (up{{{CHOSEN}}})", "{{job}}"),
                meanings=UP_DOWN,
                height=10,
                alerts=("TargetDown", "TargetFlapping", "GrafanaDown"),
            ),
            table(
                "Targets",
                "Each target with the time it takes to answer, the series it gives and how often it went or came back within "
                "an hour. A target that nears its scrape timeout will be taken for down.",
                query(f"min by (job, instance) (up{{{CHOSEN}}})"),
                query(f"max by (job, instance) (avg_over_time(scrape_duration_seconds{{{CHOSEN}}}[5m]))"),
                query(f"max by (job, instance) (scrape_samples_post_metric_relabeling{{{CHOSEN}}})"),
                query(f"max by (job, instance) (changes(up{{{CHOSEN}}}[1h]))"),
                columns=(
                    Column("job", "Job"),
                    Column("instance", "Instance"),
                    Column("Value #A", "Up", states=UP_DOWN),
                    Column("Value #B", "Answers in", SECONDS, Limits(warning="scrape_duration_seconds")),
                    Column("Value #C", "Series", COUNT, Limits(warning="target_series")),
                    Column("Value #D", "Changes", COUNT, Limits(warning="target_flapping_changes")),
                ),
                sort_by="Answers in",
                width=12,
                height=10,
            ),
            timeseries(
                "Time to answer a scrape",
                "Of the slowest target of each job. Rising with the number of series is natural; rising alone means that the program is "
                "overloaded.",
                SECONDS,
                query(
                    f"max by (job) (avg_over_time(scrape_duration_seconds{{{CHOSEN}}}[5m]))",
                    "{{job}}",
                ),
                limits=Limits(warning="scrape_duration_seconds"),
            ),
            timeseries(
                "Starts within half an hour",
                "Of the program of each job that started most often. Again and again: look at its log and its memory limit.",
                COUNT,
                query(f"max by (job) (changes(process_start_time_seconds{{{CHOSEN}}}[30m]))", "{{job}}"),
                limits=Limits(warning="process_restarts"),
            ),
            timeseries(
                "Open files",
                "Files and connections open, of what a program may have; the fullest of each job. Full: it refuses connections and "
                "cannot write.",
                RATIO,
                query(
                    f"max by (job) (process_open_fds{{{CHOSEN}}} / (process_max_fds{{{CHOSEN}}} > 0))",
                    "{{job}}",
                ),
                limits=Limits(warning="process_open_files_ratio"),
            ),
            timeseries(
                "Memory of programs",
                "Of the largest of each job. Prometheus' grows with its series, about 4 KiB each; a steady slope elsewhere is a leak.",
                BYTES,
                query(f"max by (job) (process_resident_memory_bytes{{{CHOSEN}}})", "{{job}}"),
            ),
            timeseries(
                "Processor time of programs",
                "Cores in use by the busiest of each job. As many as the machine has: it is too small, or something runs in circles.",
                NONE,
                query(
                    f"max by (job) (rate(process_cpu_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                    "{{job}}",
                ),
            ),
            timeseries(
                "Lists of targets that cannot be read",
                "Failures within an hour. Prometheus goes on with the list of before: correct the file in prometheus/targets/.",
                COUNT,
                query(
                    total_increase(
                        "prometheus_sd_file_read_errors_total", "prometheus_target_sync_failed_total"
                    ),
                    "failures",
                ),
                alerts=("PrometheusTargetListBroken",),
            ),
        ),
        row(
            "Exporters, probe and instrumentation",
            timeseries(
                "Time to read a target",
                "What each exporter needs to ask its slowest server. It rises before a reading fails.",
                SECONDS,
                query(f"max by (job) ({any_exporter('scrape_duration_seconds')})", "{{job}}"),
            ),
            bars(
                "Why a reading is not complete",
                "1 for each reason that holds now. A machine without a card always has one of the GPU exporter.",
                NONE,
                query(
                    f"topk(8, max by (job, reason) ({any_exporter('scrape_failed')}))", "{{job}} {{reason}}"
                ),
                alerts=("TargetUnreadable",),
            ),
            timeseries(
                "Age of the probe's last round",
                "How long ago the recall probe ended a round. It grows steadily: the probe hangs, and recall is not known.",
                SECONDS,
                query(f"time() - hnsw_last_round_timestamp_seconds{{{CHOSEN}}}", "{{instance}}"),
                limits=Limits(warning="hnsw_round_age_seconds"),
            ),
            timeseries(
                "Series left out by exporters",
                "More than their ceiling `max_series`: alerts on what is missing cannot fire. Raise it, or narrow what is read.",
                COUNT,
                query(
                    f"sum by (job) ({any_exporter('scrape_dropped_series')})",
                    "{{job}}",
                ),
                width=12,
                alerts=("ExporterSeriesDropped",),
            ),
            timeseries(
                "Lost by instrumentation",
                "Within an hour: label values that became `other`, users beyond the limit, and errors inside the library. "
                "Applications keep working; their figures lack that.",
                COUNT,
                query(
                    f"""sum by (metric) (increase(vectorwatch_instrument_label_values_refused_total{{{CHOSEN}}}[1h]))
                    or label_replace(0 * sum(increase(vectorwatch_instrument_failures_total{{{CHOSEN}}}[1h])),
                    "metric", "none", "", "")""",
                    "values refused: {{metric}}",
                ),
                query(
                    f"sum(increase(vectorwatch_instrument_users_not_counted_total{{{CHOSEN}}}[1h]))",
                    "users not counted",
                ),
                query(f"sum(increase(vectorwatch_instrument_failures_total{{{CHOSEN}}}[1h]))", "errors"),
                width=12,
                alerts=("LabelValuesRefused",),
            ),
        ),
        row(
            "Rules and notifications",
            timeseries(
                "Slowest rule group",
                "Share of its interval that the slowest group takes. At 1 evaluations are left out and alerts come late; which "
                "group it is stands beside it.",
                RATIO,
                query(f"max by (instance) ({GROUP_TIME})", "{{instance}}"),
                limits=Limits(warning="prometheus_rule_group_duration_ratio"),
            ),
            bars(
                "Time of rule groups",
                "Share of their interval that the eight slowest groups took at their last evaluation. A rule of your own that is "
                "slow may stand in a group of its own, with a longer interval.",
                RATIO,
                query(
                    f"""topk(8, label_replace({GROUP_TIME}, "rule_group", "$1", "rule_group", ".*/(.*)"))""",
                    "{{rule_group}}",
                ),
                limits=Limits(warning="prometheus_rule_group_duration_ratio"),
            ),
            timeseries(
                "Evaluations that went wrong",
                "Within an hour: left out because the group was not done, and texts of alerts that could not be written.",
                COUNT,
                query(total_increase("prometheus_rule_group_iterations_missed_total"), "left out"),
                query(
                    total_increase("prometheus_template_text_expansion_failures_total"), "text not written"
                ),
                alerts=(
                    "PrometheusRulesFailing",
                    "PrometheusEvaluationsMissed",
                    "PrometheusTemplatesFailing",
                ),
            ),
            timeseries(
                "Alerts sent to Alertmanager",
                "What Prometheus sends, and what was not taken or thrown away. Nothing sent at all: it knows no Alertmanager.",
                EVENTS_PER_SECOND,
                query(
                    f"sum(rate(prometheus_notifications_sent_total{{{CHOSEN}}}[$__rate_interval]))", "sent"
                ),
                query(
                    f"sum(rate(prometheus_notifications_dropped_total{{{CHOSEN}}}[$__rate_interval]))",
                    "thrown away",
                ),
                alerts=("PrometheusWithoutAlertmanager",),
            ),
            timeseries(
                "Alerts not taken",
                "Share of the alerts that each Alertmanager did not take within an hour. All of them: it is down.",
                RATIO,
                query(
                    f"""sum by (alertmanager) (rate(prometheus_notifications_errors_total{{{CHOSEN}}}[1h]))
                    / (sum by (alertmanager) (rate(prometheus_notifications_sent_total{{{CHOSEN}}}[1h])) > 0)""",
                    "{{alertmanager}}",
                ),
                limits=Limits(warning="prometheus_notification_errors_ratio"),
            ),
            timeseries(
                "Alerts that wait to be sent",
                "Share of Prometheus' queue in use. Full: alerts are lost.",
                RATIO,
                query(
                    f"""max by (instance) (prometheus_notifications_queue_length{{{CHOSEN}}})
                    / (max by (instance) (prometheus_notifications_queue_capacity{{{CHOSEN}}}) > 0)""",
                    "{{instance}}",
                ),
                limits=Limits(critical="prometheus_notification_queue_ratio"),
            ),
            timeseries(
                "Refused and not saved",
                "Within an hour: alerts that Alertmanager refused, state that it could not save (silences would be gone after a "
                "restart), and messages that the inbox refused.",
                COUNT,
                query(total_increase("alertmanager_alerts_invalid_total"), "alerts refused"),
                query(
                    total_increase(
                        "alertmanager_silences_maintenance_errors_total",
                        "alertmanager_nflog_maintenance_errors_total",
                    ),
                    "state not saved",
                ),
                query(
                    f"""sum(increase(inbox_refused_total{{{CHOSEN}, reason!~"cross_site"}}[1h]))""",
                    "refused by the inbox",
                ),
                alerts=(
                    "AlertmanagerAlertsInvalid",
                    "AlertmanagerStateNotSaved",
                    "InboxRefusing",
                    "AlertmanagerNotificationsFailing",
                ),
                links=(("Notifications by integration", "/d/vw-alerts"),),
            ),
        ),
        row(
            "Cardinality and storage",
            timeseries(
                "Series",
                "What Prometheus holds in memory. Near the limit its memory ends: look at the largest jobs and at labels with many "
                "values.",
                COUNT,
                query(f"prometheus_tsdb_head_series{{{CHOSEN}}}", "{{instance}}"),
                limits=Limits(warning="prometheus_series"),
            ),
            timeseries(
                "Series against yesterday",
                "How many times as many as a day before. Twice as many without new targets: a label has got too many values.",
                NONE,
                query(
                    f"prometheus_tsdb_head_series{{{CHOSEN}}} / (prometheus_tsdb_head_series{{{CHOSEN}}} offset 1d > 0)",
                    "{{instance}}",
                ),
                limits=Limits(warning="prometheus_series_growth_ratio"),
            ),
            bars(
                "Series by job",
                "The ten jobs that give most. One target above its limit is TargetSeriesMany.",
                COUNT,
                query(
                    f"topk(10, sum by (job) (scrape_samples_post_metric_relabeling{{{CHOSEN}}}))", "{{job}}"
                ),
                alerts=("TargetSeriesMany",),
            ),
            timeseries(
                "New series by job",
                "Series that a scrape brought for the first time, within an hour. Many all the time: labels that "
                "change, such as names of containers or requests.",
                COUNT,
                query(f"sum by (job) (sum_over_time(scrape_series_added{{{CHOSEN}}}[1h]))", "{{job}}"),
            ),
            timeseries(
                "Samples stored and thrown away",
                "Thrown away because of their time: two programs give the same series, or a clock is wrong.",
                EVENTS_PER_SECOND,
                query(
                    f"sum(rate(prometheus_tsdb_head_samples_appended_total{{{CHOSEN}}}[$__rate_interval]))",
                    "stored",
                ),
                query(
                    " + ".join(
                        f"sum(rate(prometheus_target_scrapes_sample_{why}_total{{{CHOSEN}}}[$__rate_interval]))"
                        for why in ("out_of_order", "duplicate_timestamp", "out_of_bounds")
                    ),
                    "thrown away",
                ),
                alerts=("PrometheusSamplesRejected",),
            ),
            timeseries(
                "Storage by part",
                "Blocks are the history, the log (WAL) the last hours, written first. A log that only grows: blocks cannot be "
                "made of it.",
                BYTES,
                query(f"sum(prometheus_tsdb_storage_blocks_bytes{{{CHOSEN}}})", "blocks"),
                query(f"sum(prometheus_tsdb_wal_storage_size_bytes{{{CHOSEN}}})", "log"),
                query(f"sum(prometheus_tsdb_head_chunks_storage_size_bytes{{{CHOSEN}}})", "mapped chunks"),
                stacked=True,
            ),
            timeseries(
                "Use of the size limit",
                "Stored bytes of those that may be (0 without a limit). At 1 the oldest history goes before its time.",
                RATIO,
                query(
                    f"""(prometheus_tsdb_storage_blocks_bytes{{{CHOSEN}}} + prometheus_tsdb_wal_storage_size_bytes{{{CHOSEN}}}
                    + prometheus_tsdb_head_chunks_storage_size_bytes{{{CHOSEN}}})
                    / (prometheus_tsdb_retention_limit_bytes{{{CHOSEN}}} > 0)
                    or 0 * prometheus_tsdb_retention_limit_bytes{{{CHOSEN}}}""",
                    "{{instance}}",
                ),
                limits=Limits(warning="prometheus_retention_size_ratio"),
            ),
            stat(
                "Oldest sample",
                "How far the history goes back: where it begins later than the retention that was set, the size limit cuts it.",
                TIMESTAMP,
                query(f"1000 * min(prometheus_tsdb_lowest_timestamp_seconds{{{CHOSEN}}})", "since"),
                width=4,
            ),
            stat(
                "Last backup",
                "When the newest archive of `make backup` was complete; empty where none was ever made.",
                TIMESTAMP,
                query(
                    f"1000 * max(vectorwatch_backup_last_success_timestamp_seconds{{{CHOSEN}}})", "complete"
                ),
                width=4,
                alerts=("BackupTooOld", "BackupFailed", "TextfileUnreadable"),
            ),
            timeseries(
                "Storage failures",
                "Within an hour: log not written, shortened or read, and blocks not made or read. Samples are lost: look at the disk "
                "first.",
                COUNT,
                query(
                    total_increase(
                        "prometheus_tsdb_wal_writes_failed_total",
                        "prometheus_tsdb_wal_corruptions_total",
                        "prometheus_tsdb_wal_truncations_failed_total",
                    ),
                    "log",
                ),
                query(
                    total_increase(
                        "prometheus_tsdb_compactions_failed_total",
                        "prometheus_tsdb_reloads_failures_total",
                        "prometheus_tsdb_head_truncations_failed_total",
                    ),
                    "blocks",
                ),
                width=6,
                alerts=("PrometheusWalFailing", "PrometheusBlocksFailing"),
            ),
            timeseries(
                "Queries at once",
                "Share of the queries that Prometheus runs at once. At 1 they wait, rules too: close heavy dashboards.",
                RATIO,
                query(
                    f"""avg_over_time(prometheus_engine_queries{{{CHOSEN}}}[5m])
                    / (prometheus_engine_queries_concurrent_max{{{CHOSEN}}} > 0)""",
                    "{{instance}}",
                ),
                width=6,
                limits=Limits(warning="prometheus_concurrent_queries_ratio"),
            ),
        ),
        row(
            "Grafana",
            timeseries(
                "Requests that Grafana fails",
                "Share of its answers that are errors of its own. It rises when its database is locked or a data source hangs.",
                RATIO,
                query(
                    f"""sum by (instance) (rate(grafana_http_request_duration_seconds_count{{{CHOSEN}, status_code=~"5.."}}[$__rate_interval]))
                    / (sum by (instance) (rate(grafana_http_request_duration_seconds_count{{{CHOSEN}}}[$__rate_interval])) > 0)
                    or 0 * sum by (instance) (rate(grafana_http_request_duration_seconds_count{{{CHOSEN}}}[$__rate_interval]))""",
                    "{{instance}}",
                ),
                width=12,
                limits=Limits(warning="grafana_failed_requests_ratio"),
                alerts=("GrafanaDown",),
            ),
            timeseries(
                "Requests to Grafana",
                "By status. Many 401: somebody tries passwords. Many 403: a token lacks a right.",
                EVENTS_PER_SECOND,
                query(
                    f"""sum by (status_code)
                    (rate(grafana_http_request_duration_seconds_count{{{CHOSEN}}}[$__rate_interval]))""",
                    "{{status_code}}",
                ),
                width=12,
            ),
            collapsed=True,
        ),
    ),
)
