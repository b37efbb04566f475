"""What a backup holds is there again on a host that had nothing."""

from __future__ import annotations

import os
from pathlib import Path

from tests.smoke.checks.survival import explain_lost, note
from tests.smoke.command import attempt, run
from tests.smoke.stage import CheckError, Stage, wait

_SECONDS = 300.0
_SECRETS = "grafana_secrets"
_READ_SILENCES = """
import pathlib
path = pathlib.Path('/volume/silences')
print(path.read_bytes() if path.exists() else '')
"""
_HASHES = """
import hashlib, pathlib
for path in sorted(pathlib.Path('/volume').rglob('*')):
    print(path, path.stat().st_uid, oct(path.stat().st_mode),
        hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else '')
"""


def is_restored(stage: Stage) -> str:
    """Back up, remove all volumes, refuse a damaged archive, restore: all but the logs is there."""
    before = note(stage, with_logs=False)  # an archive has no log lines
    # Alertmanager writes its silences down every ten seconds; an archive has those that are written.
    wait(lambda: _explain_unwritten(stage, before.silence), "the silence on disk", ("alertmanager",))
    secrets = _hash_secrets(stage)
    said = _run(stage, "scripts/backup", "backups")
    if paused := stage.project.compose("ps", "--quiet", "--status", "paused").split():
        raise CheckError(f"{len(paused)} containers are still paused after a backup")
    (archive,) = (stage.project.folder / "backups").glob("*.tar.gz")
    if archive.stat().st_mode & 0o077:
        raise CheckError("others can read the archive, which holds secrets")
    stage.project.down(with_volumes=True)
    _refuse_damaged(stage, archive)
    _run(stage, "scripts/restore", str(archive))
    if _hash_secrets(stage) != secrets:
        raise CheckError("secrets are not what they were")
    stage.project.up(stage.started)
    wait(lambda: explain_lost(stage, before), "after a restore")
    lines = [line for line in said.splitlines() if "paused" in line or "MiB;" in line]
    return "; ".join(line.removeprefix("backup: ").partition("; it")[0] for line in lines)


def _refuse_damaged(stage: Stage, archive: Path) -> None:
    damaged = archive.with_name("damaged.tar.gz")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0x10
    damaged.write_bytes(content)
    done = attempt(
        ["scripts/restore", str(damaged)],
        environment=_environment(stage),
        folder=stage.project.folder,
        timeout_seconds=_SECONDS,
    )
    if done.returncode == 0 or "restore: " not in done.stderr:
        raise CheckError(f"a damaged archive is not refused: {done.stdout}{done.stderr}")
    known = set(stage.project.docker.run("volume", "ls", "--quiet").split())
    if made := known & set(stage.project.volumes.values()):
        raise CheckError(f"a damaged archive made volumes: {', '.join(sorted(made))}")


def _explain_unwritten(stage: Stage, silence: str) -> str:
    volume = stage.project.volumes["alertmanager_data"]
    known = stage.project.run_on_volume(volume, "65534:65534", _READ_SILENCES)
    return "" if silence in known else f"{silence} is not written yet"


def _hash_secrets(stage: Stage) -> str:
    return stage.project.run_on_volume(
        stage.project.volumes[_SECRETS], "0:0", _HASHES, "--cap-add=DAC_READ_SEARCH"
    )


def _run(stage: Stage, *command: str) -> str:
    return run(
        command, environment=_environment(stage), folder=stage.project.folder, timeout_seconds=_SECONDS
    )


def _environment(stage: Stage) -> dict[str, str]:
    return {**os.environ, **stage.project.docker.environment, "NO_UP": "1"}
