"""`vectorwatch dashboards`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
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
    from vectorwatch.dashboards.build import write

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
    from vectorwatch.dashboards.publish import import_dashboards

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
