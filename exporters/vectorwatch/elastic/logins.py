"""Who may log in to Elasticsearch: data, so that a user added later is one entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SUPERUSER = "elastic"
SUPERUSER_SECRET = "elastic_password"  # noqa: S105 - the name of a file


@dataclass(frozen=True)
class Login:
    """A user; `secret` is the file with its password."""

    user: str
    secret: str
    roles: Sequence[str] = ()
    full_name: str = ""
    built_in: bool = False
    """Elasticsearch made it, with its role; only its password is ours."""
    personal: bool = False
    """A person logs in as it and may have chosen another password: it is set once."""


LOGINS = (
    Login("kibana_system", "kibana_system_password", built_in=True),
    Login("logstash_writer", "logstash_writer_password", ("logstash_writer",), "Logstash"),
    Login("grafana_reader", "grafana_reader_password", ("grafana_reader",), "Grafana"),
    Login("logs_exporter", "logs_exporter_password", ("logs_exporter",), "Exporter of the log half"),
    Login(
        "elasticsearch_exporter",
        "elasticsearch_exporter_password",
        ("elasticsearch_exporter",),
        "Exporter of Elasticsearch",
    ),
    Login("log_retention", "log_retention_password", ("log_retention",), "Keeper of the disk bound"),
    Login("log_snapshot", "log_snapshot_password", ("log_snapshot",), "make backup"),
    Login("vectorwatch", "kibana_user_password", ("vectorwatch_viewer",), "People in Kibana", personal=True),
)
