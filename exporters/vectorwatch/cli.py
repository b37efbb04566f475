"""The command line. Each command imports its room when it runs, so that one room's needs burden no other."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import click

from . import __version__
from .commands.backup import backup
from .commands.benchmark import benchmark
from .commands.options import ASK, CHECKOUT, CONFIG, PUBLIC_HOST, SECRETS
from .commands.rotate import rotate
from .errors import VectorwatchError
from .serve.web_login import WEB_USER


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vectorwatch")
def cli() -> None:
    """Monitoring for AI search in production."""


@cli.group()
def exporter() -> None:
    """Expose one kind of server to Prometheus."""


@exporter.command("qdrant")
@CONFIG
def exporter_qdrant(config: Path | None) -> None:
    """Expose Qdrant collections, shards, indexes and aliases."""
    from .qdrant.service import run

    run(config)


@exporter.command("dragonfly")
@CONFIG
def exporter_dragonfly(config: Path | None) -> None:
    """Expose DragonflyDB, Valkey or Redis."""
    from .dragonfly.service import run

    run(config)


@exporter.command("gpu")
@CONFIG
def exporter_gpu(config: Path | None) -> None:
    """Expose NVIDIA GPUs through NVML."""
    from .gpu.service import run

    run(config)


@exporter.command("logs")
@CONFIG
def exporter_logs(config: Path | None) -> None:
    """Expose Logstash, Filebeat, Kibana and the events that arrive in Elasticsearch."""
    from .logs.service import run

    run(config)


@cli.group()
def probe() -> None:
    """Measure from outside what no server says of itself."""


@probe.command("hnsw")
@CONFIG
def probe_hnsw(config: Path | None) -> None:
    """Measure search latency and recall of Qdrant collections."""
    from .hnsw.service import run

    run(config)


@cli.command()
@CONFIG
def inbox(config: Path | None) -> None:
    """Keep and show the alert notifications of Alertmanager."""
    from .inbox.service import run

    run(config)


@cli.command("status-api")
@CONFIG
def status_api(config: Path | None) -> None:
    """Serve the health of every component: an API for load balancers and scripts, a page for people."""
    from .status.service import run

    run(config)


@cli.command()
@click.option(
    "--url",
    envvar="STATUS_URL",
    show_envvar=True,
    default="http://127.0.0.1:9448",
    show_default=True,
    help="Address of the status API.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers, on one line.")
@click.option("--watch", is_flag=True, help="Look again and again until Ctrl-C.")
@click.option("--every", type=float, default=5.0, show_default=True, help="Seconds between two looks.")
def status(url: str, as_json: bool, watch: bool, every: float) -> None:
    """Show whether all is well.

    Exit code: 0 healthy, 1 degraded, 2 unhealthy, 3 cannot tell.
    """
    from .status import terminal

    if watch:
        clear = sys.stdout.isatty() and not as_json
        sys.exit(terminal.watch(url, as_json=as_json, say=click.echo, every_seconds=every, clear=clear))
    sys.exit(terminal.show(url, as_json=as_json, say=click.echo))


@cli.command()
@click.option(
    "--expect",
    type=click.Path(path_type=Path),
    default="expectations.yml",
    show_default=True,
    help="YAML file with what should be there.",
)
@click.option("--url", help="Address of Qdrant instead of the file's.")
@click.option("--api-key-file", type=click.Path(path_type=Path), help="File that holds the API key.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON, on one line.")
@click.option("--write", is_flag=True, help="Print an expectations file from what is there now.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds for one request; counting many points takes some.",
)
def verify(
    expect: Path, url: str | None, api_key_file: Path | None, as_json: bool, write: bool, timeout: float
) -> None:
    """Compare collections and aliases of Qdrant with a file that says what should be there.

    Exit code: 0 as expected, 1 findings, 2 the file or the options are wrong, 3 a server cannot be asked.
    """
    from .integrity import terminal

    if write and as_json:
        raise click.UsageError("--write prints YAML; leave out --json")
    if write:
        sys.exit(terminal.write(url, api_key_file, timeout_seconds=timeout, say=click.echo))
    sys.exit(
        terminal.show(expect, url, api_key_file, as_json=as_json, timeout_seconds=timeout, say=click.echo)
    )


@cli.command()
@click.option(
    "--prometheus",
    envvar="PROMETHEUS_URL",
    show_envvar=True,
    default="http://127.0.0.1:9090",
    show_default=True,
    help="Address of Prometheus.",
)
@click.option(
    "--password-file",
    envvar="PROMETHEUS_PASSWORD_FILE",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help=f"File with the password of the user {WEB_USER}, where Prometheus asks for one.",
)
@click.option("--collection", required=True, help="Collection, or alias, as the probe shows it.")
@click.option("--instance", help="Qdrant server, as the metrics show it; needed where several have it.")
@click.option("--vector", help="Named vector; needed where several are measured.")
@click.option("--filter", "filter_name", help="`filter_name` of the probe; else searches without a filter.")
@click.option("--k", type=click.IntRange(1), help="Number of results; needed where several are measured.")
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    help="Recall to reach, 0 to 1, at the least work.  [default: the objective of the probe]",
)
@click.option(
    "--p95-ms",
    type=click.FloatRange(0, min_open=True),
    help="Latency (p95, ms) to stay within, at the best recall.",
)
@click.option("--over", default="1h", show_default=True, help="How far to look back, such as 30m or 1d.")
@click.option("--json", "as_json", is_flag=True, help="Print advice and measurements as JSON, on one line.")
def advise(
    prometheus: str,
    password_file: Path | None,
    collection: str,
    instance: str | None,
    vector: str | None,
    filter_name: str | None,
    k: int | None,
    recall: float | None,
    p95_ms: float | None,
    over: str,
    as_json: bool,
) -> None:
    """Recommend HNSW settings from the recall and latency that the probe has measured.

    Exit code: 0 an advice, 1 an error, 3 cannot tell.
    """
    from .advise import terminal
    from .advise.reader import Question

    if recall is not None and p95_ms is not None:
        raise click.UsageError("give --recall or --p95-ms, not both")
    if not all(math.isfinite(aim) for aim in (recall, p95_ms) if aim is not None):
        raise click.UsageError("--recall and --p95-ms take a number")
    if not re.fullmatch(r"[1-9]\d{0,5}[smhdw]", over):
        raise click.UsageError(f"--over: `{over}` is no length of time; write 30m, 1h or 2d")
    question = Question(collection, instance, vector, filter_name, k, over)
    sys.exit(
        terminal.show(
            prometheus,
            question,
            password_file=password_file,
            recall=recall,
            p95_ms=p95_ms,
            as_json=as_json,
            say=click.echo,
        )
    )


_GRAFANA = click.option(
    "--grafana",
    envvar="GRAFANA_URL",
    show_envvar=True,
    default="",
    help="Address of the dashboards that alerts link to; without one they link to none.",
)


@cli.command()
@SECRETS
@CHECKOUT
@click.option("--lists", type=click.Path(path_type=Path), default="/profile-targets", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default="/data", show_default=True)
@click.option("--rules", type=click.Path(path_type=Path), default="/rules", show_default=True)
@click.option("--dashboards", type=click.Path(path_type=Path), default="/dashboards", show_default=True)
@_GRAFANA
@PUBLIC_HOST
@ASK
def setup(
    secrets: Path,
    checkout: Path,
    lists: Path,
    data: Path,
    rules: Path,
    dashboards: Path,
    grafana: str,
    public_host: str,
    ask: bool,
) -> None:
    """Create what the stack needs before it starts; changes nothing that is already right."""
    from .dashboards.tuned import write_tuned
    from .rules.service import read_tuned, render_rules
    from .setup.service import prepare

    source = checkout / "prometheus"
    for line in prepare(secrets, checkout, lists, data, public_host, ask=ask):
        click.echo(line)
    for line in render_rules(source, rules, grafana=grafana):
        click.echo(line)
    for line in write_tuned(checkout / "grafana/dashboards", dashboards, *read_tuned(source)):
        click.echo(line)


@cli.group()
def rules() -> None:
    """Make the rules that Prometheus runs."""


@rules.command("render")
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    default="prometheus",
    show_default=True,
    help="Folder with rules/ and thresholds.yml.",
)
@click.option(
    "--mine", type=click.Path(path_type=Path), help="Your numbers.  [default: thresholds.mine.yml there]"
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the rules to run.")
@_GRAFANA
def rules_render(source: Path, mine: Path | None, out: Path, grafana: str) -> None:
    """Put your numbers into the rules; after a mistake the rules in `--out` stay as they are."""
    from .rules.service import render_rules

    for line in render_rules(source, out, mine, grafana):
        click.echo(line)


@rules.command("service-levels")
@click.option("--source", type=click.Path(path_type=Path), default="prometheus", show_default=True)
def rules_service_levels(source: Path) -> None:
    """Show the rules that the service levels make."""
    from .rules.service import write_service_levels

    click.echo(write_service_levels(source), nl=False)


@cli.command()
@SECRETS
def credentials(secrets: Path) -> None:
    """Show the logins that `setup` has created."""
    from .setup.service import show

    for line in show(secrets):
        click.echo(line)


@cli.command("shipper-files")
@SECRETS
@CHECKOUT
@PUBLIC_HOST
@click.option(
    "--port", envvar="LOGSTASH_BEATS_PORT", show_envvar=True, type=int, default=5044, show_default=True
)
@click.argument("host", default="shipper")
def shipper_files(secrets: Path, checkout: Path, public_host: str, port: int, host: str) -> None:
    """Write a tar archive with what the Filebeat on HOST needs to send logs here.

    Each call makes another certificate, which HOST names.
    """
    from .setup.service import make_shipper_files

    if sys.stdout.isatty():
        raise click.UsageError("this writes an archive: add `> shipper.tar`")
    sys.stdout.buffer.write(make_shipper_files(secrets, checkout, public_host, port, host))
    click.echo(f"shipper-files: sends to {public_host}:{port}", err=True)
    if public_host in ("127.0.0.1", "localhost"):
        click.echo(
            "shipper-files: that is each host itself; set PUBLIC_HOST and BIND_ADDRESS in .env, run `make up`"
            " and this again",
            err=True,
        )


@cli.command("keep-targets")
@click.option("--source", type=click.Path(path_type=Path), default="/profile", show_default=True)
@click.option("--lists", type=click.Path(path_type=Path), default="/profile-targets", show_default=True)
@click.option("--heartbeat", type=click.Path(path_type=Path), required=True, help="Touched at each look.")
def keep_targets(source: Path, lists: Path, heartbeat: Path) -> None:
    """Keep the servers of a profile on the lists of targets until SIGTERM."""
    from .setup.profile_list import keep

    keep(source, lists, heartbeat)


@cli.command("container-names")
@click.option(
    "--containers",
    type=click.Path(path_type=Path),
    default="/var/lib/docker/containers",
    show_default=True,
    help="Docker's folder of containers.",
)
@click.option("--out", type=click.Path(path_type=Path), default="/container-names", show_default=True)
@click.option("--heartbeat", type=click.Path(path_type=Path), required=True, help="Touched at each look.")
def container_names(containers: Path, out: Path, heartbeat: Path) -> None:
    """Write which container has which name, for the log lines, until SIGTERM."""
    from .container_names.service import keep_names

    keep_names(containers, out, heartbeat)


@cli.group()
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
    from .elastic.setup import run

    run(url, secrets, definitions, time, size, namespace, patience, click.echo)


@elastic.command("keep-within")
@_ELASTICSEARCH_URL
@_ELASTIC_SECRETS
@_RETENTION_SIZE
@click.option("--every", type=float, default=300.0, show_default=True, help="Seconds between two looks.")
@click.option("--heartbeat", type=click.Path(path_type=Path), help="Touched every few seconds.")
def elastic_keep_within(url: str, secrets: Path, size: str, every: float, heartbeat: Path | None) -> None:
    """Delete the oldest logs while all of them take more than their bound, until SIGTERM."""
    from .elastic.keeper import run

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
    from .elastic.snapshots import run_snapshot

    run_snapshot(url, secrets, patience, limit, click.echo)


@elastic.command("restore-snapshot")
@_ELASTICSEARCH_URL
@_ELASTIC_SECRETS
@_PATIENCE
@_LIMIT
def elastic_restore_snapshot(url: str, secrets: Path, patience: float, limit: float) -> None:
    """Restore the newest snapshot into an Elasticsearch without logs, before Logstash and Kibana run."""
    from .elastic.snapshots import run_restore

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
    from .elastic.kibana import set_up_kibana
    from .elastic.waiting import Patience

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
    from .elastic.saved_objects.build import write

    for line in write(out):
        click.echo(line)


@cli.group()
def dashboards() -> None:
    """Make Grafana's dashboards, or push them to a Grafana of yours."""


