"""`vectorwatch setup`, `vectorwatch credentials` and `vectorwatch shipper-files`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from vectorwatch.errors import VectorwatchError
from vectorwatch.serve.web_login import encode_login

from .checkout import refuse_unreadable
from .fill import fill
from .keyring import AUTHORITY, KEYRINGS, LOGINS, Keyring
from .shipper import pack
from .signer import Signer
from .volume import Chown, SecretsVolume

_LONGEST_NAME = 64
"""Characters of a certificate's common name (RFC 5280, ub-common-name)."""

OWN_GROUP = 10001
"""Group of our own image's user, which writes the lists of the profiles."""


DATA_OWNERS = {"jaeger": 10001, "caddy": 10001, "elasticsearch_snapshots": 1000}
"""User ids by data folder, where the image holds none from which a new volume would take its owner."""
CADDY = "caddy"
"""Its volumes are there only with the overlay of this name."""


def prepare(
    secrets: Path,
    checkout: Path,
    lists: Path,
    data: Path,
    public_host: str = "127.0.0.1",
    chown: Chown = os.chown,
    *,
    ask: bool = False,
) -> Iterator[str]:
    """Prepare everything, yielding a line for each part that is done. Raises VectorwatchError.

    `public_host` is the name or address under which others reach this machine. With `ask` Prometheus and
    Alertmanager ask everybody for a password.
    """
    refuse_unreadable(checkout)
    yield from fill_all(find_volumes(secrets, chown), checkout, public_host, ask=ask)
    for service, uid in DATA_OWNERS.items():
        if service != CADDY or (data / service).is_dir():
            yield give_data(data / service, uid, chown)
    yield empty_lists(lists, chown)


def find_volumes(secrets: Path, chown: Chown = os.chown) -> Mapping[str, SecretsVolume]:
    """Return the volume of each keyring, by its service, and Caddy's where it has one."""
    volumes = {
        keyring.service: SecretsVolume(secrets / keyring.service, keyring.uid, chown) for keyring in KEYRINGS
    }
    if (secrets / CADDY).is_dir():
        volumes[CADDY] = SecretsVolume(secrets / CADDY, DATA_OWNERS[CADDY], chown)
    return volumes


def fill_all(
    volumes: Mapping[str, SecretsVolume], checkout: Path, public_host: str, *, ask: bool
) -> Iterator[str]:
    """Bring each volume to what its keyring says, yielding a line for each. Raises VectorwatchError."""
    signer = Signer(volumes[AUTHORITY], public_host)
    for keyring in KEYRINGS:
        # Shared secrets belong to keyrings that come before, so they are there.
        shared = {name: _read(volumes, source) for name, source in keyring.shared.items()}
        copies = _find_copies(volumes, keyring)
        yield fill(volumes[keyring.service], keyring, checkout, signer, shared, copies, ask=ask)
    if CADDY in volumes:
        yield _hand_logins(volumes)


def _hand_logins(volumes: Mapping[str, SecretsVolume]) -> str:
    """Give Caddy what it sends, in place of a person's own password, to the servers that may ask for one."""
    with volumes[CADDY].open():
        for keyring in KEYRINGS:
            if keyring.asks_for:
                password = volumes[keyring.service].read(keyring.asks_for).decode()
                volumes[CADDY].put(f"{keyring.service}_login", encode_login(password).encode())
    return f"setup: {CADDY}: complete"


def _read(volumes: Mapping[str, SecretsVolume], source: str) -> bytes:
    service, _, name = source.partition("/")
    return volumes[service].read(name)


def _find_copies(volumes: Mapping[str, SecretsVolume], keyring: Keyring) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for other in KEYRINGS:
        for name, source in other.shared.items():
            service, _, secret = source.partition("/")
            if service == keyring.service and name in volumes[other.service].names():
                found[secret] = volumes[other.service].read(name)
    return found


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
            yield f"{login.page}: no password yet; start the stack first (`make up`)"
            continue
        password = volume.read(login.secret).decode()
        yield f"{login.page}: user {login.user}, password {password} ({login.note})"


def make_shipper_files(secrets: Path, checkout: Path, host: str, port: int, name: str) -> bytes:
    """Return a tar archive with what a Filebeat elsewhere needs to send here. Raises VectorwatchError."""
    authority = SecretsVolume(secrets / AUTHORITY, uid=0)
    if not authority.names() >= {"ca.crt", "ca.key"}:
        raise VectorwatchError("shipper-files: no authority yet; start the stack first (`make up`)")
    if not 0 < len(name) <= _LONGEST_NAME:
        raise VectorwatchError(f"shipper-files: a name has 1 to {_LONGEST_NAME} characters, not {len(name)}")
    pair = Signer(authority, host).issue(name)
    return pack(checkout, authority.read("ca.crt"), pair, host, port)
