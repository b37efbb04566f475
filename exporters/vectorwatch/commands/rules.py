"""`vectorwatch rules`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import GRAFANA


@click.group()
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
@GRAFANA
def rules_render(source: Path, mine: Path | None, out: Path, grafana: str) -> None:
    """Put your numbers into the rules; after a mistake the rules in `--out` stay as they are."""
    from vectorwatch.rules.service import render_rules

    for line in render_rules(source, out, mine, grafana):
        click.echo(line)


@rules.command("service-levels")
@click.option("--source", type=click.Path(path_type=Path), default="prometheus", show_default=True)
def rules_service_levels(source: Path) -> None:
    """Show the rules that the service levels make."""
    from vectorwatch.rules.service import write_service_levels

    click.echo(write_service_levels(source), nl=False)
