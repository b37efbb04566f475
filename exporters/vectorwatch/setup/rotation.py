"""`vectorwatch rotate`: other secrets in place of those that `setup` has made.

What a password was is kept beside it, for its service alone, until the server that knows it has taken the new
one. What has been begun stands in a note in the authority's volume, so that the next run finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectorwatch.errors import VectorwatchError

from .keyring import AUTHORITY, KEYRINGS, LOGINS, Keyring
from .service import fill_all, find_volumes
from .signer import Signer
from .volume import Chown, SecretsVolume

_NOTE = ".rotation"
CERTIFICATES = "certificates"
NEW_AUTHORITY = "authority"
OLD_AUTHORITY = "old-authority"
KIBANA_KEY = "kibana/encryption_key"
GRAFANA_LOGIN = "grafana/admin_password"


@dataclass(frozen=True)
class Item:
    """What can be rotated; `restarts` are the services that read it only as they start, in order."""

    name: str
    restarts: Sequence[str]
    log_half: bool


def list_items() -> Sequence[Item]:
    """Return all that is rotated if nothing is named."""
    passwords = [
        Item(f"{keyring.service}/{name}", _find_readers(keyring, name), keyring.log_half)
        for keyring in KEYRINGS
        for name in keyring.random
        if name not in {*keyring.lasting, *keyring.earlier.values()}
    ]
    signed = _sort(keyring.service for keyring in KEYRINGS if keyring.certificate in ("server", "client"))
    return (
        *passwords,
        Item(CERTIFICATES, signed, log_half=True),
        Item(NEW_AUTHORITY, _find_trusting(), log_half=True),
    )


def choose(names: Sequence[str], *, logs: bool, leave: Sequence[str] = ()) -> Sequence[Item]:
    """Return the items of these names, all but `leave` for no name. Raises VectorwatchError."""
    known = {item.name: item for item in (*list_items(), _END_OVERLAP)}
    for name in names:
        if name not in known:
            raise VectorwatchError(f"rotate-secrets: no secret {name}; there are {', '.join(known)}")
        if known[name].log_half and not logs:
            raise VectorwatchError(f"rotate-secrets: {name} is of the log half, which is off (LOGS=0)")
        if name in leave:
            raise VectorwatchError(f"rotate-secrets: {name}: the service that must learn it does not run")
    wanted = [known[name] for name in dict.fromkeys(names)] if names else list_items()
    return [item for item in wanted if (logs or not item.log_half) and item.name not in leave]


def begin(
    secrets: Path,
    checkout: Path,
    names: Sequence[str],
    *,
    logs: bool = True,
    leave: Sequence[str] = (),
    public_host: str = "127.0.0.1",
    ask: bool = False,
    chown: Chown = os.chown,
) -> Iterator[str]:
    """Make new secrets and hand them over, yielding a line for each. Raises VectorwatchError.

    What an earlier run has begun is finished before anything else is begun.
    """
    volumes = find_volumes(secrets, chown)
    if lacking := [name for name, volume in volumes.items() if volume.format is None]:
        raise VectorwatchError(
            f"rotate-secrets: {lacking[0]} has no secrets yet; start the stack first (`make up`)"
        )
    signer = Signer(volumes[AUTHORITY], public_host)
    items = read_begun(secrets)
    if items:
        yield f"finishing what an earlier run has begun: {', '.join(item.name for item in items)}"
        choose([item.name for item in items], logs=logs, leave=leave)
    else:
        items = choose(names, logs=logs, leave=leave)
        if signer.overlaps and NEW_AUTHORITY in {item.name for item in items}:
            if names:
                raise VectorwatchError(f"rotate-secrets: {NEW_AUTHORITY}: {_OVERLAP}")
            yield f"{NEW_AUTHORITY}: left as it is: {_OVERLAP}"
            items = [item for item in items if item.name != NEW_AUTHORITY]
        with volumes[AUTHORITY].open():
            volumes[AUTHORITY].note(_NOTE, [item.name for item in items])
    for item in items:
        yield f"{item.name}: {_make(item, volumes, signer)}"
    for _ in fill_all(volumes, checkout, public_host, ask=ask):
        pass  # its lines are those of a start; what it hands over are the copies of what is made above


_OVERLAP = (
    "the one before it is still trusted; when no Filebeat elsewhere needs it:"
    f" `make rotate-secrets ONLY={OLD_AUTHORITY}`"
)


def read_begun(secrets: Path) -> Sequence[Item]:
    """Return what has been begun and not ended."""
    begun = SecretsVolume(secrets / AUTHORITY, uid=0).read_note(_NOTE)
    return [item for item in (*list_items(), _END_OVERLAP) if item.name in begun]


def list_work(secrets: Path) -> Iterator[str]:
    """Yield what is to be done now: `restart SERVICE` in order, and what has to be told a server."""
    items = read_begun(secrets)
    yield from (f"restart {name}" for name in _sort(name for item in items for name in item.restarts))
    if any(item.log_half for item in items):
        yield "tell elasticsearch"
    names = {item.name for item in items}
    if GRAFANA_LOGIN in names:
        yield "tell grafana"
    if KIBANA_KEY in names:
        yield "tell kibana"
    if NEW_AUTHORITY in names:
        yield "overlap"


def end(secrets: Path, chown: Chown = os.chown) -> None:
    """Forget what the secrets were before: everybody knows the new ones. Raises VectorwatchError."""
    volumes = find_volumes(secrets, chown)
    for volume in volumes.values():
        with volume.open():
            volume.forget()
    with volumes[AUTHORITY].open():
        volumes[AUTHORITY].note(_NOTE, ())


def _make(item: Item, volumes: Mapping[str, SecretsVolume], signer: Signer) -> str:
    if item.name == CERTIFICATES:
        return _sign_anew(volumes, signer)
    if item.name == NEW_AUTHORITY:
        return _replace_authority(volumes, signer)
    if item.name == OLD_AUTHORITY:
        with volumes[AUTHORITY].open():
            signer.end_overlap()
        return "no longer trusted"
    service, _, name = item.name.partition("/")
    keyring = _find_keyring(service)
    with volumes[service].open():
        replace_secret(volumes[service], keyring, name)
    return "made anew"


def replace_secret(volume: SecretsVolume, keyring: Keyring, name: str) -> None:
    """Make a secret anew; a second call finishes the first and changes nothing else."""
    if name in keyring.earlier and volume.kept(name) in (None, volume.read(name)):
        volume.keep(name)
        volume.put(keyring.earlier[name], volume.read(name))
    volume.replace(name)


def _sign_anew(volumes: Mapping[str, SecretsVolume], signer: Signer) -> str:
    left = []
    for keyring in KEYRINGS:
        if keyring.certificate not in ("server", "client"):
            continue
        if keyring.known_elsewhere and signer.overlaps:
            left.append(keyring.service)  # the key that could sign it so that all trust it is gone
            continue
        with volumes[keyring.service].open():
            signer.replace(volumes[keyring.service], keyring)
    return "signed anew" + (f", but {', '.join(left)}: of the earlier authority" if left else "")


def _replace_authority(volumes: Mapping[str, SecretsVolume], signer: Signer) -> str:
    volume = volumes[AUTHORITY]
    with volume.open():
        if not signer.overlaps:
            if volume.kept("ca.crt") is None:
                volume.keep("ca.crt")
            signer.replace(volume, _find_keyring(AUTHORITY))
    return "made anew; the one before it stays trusted"


def _find_keyring(service: str) -> Keyring:
    return next(keyring for keyring in KEYRINGS if keyring.service == service)


def _find_readers(keyring: Keyring, name: str) -> Sequence[str]:
    """Return who reads a secret as it starts; a login is kept by a server, which is told the new password."""
    kept = any(login.service == keyring.service and login.secret == name for login in LOGINS)
    if kept and name != keyring.asks_for:
        return ()
    sharing = [other for other in KEYRINGS if f"{keyring.service}/{name}" in other.shared.values()]
    owners = [keyring] if not sharing else []
    return _sort(reader for one in (*owners, *sharing) if not one.rereads for reader in one.mounted_by)


def _find_trusting() -> Sequence[str]:
    sharing = [keyring for keyring in KEYRINGS if f"{AUTHORITY}/ca.crt" in keyring.shared.values()]
    # Those of `elastic_setup` run to their end and read it each time.
    return _sort(name for keyring in sharing if keyring.readers is None for name in keyring.mounted_by)


def _sort(services: Iterator[str] | Sequence[str]) -> Sequence[str]:
    """Return services in the order of the keyrings, but Elasticsearch first."""
    order = [name for keyring in KEYRINGS for name in keyring.mounted_by]
    order.sort(key=lambda name: name != "elasticsearch")
    return sorted(set(services), key=order.index)


_END_OVERLAP = Item(OLD_AUTHORITY, _find_trusting(), log_half=True)
