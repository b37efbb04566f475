"""`vectorwatch backup`: what scripts/backup and scripts/restore run in containers."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vectorwatch.errors import VectorwatchError

from .options import CHECKOUT

_VOLUMES = click.option("--volumes", type=click.Path(path_type=Path), default="/volumes", show_default=True)


def _say(line: str) -> None:
    click.echo(line, err=True)


@click.group()
def backup() -> None:
    """Write and read archives of all that the stack keeps (`make backup`, `make restore`)."""


@backup.command()
@_VOLUMES
def size(volumes: Path) -> None:
    """Print how many bytes the volumes hold."""
    from vectorwatch.backup.writing import measure

    click.echo(measure(volumes))


@backup.command()
@_VOLUMES
@CHECKOUT
@click.option("--commit", default="unknown", help="The version of the repository.")
@click.option("--images", default="", help="The images that the stack runs.")
def write(volumes: Path, checkout: Path, commit: str, images: str) -> None:
    """Write an archive to stdout; says `backup: pause`, waits for a line, says `backup: resume`."""
    from vectorwatch.backup.writing import Writer

    writer = Writer(sys.stdout.buffer, _say)
    writer.add_blocks(volumes)
    writer.add_files(checkout)
    _say("backup: pause")
    if sys.stdin.readline().strip() != "paused":
        raise VectorwatchError("backup: nobody has paused the services")
    writer.add_volumes(volumes)
    _say("backup: resume")
    writer.close(commit, images)


@backup.command()
def check() -> None:
    """Read an archive from stdin, check each file, print the names of its volumes."""
    from vectorwatch.backup.reading import check as check_archive

    manifest = check_archive(sys.stdin.buffer)
    _say(f"archive of {manifest.written}, version {manifest.commit}: {len(manifest.sha256)} files, all whole")
    for name in manifest.list_volumes():
        click.echo(name)


@backup.command()
def files() -> None:
    """Write your own files of the archive on stdin as tar to stdout."""
    from vectorwatch.backup.reading import copy_files

    copy_files(sys.stdin.buffer, sys.stdout.buffer)


@backup.command()
@_VOLUMES
def empty(volumes: Path) -> None:
    """Fail if volumes hold data."""
    from vectorwatch.backup.reading import refuse_filled

    refuse_filled(volumes)


@backup.command()
@_VOLUMES
def restore(volumes: Path) -> None:
    """Fill the empty volumes from the archive on stdin."""
    from vectorwatch.backup.reading import fill

    _say(f"restore: {fill(sys.stdin.buffer, volumes)} volumes filled")
