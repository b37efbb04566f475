"""What a backup holds is there again on a host that had nothing."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from secrets import token_hex

from tests.smoke.checks.logs import see_sent, send
from tests.smoke.checks.survival import explain_lost, note
from tests.smoke.command import attempt, run
from tests.smoke.stage import CheckError, Stage, wait

_SECONDS = 300.0
_SECRETS = "grafana_secrets"
_TOLD = ("paused", "MiB;", "snapshot of", "log lines of")
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
    """Back up, remove all volumes, refuse a damaged archive, restore twice: all is there, each line once."""
    lines = _send_lines(stage)
    before = note(stage, with_logs=bool(lines))
    # Alertmanager writes its silences down every ten seconds; an archive has those that are written.
    wait(lambda: _explain_unwritten(stage, before.silence), "the silence on disk", ("alertmanager",))
    secrets = _hash_secrets(stage)
    _fail_to_back_up(stage)
    _leave_out_logs(stage)
    said = _run(stage, "scripts/backup", "backups")
    wait(lambda: _explain_untold(stage), "what became of backups", ("node-exporter",))
    if paused := stage.project.compose("ps", "--quiet", "--status", "paused").split():
        raise CheckError(f"{len(paused)} containers are still paused after a backup")
    (archive,) = (stage.project.folder / "backups").glob("*.tar.gz")
    if archive.stat().st_mode & 0o077:
        raise CheckError("others can read the archive, which holds secrets")
    stage.project.down(with_volumes=True)
    _refuse(stage, _damage(archive), "restore: damaged")
    _run(stage, "scripts/restore", str(archive), DRY_RUN="1")
    _see_no_volume(stage)
    _run(stage, "scripts/restore", str(archive))
    _refuse(stage, archive, "these volumes hold data: ")
    said += _run(stage, "scripts/restore", str(archive), REPLACE="1")
    if _hash_secrets(stage) != secrets:
        raise CheckError("secrets are not what they were")
    stage.project.up(stage.started)
    wait(lambda: explain_lost(stage, before), "after a restore")
    for service in lines:
        see_sent(stage, service)
    told = [line for line in said.splitlines() if any(word in line for word in _TOLD)]
    return "; ".join(line.partition(": ")[2].partition("; it")[0] for line in told)


def _fail_to_back_up(stage: Stage) -> None:
    """See that a backup for which there is no time leaves nothing behind and lets all run again."""
    done = attempt(
        ["scripts/backup", "backups"],
        environment={**_environment(stage), "BACKUP_LOGS": "0", "BACKUP_PAUSE_SECONDS": "0"},
        folder=stage.project.folder,
        timeout_seconds=_SECONDS,
    )
    if done.returncode == 0 or "no archive was written" not in done.stderr:
        raise CheckError(f"a backup without time did not fail: {done.stdout}{done.stderr}")
    if left := list((stage.project.folder / "backups").iterdir()):
        raise CheckError(f"a backup that failed has left {left}")


def _leave_out_logs(stage: Stage) -> None:
    said = _run(stage, "scripts/backup", "without", BACKUP_LOGS="0")
    (archive,) = (stage.project.folder / "without").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        held = [name for name in tar.getnames() if "elasticsearch_snapshots" in name]
    if held or "without log lines" not in said:
        raise CheckError(f"logs were not left out: {held} {said}")


def _explain_untold(stage: Stage) -> str:
    wanted = ("last_success_timestamp_seconds", "size_bytes", "last_failure_timestamp_seconds")
    names = [f"vectorwatch_backup_{name}" for name in wanted]
    return ", ".join(name for name in names if not stage.prometheus.query(name))


def _send_lines(stage: Stage) -> list[str]:
    """Send two lines and return their services; none without Elasticsearch."""
    if "elasticsearch" not in stage.running:
        return []
    token = token_hex(6)
    send(stage, token)
    services = [f"smoke-{way}-{token}" for way in ("http", "tcp")]
    for service in services:
        see_sent(stage, service)
    return services


def _damage(archive: Path) -> Path:
    damaged = archive.with_name("damaged.tar.gz")
    content = bytearray(archive.read_bytes())
    middle = len(content) // 2
    # One bit may be another way to write the same zeros.
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    damaged.write_bytes(content)
    return damaged


def _refuse(stage: Stage, archive: Path, words: str) -> None:
    done = attempt(
        ["scripts/restore", str(archive)],
        environment=_environment(stage),
        folder=stage.project.folder,
        timeout_seconds=_SECONDS,
    )
    if done.returncode == 0 or words not in done.stderr:
        raise CheckError(f"it is not refused with {words!r}: {done.stdout}{done.stderr}")


def _see_no_volume(stage: Stage) -> None:
    known = set(stage.project.docker.run("volume", "ls", "--quiet").split())
    if made := known & set(stage.project.volumes.values()):
        raise CheckError(f"what was to look alone has made volumes: {', '.join(sorted(made))}")


def _explain_unwritten(stage: Stage, silence: str) -> str:
    volume = stage.project.volumes["alertmanager_data"]
    known = stage.project.run_on_volume(volume, "65534:65534", _READ_SILENCES)
    return "" if silence in known else f"{silence} is not written yet"


def _hash_secrets(stage: Stage) -> str:
    return stage.project.run_on_volume(
        stage.project.volumes[_SECRETS], "0:0", _HASHES, "--cap-add=DAC_READ_SEARCH"
    )


def _run(stage: Stage, *command: str, **more: str) -> str:
    environment = {**_environment(stage), **more}
    return run(command, environment=environment, folder=stage.project.folder, timeout_seconds=_SECONDS)


def _environment(stage: Stage) -> dict[str, str]:
    return {**os.environ, **stage.project.docker.environment, "NO_UP": "1"}