@dashboards.command("make")
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default="prometheus/thresholds.yml",
    show_default=True,
    help="Numbers to draw.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="grafana/dashboards",
    show_default=True,
    help="Folder to write them into.",
)
def dashboards_make(thresholds: Path, out: Path) -> None:
    """Write every dashboard as the JSON that Grafana reads."""
    from .dashboards.build import write

    for line in write(thresholds, out):
        click.echo(line)


@dashboards.command("import")
@click.option("--url", required=True, help="Address of Grafana, such as https://grafana.example.com.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    envvar="GRAFANA_TOKEN_FILE",
    show_envvar=True,
    help="File with the token of a service account whose role is Editor.",
)
@click.option("--datasource", metavar="UID", default="", help="Prometheus that the dashboards start with.")
@click.option("--folder", "folders", multiple=True, help="This folder alone; may be given more than once.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing.")
@click.option("--ca", type=click.Path(path_type=Path), help="Authorities to trust instead of the system's.")
@click.option("--source", type=click.Path(path_type=Path), default="grafana/dashboards", show_default=True)
def dashboards_import(
    url: str,
    token_file: Path | None,
    datasource: str,
    folders: tuple[str, ...],
    dry_run: bool,
    ca: Path | None,
    source: Path,
) -> None:
    """Push the dashboards to a Grafana that runs already; changes nothing that is already right."""
    from .dashboards.publish import import_dashboards

    for line in import_dashboards(
        url=url,
        token_file=token_file,
        source=source,
        folders=folders,
        data_source=datasource,
        ca_file=ca,
        dry_run=dry_run,
    ):
        click.echo(line)


