"""`vectorwatch rotate`: the steps of scripts/rotate-secrets, each of which can be made again."""

from __future__ import annotations

from pathlib import Path

import click

from .options import ASK, CHECKOUT, PUBLIC_HOST, SECRETS

_RUN_SECRETS = click.option(
    "--secrets",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="/run/secrets",
    show_default=True,
    help="Folder with the secrets of one service.",
)
_LOGS = click.option("--logs/--no-logs", default=True, help="Whether the log half is on.")
_GRAFANA = click.option("--url", default="http://127.0.0.1:3000", show_default=True)
_ELASTICSEARCH = click.option("--url", default="https://elasticsearch:9200", show_default=True)
_KIBANA = click.option("--url", default="http://kibana:5601", show_default=True)
_LEAVE = click.option("--leave", multiple=True, help="What is not rotated, for its service does not run.")
_NAMES = click.argument("names", nargs=-1)


@click.group()
def rotate() -> None:
    """Rotate secrets: the steps of scripts/rotate-secrets."""


@rotate.command("plan")
@_LOGS
@_LEAVE
@_NAMES
def plan(names: tuple[str, ...], logs: bool, leave: tuple[str, ...]) -> None:
    """Show what would be rotated, and which services start again."""
    from vectorwatch.setup.rotation import choose, list_items

    for item in choose(names, logs=logs, leave=leave):
        click.echo(
            f"{item.name}: {'restarts ' + ', '.join(item.restarts) if item.restarts else 'no restart'}"
        )
    for name in leave:
        click.echo(f"left, for its service does not run: {name}")
    if not logs and not names:
        left = [item.name for item in list_items() if item.log_half]
        click.echo(f"left, for the log half is off (LOGS=0): {', '.join(left)}")


@rotate.command("begin")
@SECRETS
@CHECKOUT
@PUBLIC_HOST
@ASK
@_LOGS
@_LEAVE
@_NAMES
def begin(
    secrets: Path,
    checkout: Path,
    public_host: str,
    ask: bool,
    names: tuple[str, ...],
    logs: bool,
    leave: tuple[str, ...],
) -> None:
    """Make new secrets and hand them over; keep the old ones until `end`."""
    from vectorwatch.setup.rotation import begin

    made = begin(secrets, checkout, names, logs=logs, leave=leave, public_host=public_host, ask=ask)
    for line in made:
        click.echo(line)


@rotate.command("work")
@SECRETS
def work(secrets: Path) -> None:
    """Show, for the script, what is to be done after `begin`."""
    from vectorwatch.setup.rotation import list_work

    for line in list_work(secrets):
        click.echo(line)


@rotate.command("end")
@SECRETS
def end(secrets: Path) -> None:
    """Forget the old secrets."""
    from vectorwatch.setup.rotation import end

    end(secrets)


@rotate.command("tell-grafana")
@_GRAFANA
@_RUN_SECRETS
def tell_grafana(url: str, secrets: Path) -> None:
    """Make Grafana take the new password of its administrator."""
    from vectorwatch.setup.grafana_login import tell

    click.echo(tell(url, secrets))


@rotate.command("check-grafana")
@_GRAFANA
@_RUN_SECRETS
def check_grafana(url: str, secrets: Path) -> None:
    """See that Grafana refuses the old one."""
    from vectorwatch.setup.grafana_login import refuse_old

    click.echo(refuse_old(url, secrets))


@rotate.command("check-elasticsearch")
@_ELASTICSEARCH
@_RUN_SECRETS
def check_elasticsearch(url: str, secrets: Path) -> None:
    """See that Elasticsearch takes the new passwords and refuses the old ones."""
    from vectorwatch.elastic.connection import Connection
    from vectorwatch.elastic.rotation import refuse_old

    for line in refuse_old(Connection(url, secrets)):
        click.echo(line)


@rotate.command("tell-kibana")
@_KIBANA
@_RUN_SECRETS
def tell_kibana(url: str, secrets: Path) -> None:
    """Make Kibana encrypt with its new key what it has encrypted with the one before."""
    from vectorwatch.elastic.rotation import encrypt_anew

    click.echo(encrypt_anew(url, secrets))
