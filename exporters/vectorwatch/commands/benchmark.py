"""`vectorwatch benchmark …`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import CONFIG


def _default_data() -> Path:
    from vectorwatch.benchmark.settings import default_folder

    return default_folder()


_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="VECTORWATCH_BENCHMARK_DATA",
    show_envvar=True,
    default=_default_data,
    show_default="~/.local/state/vectorwatch/benchmark",
    help="Folder of the service that measures.",
)


@click.group()
def benchmark() -> None:
    """Measure small work on the live servers and hold it against a baseline."""


@benchmark.command("serve")
@CONFIG
def serve(config: Path | None) -> None:
    """Measure again and again, and expose the figures to Prometheus."""
    from vectorwatch.benchmark.service import run

    run(config)


@benchmark.command("show")
@_DATA
def show(data: Path) -> None:
    """Show the newest figures beside the baseline."""
    from vectorwatch.benchmark.terminal import show

    show(data, click.echo)


@benchmark.command("accept")
@_DATA
@click.argument("names", nargs=-1)
def accept(data: Path, names: tuple[str, ...]) -> None:
    """Make the newest figures the baseline: of all, or of the benchmarks, collections or servers NAMES."""
    from vectorwatch.benchmark.terminal import accept

    accept(data, names, click.echo)
