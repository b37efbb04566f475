"""`vectorwatch backup`: what scripts/backup and scripts/restore run in containers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from vectorwatch.errors import VectorwatchError

from .options import CHECKOUT

_VOLUMES = click.option("--volumes", type=click.Path(path_type=Path), default="/volumes", show_default=True)

_LOGS = click.option("--logs/--no-logs", default=True, help="With the snapshot of the logs.")


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _one_line(command: str) -> Iterator[None]:
    """Say in one line what a disk refuses."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise VectorwatchError(f"{command}: {place}{error.strerror or error}") from error


@click.group()
def backup() -> None:
    """Write and read archives of all that the stack keeps (`make backup`, `make restore`)."""


@backup.command()
@_VOLUMES
@_LOGS
def size(volumes: Path, logs: bool) -> None:
    """Print how many bytes the volumes hold."""
    from vectorwatch.backup.writing import measure

    click.echo(measure(volumes, logs=logs))


@backup.command()
@_VOLUMES
@CHECKOUT
@_LOGS
@click.option("--commit", default="unknown", help="The version of the repository.")
@click.option("--images", default="", help="The images that the stack runs.")
def write(volumes: Path, checkout: Path, logs: bool, commit: str, images: str) -> None:
    """Write an archive to stdout; says `backup: pause`, waits for a line, says `backup: resume`."""
    from vectorwatch.backup.writing import Writer

    with _one_line("backup"):
        writer = Writer(sys.stdout.buffer, _say)
        writer.add_blocks(volumes)
        if logs:
            writer.add_snapshots(volumes)
        writer.add_files(checkout)
        _say("backup: pause")
        if sys.stdin.readline().strip() != "paused":
            raise VectorwatchError("backup: nobody has paused the services")
        writer.add_volumes(volumes)
        _say("backup: resume")
        writer.close(commit, images)


@backup.command()
@click.option("--folder", type=click.Path(path_type=Path), default="/textfiles", show_default=True)
@click.option("--size", type=int, help="Bytes of the archive; without it the backup has failed.")
@click.option("--seconds", type=float, default=0.0, help="How long it took.")
def record(folder: Path, size: int | None, seconds: float) -> None:
    """Write for node_exporter that an archive is complete, or that none was made."""
    from vectorwatch.backup.metrics import record_archive, record_failure

    with _one_line("backup"):
        if size is None:
            record_failure(folder)
        else:
            record_archive(folder, size, seconds)


@backup.command()
def check() -> None:
    """Read an archive from stdin, check each file, print the names of its volumes."""
    from vectorwatch.backup.manifest import SNAPSHOTS
    from vectorwatch.backup.reading import check as check_archive

    with _one_line("restore"):
        manifest = check_archive(sys.stdin.buffer)
    logs = "with" if SNAPSHOTS in manifest.list_volumes() else "without"
    _say(
        f"archive of {manifest.written}, version {manifest.commit}: {len(manifest.sha256)} files, all whole,"
        f" {logs} logs"
    )
    for name in manifest.list_volumes():
        click.echo(name)


@backup.command()
def files() -> None:
    """Write your own files of the archive on stdin as tar to stdout."""
    from vectorwatch.backup.reading import copy_files

    with _one_line("restore"):
        copy_files(sys.stdin.buffer, sys.stdout.buffer)


@backup.command()
def volumes() -> None:
    """Print the volumes that a restore fills, from `docker compose config --format json` on stdin."""
    from vectorwatch.backup.volumes import find_filled_by_restore

    for volume, name in find_filled_by_restore(sys.stdin.buffer.read()).items():
        click.echo(f"{volume} {name}")


@backup.command()
@_VOLUMES
def filled(volumes: Path) -> None:
    """Print which volumes hold data."""
    from vectorwatch.backup.reading import list_filled

    for name in list_filled(volumes):
        click.echo(name)


@backup.command()
@_VOLUMES
def clear(volumes: Path) -> None:
    """Delete all that is in the volumes."""
    from vectorwatch.backup.reading import clear as clear_volumes

    with _one_line("restore"):
        clear_volumes(volumes)


@backup.command()
@_VOLUMES
def restore(volumes: Path) -> None:
    """Fill the empty volumes from the archive on stdin."""
    from vectorwatch.backup.reading import fill

    with _one_line("restore"):
        _say(f"restore: {fill(sys.stdin.buffer, volumes)} volumes filled")