@cli.group()
def demo() -> None:
    """Run the whole stack embedded, without Docker."""


@demo.command("up")
@click.option(
    "--ports",
    type=click.Choice(["default", "free"]),
    default="default",
    show_default=True,
    help="Which to take.",
)
def demo_up(ports: str) -> None:
    """Run everything until Ctrl-C."""
    from .demo.up import run

    run(ports)


@demo.command("check")
def demo_check() -> None:
    """Break the cache, see the alert arrive, mend it, see it end."""
    from .demo.check import run

    run()


@demo.command("qdrant")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=6333, show_default=True, help="Port to listen on.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the collections.")
@click.option("--api-key-file", type=click.Path(path_type=Path), help="File with the key to demand.")
def demo_qdrant(host: str, port: int, data: Path, api_key_file: Path | None) -> None:
    """Run the embedded Qdrant alone: the real engine behind a stand-in of Qdrant's REST routes."""
    from .demo.engine import run

    run(host, port, data, api_key_file)


@cli.group("demo-app", invoke_without_command=True)
@CONFIG
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 8000 if not given.")
@click.option("--qdrant-url", help="Qdrant that keeps the passages.")
@click.option("--cache-url", help="DragonflyDB, Valkey or Redis that keeps answers.")
@click.option("--database", help="SQLAlchemy URL; an SQLite file if not given.")
@click.option("--data", help="Folder of the API keys and of the SQLite file.")
@click.option("--traces-endpoint", help="OTLP over HTTP, such as http://127.0.0.1:4318.")
@click.option("--demo-faults", is_flag=True, default=None, help="Let anybody break it: serve /demo/faults.")
@click.pass_context
def demo_app(context: click.Context, /, config: Path | None, **options: str | int | bool | None) -> None:
    """Run a small RAG service that records every application metric; its language model is simulated.

    Each option has a setting `VECTORWATCH_APP_<OPTION>`; the option wins.
    """
    if context.invoked_subcommand:
        return
    from .demo.app.service import run

    run(
        config,
        {
            f"VECTORWATCH_APP_{name.upper()}": str(value)
            for name, value in options.items()
            if value is not None
        },
    )


_APP_URL = click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="Address of the demo service."
)


@demo_app.group("faults")
def demo_app_faults() -> None:
    """List, begin and end the faults of a demo service that runs with --demo-faults."""


@demo_app_faults.command("list")
@_APP_URL
def demo_app_faults_list(url: str) -> None:
    """List all faults."""
    from .demo.app.fault_client import FaultClient

    for line in FaultClient(url).describe():
        click.echo(line)


@demo_app_faults.command("begin")
@_APP_URL
@click.option("--seconds", type=float, default=300.0, show_default=True, help="When it ends by itself.")
@click.argument("name")
def demo_app_faults_begin(url: str, seconds: float, name: str) -> None:
    """Switch a fault on."""
    from .demo.app.fault_client import FaultClient

    click.echo(FaultClient(url).begin(name, seconds))


@demo_app_faults.command("end")
@_APP_URL
@click.argument("name")
def demo_app_faults_end(url: str, name: str) -> None:
    """Switch a fault off."""
    from .demo.app.fault_client import FaultClient

    click.echo(FaultClient(url).end(name))


cli.add_command(benchmark)
cli.add_command(backup)
cli.add_command(rotate)


def main() -> None:
    """Run the command line; an error a user can mend is one line on stderr."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except VectorwatchError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
