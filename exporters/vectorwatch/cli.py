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
from .commands.dashboards import dashboards
from .commands.demo import demo, demo_app
from .commands.elastic import elastic
from .commands.exporters import exporter, probe
from .commands.options import ASK, CHECKOUT, CONFIG, GRAFANA, PUBLIC_HOST, SECRETS
from .commands.rotate import rotate
from .commands.rules import rules
from .errors import VectorwatchError
from .serve.web_login import WEB_USER


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vectorwatch")
def cli() -> None:
    """Monitoring for AI search in production."""


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
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
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


@cli.command()
@SECRETS
@CHECKOUT
@click.option("--lists", type=click.Path(path_type=Path), default="/profile-targets", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default="/data", show_default=True)
@click.option("--rules", type=click.Path(path_type=Path), default="/rules", show_default=True)
@click.option("--dashboards", type=click.Path(path_type=Path), default="/dashboards", show_default=True)
@GRAFANA
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


for command in (exporter, probe, rules, elastic, dashboards, demo, demo_app, benchmark, backup, rotate):
    cli.add_command(command)


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
