"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="YAML file with settings; the environment wins over it."
)
SECRETS = click.option(
    "--secrets",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="/secrets",
    show_default=True,
    help="Folder with the volume of each service.",
)
CHECKOUT = click.option("--checkout", type=click.Path(path_type=Path), default="/checkout", show_default=True)
PUBLIC_HOST = click.option(
    "--public-host",
    envvar="PUBLIC_HOST",
    show_envvar=True,
    default="127.0.0.1",
    show_default=True,
    help="Name or address under which other hosts reach this one.",
)
ASK = click.option(
    "--ask/--no-ask",
    envvar="WEB_LOGIN",
    show_envvar=True,
    default=False,
    show_default=True,
    help="Whether Prometheus and Alertmanager ask everybody for a password.",
)
GRAFANA = click.option(
    "--grafana",
    envvar="GRAFANA_URL",
    show_envvar=True,
    default="",
    help="Address of the dashboards that alerts link to; without one they link to none.",
)
