"""`vectorwatch elastic`: Elasticsearch and Kibana."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def elastic() -> None:
    """Bring Elasticsearch and Kibana to what this repository says, and keep the logs within their bound."""


_ELASTICSEARCH_URL = click.option(
    "--url",
    envvar="VECTORWATCH_ELASTIC_URL",
    show_envvar=True,
    default="https://elasticsearch:9200",
    show_default=True,
    help="Address of Elasticsearch.",
)
_ELASTIC_SECRETS = click.option(
    "--secrets",
    type=click.Path(path_type=Path),
    default="/run/secrets",
    show_default=True,
    help="Folder with the passwords, and ca.crt for https.",
)
_RETENTION_SIZE = click.option(
    "--size",
    envvar="LOGS_RETENTION_SIZE",
    show_envvar=True,
    default="20GB",
    show_default=True,
    help="How much of the logs is kept.",
)


@elastic.command("setup-elasticsearch")
@_ELASTICSEARCH_URL
@_ELASTIC_SECRETS
@click.option(
    "--definitions",
    type=click.Path(path_type=Path),
    default="/elasticsearch",
    show_default=True,
    help="Folder with templates, lifecycle and roles.",
)
@click.option(
    "--time",
    envvar="LOGS_RETENTION_TIME",
    show_envvar=True,
    default="14d",
    show_default=True,
    help="How long logs are kept.",
)
@_RETENTION_SIZE
@click.option(
    "--namespace",
    envvar="LOGS_NAMESPACE",
    show_envvar=True,
    default="default",
    show_default=True,
    help="Last part of the names of the data streams.",
)
@click.option(
    "--patience",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds to wait for a server that starts.",
)
def elastic_setup_elasticsearch(
    url: str, secrets: Path, definitions: Path, time: str, size: str, namespace: str, patience: float
) -> None:
    """Create or correct users, roles, lifecycle, templates and data streams of the logs."""
    from vectorwatch.elastic.setup import run

    run(url, secrets, definitions, time, size, namespace, patience, click.echo)


@elastic.command("keep-within")
@_ELASTICSEARCH_URL
@_ELASTIC_SECRETS
@_RETENTION_SIZE
@click.option("--every", type=float, default=300.0, show_default=True, help="Seconds between two looks.")
@click.option("--heartbeat", type=click.Path(path_type=Path), help="Touched every few seconds.")
def elastic_keep_within(url: str, secrets: Path, size: str, every: float, heartbeat: Path | None) -> None:
    """Delete the oldest logs while all of them take more than their bound, until SIGTERM."""
    from vectorwatch.elastic.keeper import run

    run(url, secrets, size, every, heartbeat)


_LIMIT = click.option(
    "--limit", type=float, default=7200.0, show_default=True, help="Seconds after which it is given up."
)
_PATIENCE = click.option(
    "--patience",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds to wait for a server that starts.",
)


@elastic.command("snapshot")
@_ELASTICSEARCH_URL
@_ELASTIC_SECRETS
@_PATIENCE
@_LIMIT
def elastic_snapshot(url: str, secrets: Path, patience: float, limit: float) -> None:
    """Make a snapshot of the logs and of what people saved in Kibana; delete the older ones."""
    from vectorwatch.elastic.snapshots import run_snapshot

    run_snapshot(url, secrets, patience, limit, click.echo)


@elastic.command("restore-snapshot")
@_ELASTICSEARCH_URL
@_ELASTIC_SECRETS
@_PATIENCE
@_LIMIT
def elastic_restore_snapshot(url: str, secrets: Path, patience: float, limit: float) -> None:
    """Restore the newest snapshot into an Elasticsearch without logs, before Logstash and Kibana run."""
    from vectorwatch.elastic.snapshots import run_restore

    run_restore(url, secrets, patience, limit, click.echo)


@elastic.command("setup-kibana")
@click.option(
    "--url",
    envvar="VECTORWATCH_KIBANA_URL",
    show_envvar=True,
    default="http://kibana:5601",
    show_default=True,
    help="Address of Kibana.",
)
@click.option("--user", default="elastic", show_default=True, help="Who owns what is imported.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    default="/run/secrets/elastic_password",
    show_default=True,
)
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    default="/kibana/saved-objects",
    show_default=True,
    help="Folder of NDJSON files.",
)
@click.option(
    "--grafana",
    envvar="GRAFANA_URL",
    show_envvar=True,
    default="http://127.0.0.1:3000",
    show_default=True,
    help="Where people open Grafana.",
)
@click.option(
    "--jaeger",
    envvar="JAEGER_URL",
    show_envvar=True,
    default="http://127.0.0.1:16686",
    show_default=True,
    help="Where people open Jaeger: a trace's id leads there.",
)
@click.option("--ca", type=click.Path(path_type=Path), help="Authorities to trust instead of the system's.")
@click.option(
    "--patience",
    type=float,
    default=300.0,
    show_default=True,
    help="Seconds to wait for a Kibana that starts.",
)
def elastic_setup_kibana(
    url: str,
    user: str,
    password_file: Path,
    source: Path,
    grafana: str,
    jaeger: str,
    ca: Path | None,
    patience: float,
) -> None:
    """Give Kibana its data views, searches and dashboards; what you saved under other ids stays."""
    from vectorwatch.elastic.kibana import set_up_kibana
    from vectorwatch.elastic.waiting import Patience

    for line in set_up_kibana(
        url=url,
        user=user,
        password_file=password_file,
        source=source,
        grafana=grafana,
        jaeger=jaeger,
        ca_file=ca,
        patience=Patience(patience, lambda line: click.echo(f"kibana: {line}")),
    ):
        click.echo(line)


@elastic.command("make-saved-objects")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="kibana/saved-objects",
    show_default=True,
    help="Folder.",
)
def elastic_make_saved_objects(out: Path) -> None:
    """Write what Kibana shows of the logs as the NDJSON that it imports."""
    from vectorwatch.elastic.saved_objects.build import write

    for line in write(out):
        click.echo(line)
