"""`vectorwatch setup` and `vectorwatch credentials`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vectorwatch.errors import VectorwatchError

from .checkout import refuse_unreadable
from .fill import fill
from .keyring import KEYRINGS, LOGINS
from .volume import Chown, SecretsVolume

OWN_GROUP = 10001
"""Group of our own image's user, which writes the lists of the profiles."""


DATA_OWNERS = {"jaeger": 10001}
"""User ids of services whose image holds no folder from which a new volume would take its owner."""


def prepare(secrets: Path, checkout: Path, lists: Path, data: Path, chown: Chown = os.chown) -> Iterator[str]:
    """Prepare everything, yielding a line for each part that is done. Raises VectorwatchError."""
    refuse_unreadable(checkout)
    for keyring in KEYRINGS:
        yield fill(SecretsVolume(secrets / keyring.service, keyring.uid, chown), keyring, checkout)
    for service, uid in DATA_OWNERS.items():
        yield give_data(data / service, uid, chown)
    yield empty_lists(lists, chown)


def give_data(folder: Path, uid: int, chown: Chown = os.chown) -> str:
    """Give the data folder of a service to its user. Raises VectorwatchError."""
    try:
        if folder.stat().st_uid != uid:
            chown(folder, uid, uid)
    except OSError as error:
        raise VectorwatchError(f"setup: {folder.name}: no volume at {folder} ({error.strerror})") from error
    return f"setup: {folder.name}: data folder ready"


def empty_lists(folder: Path, chown: Chown = os.chown) -> str:
    """Forget the servers of all profiles: the profiles that are on list theirs again after this."""
    for path in folder.iterdir():
        path.unlink()
    chown(folder, 0, OWN_GROUP)
    folder.chmod(0o775)
    return "setup: lists of the profiles: ready"


def show(secrets: Path) -> Iterator[str]:
    """Yield a line for each login of a person."""
    for login in LOGINS:
        folder = secrets / login.service
        volume = SecretsVolume(folder, uid=0)
        if login.secret not in volume.names():
            yield f"{login.service}: no password yet; start the stack first (`make up`)"
            continue
        password = volume.read(login.secret).decode()
        yield f"{login.service}: user {login.user}, password {password} (until you change it there)"
