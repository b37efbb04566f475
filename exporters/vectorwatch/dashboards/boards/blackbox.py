"""From outside: do addresses answer, rightly, fast, and with a valid certificate?"""

from __future__ import annotations

from ..board import TARGETS, Board, job_and_instance, logs_of, row
from ..panel import (
    COUNT,
    NONE,
    RATIO,
    SECONDS,
    UP_DOWN,
    Column,
    Limits,
    State,
    bars,
    query,
    stat,
    states,
    table,
    timeseries,
)

CHOSEN = TARGETS
SLOW = Limits(warning="endpoint_duration_seconds")
EXPIRY = Limits(
    warning="tls_certificate_expiry_seconds", critical="tls_certificate_expiry_critical_seconds", below=True
)
VALID = f"(last_over_time(probe_ssl_earliest_cert_expiry{{{CHOSEN}}}[1h]) - time())"
"""The last date that was seen: a probe that fails for an expired certificate does not tell it."""

BOARD = Board(
    name="blackbox",
    folder="Infrastructure",
    title="Reachability and certificates",
    about="Addresses as blackbox_exporter tries them from outside: answers, times and certificates.",
    components=("endpoint",),
    variables=job_and_instance("probe_success"),
    links=(
        ("Performance overview", "/d/vw-performance"),
        ("Hosts", "/d/vw-host"),
        logs_of("blackbox-exporter"),
    ),
    rows=(
        row(
            "Can everything be reached?",
            stat(
                "Addresses that fail",
                "Now: no connection, a wrong status or page, or a certificate that is not valid. See below which and since "
                "when.",
                COUNT,
                query(f"sum(probe_success{{{CHOSEN}}} == bool 0)", "addresses"),
                any_is_bad=True,
                alerts=("EndpointUnreachable", "EndpointFailing"),
            ),
            stat(
                "Addresses tried",
                "As many as stand in prometheus/targets/blackbox.yml.",
                COUNT,
                query(f"count(probe_success{{{CHOSEN}}})", "addresses"),
            ),
            stat(
                "Availability",
                "Share of tries that went well in the chosen time, all addresses together.",
                RATIO,
                query(f"avg(avg_over_time(probe_success{{{CHOSEN}}}[$__range]))", "went well"),
            ),
            stat(
                "Slowest answer",
                "Mean of five minutes, of the slowest address that answers.",
                SECONDS,
                query(
                    f"max(avg_over_time(probe_duration_seconds{{{CHOSEN}}}[5m]) and probe_success{{{CHOSEN}}} == 1)",
                    "slowest",
                ),
                limits=SLOW,
            ),
            stat(
                "Next certificate to expire",
                "Time left. Renew it before: at 0 nobody who checks certificates gets through.",
                SECONDS,
                query(f"min({VALID})", "left"),
                limits=EXPIRY,
                alerts=("TlsCertificateExpired",),
            ),
            stat(
                "The exporter itself",
                "Whether it could load blackbox/blackbox.yml. Not: it goes on with the modules of before, and would not start "
                "again.",
                NONE,
                query(
                    """min(blackbox_exporter_config_last_reload_successful{job="blackbox-exporter"})""",
                    "configuration",
                ),
                states={0: State("not loaded", "red"), 1: State("loaded", "green")},
                alerts=("BlackboxBadConfig",),
            ),
        ),
        row(
            "Answers",
            states(
                "Reachability",
                "Each address over time. Red for all at once: the way out of this machine, or its name server.",
                query(f"probe_success{{{CHOSEN}}}", "{{instance}}"),
                meanings=UP_DOWN,
                height=10,
                alerts=("EndpointUnreachable", "EndpointFlapping"),
            ),
            timeseries(
                "Answer time",
                "The slowest addresses, failures included: those take as long as the exporter waits.",
                SECONDS,
                query(f"topk(15, probe_duration_seconds{{{CHOSEN}}})", "{{instance}}"),
                width=12,
                height=10,
                limits=SLOW,
            ),
            timeseries(
                "What takes the time",
                "Mean of all HTTP addresses, by phase. Long `resolve`: the name server; long `connect` or `tls`: the way; long "
                "`processing`: the service itself.",
                SECONDS,
                query(f"avg by (phase) (probe_http_duration_seconds{{{CHOSEN}}})", "{{phase}}"),
                stacked=True,
            ),
            timeseries(
                "Name look-ups",
                "How long the slowest take. Slow for all addresses: the name server of this machine.",
                SECONDS,
                query(f"topk(15, probe_dns_lookup_time_seconds{{{CHOSEN}}})", "{{instance}}"),
            ),
            timeseries(
                "Failed or recovered",
                "Times within an hour, the most restless addresses. Many: gaps too short for an alert each.",
                COUNT,
                query(f"topk(15, changes(probe_success{{{CHOSEN}}}[1h]))", "{{instance}}"),
                limits=Limits(warning="endpoint_flapping_changes"),
            ),
        ),
        row(
            "Certificates and statuses",
            bars(
                "Validity left",
                "The certificates that expire first. Most issuers renew at 30 days: what is below is not renewed by itself.",
                SECONDS,
                query(f"sort(bottomk(20, {VALID}))", "{{instance}}"),
                width=8,
                height=10,
                limits=EXPIRY,
            ),
            table(
                "Addresses",
                "The last status, time and certificate of each; a connection without HTTP has no status.",
                query(f"max by (job, instance) (probe_success{{{CHOSEN}}})"),
                query(f"max by (job, instance) (probe_http_status_code{{{CHOSEN}}})"),
                query(f"max by (job, instance) (avg_over_time(probe_duration_seconds{{{CHOSEN}}}[1h]))"),
                query(f"min by (job, instance) {VALID}"),
                columns=(
                    Column("job", "Job"),
                    Column(
                        "instance", "Address", link="/d/vw-blackbox?var-instance=${__value.raw:percentencode}"
                    ),
                    Column("Value #A", "Answers", NONE, states=UP_DOWN),
                    Column("Value #B", "HTTP status"),
                    Column("Value #C", "Mean time of an hour", SECONDS, limits=SLOW),
                    Column("Value #D", "Certificate valid for", SECONDS, limits=EXPIRY),
                ),
                width=16,
                height=10,
            ),
        ),
    ),
)
