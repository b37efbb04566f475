"""Secrets are random, made once, and readable by nobody but the one service that needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.smoke.checks.processes import find_processes
from tests.smoke.project import Project
from tests.smoke.stage import CheckError, Stage
from vectorwatch.setup.keyring import KEYRINGS, LOGINS, Keyring

_SET_UP = "setup"
_ARCHIVING = ("backup", "restore")
"""They mount what is archived, and run for that alone."""
_SHORTEST = 24
_MODE = 0o400
_STRANGER = "12345:12345"
_READ = """
import json, pathlib
def describe(path):
    return [path.stat().st_uid, path.stat().st_mode & 0o777, path.read_text()]
files = [path for path in pathlib.Path("/volume").iterdir() if path.name[0] != "."]
print(json.dumps({path.name: describe(path) for path in files}))
"""
_READ_AS_STRANGER = """
import pathlib
for path in pathlib.Path("/volume").iterdir():
    if path.name[0] != ".":
        try:
            path.read_text()
        except PermissionError:
            continue
        print(path.name)
"""


@dataclass(frozen=True)
class SecretFile:
    owner: int
    mode: int
    text: str


Secrets = Mapping[str, Mapping[str, SecretFile]]
"""By service and name of file."""


def are_random(stage: Stage) -> str:
    """See that a second fresh project gets other secrets, and a second `up` leaves them as they are."""
    first = read_secrets(stage.project, stage.project.volumes)
    second = _make_others(stage.project)
    names = _name_random()
    values = [secrets[service][name].text for secrets in (first, second) for service, name in names]
    if len(set(values)) != len(values):
        raise CheckError("two secrets of two fresh projects are the same", (_SET_UP,))
    if any(len(value) < _SHORTEST for value in values):
        raise CheckError(f"a secret has fewer than {_SHORTEST} characters", (_SET_UP,))
    stage.project.up(stage.started)
    if read_secrets(stage.project, stage.project.volumes) != first:
        raise CheckError("a second `up` has changed secrets", (_SET_UP,))
    return f"{len(names)} secrets, different in two fresh projects, the same after a second `up`"


def are_private(stage: Stage) -> str:
    """See that each file belongs to its service alone, and that no secret stands where others look."""
    secrets = read_secrets(stage.project, stage.project.volumes)
    for keyring in KEYRINGS:
        _refuse_open(keyring, secrets[keyring.service])
        _refuse_shared(stage.project, keyring)
        _refuse_stranger(stage.project, keyring)
    _refuse_told(
        stage, [secrets[keyring.service][name].text for keyring in KEYRINGS for name in keyring.random]
    )
    _see_login(stage.project, secrets)
    count = sum(map(len, secrets.values()))
    return f"{count} files, each read by one service; none in environments, arguments, logs"


def read_secrets(project: Project, volumes: Mapping[str, str]) -> Secrets:
    """Return all secrets in the volumes of a project, read as root."""
    found = {}
    for keyring in KEYRINGS:
        said = project.run_on_volume(volumes[_volume_of(keyring)], "0:0", _READ, "--cap-add=DAC_READ_SEARCH")
        found[keyring.service] = {name: SecretFile(*fields) for name, fields in json.loads(said).items()}
    return found


def _make_others(project: Project) -> Secrets:
    other = f"{project.name}-other"
    try:
        project.compose("--project-name", other, "up", "--no-build", "--no-deps", _SET_UP)
        volumes = {name: full.replace(project.name, other, 1) for name, full in project.volumes.items()}
        return read_secrets(project, volumes)
    finally:
        project.compose("--project-name", other, "down", "--volumes")


def _refuse_open(keyring: Keyring, files: Mapping[str, SecretFile]) -> None:
    if missing := set(keyring.random) - set(files):
        raise CheckError(f"{keyring.service} lacks {', '.join(missing)}", (_SET_UP,))
    for name, file in files.items():
        if (file.owner, file.mode) != (keyring.uid, _MODE):
            raise CheckError(
                f"{keyring.service}/{name} belongs to {file.owner}, mode {file.mode:o}", (_SET_UP,)
            )


def _refuse_shared(project: Project, keyring: Keyring) -> None:
    volume = _volume_of(keyring)
    users = {
        service.name
        for service in project.services.values()
        if volume in service.volumes.values() and service.name not in _ARCHIVING
    }
    if users != {_SET_UP, *keyring.mounted_by}:
        raise CheckError(f"{volume} is mounted into {', '.join(sorted(users))}")


def _refuse_stranger(project: Project, keyring: Keyring) -> None:
    volume = project.volumes[_volume_of(keyring)]
    if read := project.run_on_volume(volume, _STRANGER, _READ_AS_STRANGER).split():
        raise CheckError(f"{keyring.service}: another user reads {', '.join(read)}", (_SET_UP,))


def _refuse_told(stage: Stage, values: Sequence[str]) -> None:
    for name, container in stage.project.containers().items():
        told = json.dumps(stage.project.docker.inspect([container.id]))
        told += stage.project.logs(name, lines=10_000)
        told += " ".join(process.arguments for process in find_processes(container.process_id))
        if any(value in told for value in values):
            raise CheckError(f"a secret stands in the environment, the arguments or the log of {name}")


def _see_login(project: Project, secrets: Secrets) -> None:
    said = project.compose("run", "--rm", "--no-deps", _SET_UP, "credentials")
    for login in LOGINS:
        if secrets[login.service][login.secret].text not in said:
            raise CheckError(f"`credentials` does not show the password of {login.service}", (_SET_UP,))


def _name_random() -> Sequence[tuple[str, str]]:
    return [(keyring.service, name) for keyring in KEYRINGS for name in keyring.random]


def _volume_of(keyring: Keyring) -> str:
    return f"{keyring.service}_secrets"
