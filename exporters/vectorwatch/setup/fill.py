"""Bring one volume to what its keyring says, and tell in a line what was done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vectorwatch.errors import VectorwatchError

from .keyring import Keyring
from .signer import Signer
from .volume import FORMAT, SecretsVolume
from .web_users import FILE, write_web_users

_NOTHING: Mapping[str, bytes] = {}


def fill(
    volume: SecretsVolume,
    keyring: Keyring,
    checkout: Path,
    signer: Signer | None = None,
    shared: Mapping[str, bytes] = _NOTHING,
    copies: Mapping[str, bytes] = _NOTHING,
    *,
    ask: bool = False,
) -> str:
    """Create, hand over and protect what `keyring` names; return the line to show.

    Nothing whole is ever made anew: a service may have stored what the secret was. `shared` are secrets of
    others that this one gets, `copies` what others have of its own: one that has vanished comes from there.
    With `ask` the server asks everybody for the password that `keyring` names.
    """
    with volume.open():
        found, present = volume.format, volume.names()
        missing = [name for name in keyring.random if name not in present]
        returned = [name for name in missing if name in copies]
        created = [name for name in missing if name not in copies]
        for name in keyring.random:
            if name in returned:
                volume.put(name, copies[name])
            elif name in created:
                volume.create(name)
            else:
                volume.protect(name)
        finish_replacing(volume, keyring)
        said = _explain(found, present, created, {*keyring.earlier.values()})
        said += f"; took {', '.join(returned)} back from its copy" if returned else ""
        said += signer.renew(volume, keyring) if signer and keyring.certificate else ""
        said += _hand_over(volume, keyring, checkout, shared, ask=ask)
    return f"setup: {keyring.service}: {said}"


def finish_replacing(volume: SecretsVolume, keyring: Keyring) -> None:
    """Finish a rotation that was cut off between the two files of which one holds what the other was."""
    for name, earlier in keyring.earlier.items():
        if volume.read(name) == volume.read(earlier):
            volume.create(name)


def _hand_over(
    volume: SecretsVolume, keyring: Keyring, checkout: Path, shared: Mapping[str, bytes], *, ask: bool
) -> str:
    files = {name: _read(path, checkout) for name, path in _collect(keyring, checkout).items()} | {**shared}
    if keyring.asks_for:
        before = volume.read(FILE) if FILE in volume.names() else b""
        files[FILE] = write_web_users(volume.read(keyring.asks_for) if ask else None, before)
    changed = [name for name, content in sorted(files.items()) if volume.put(name, content)]
    for name in volume.names() - files.keys() - {*keyring.random, *keyring.signed}:
        volume.remove(name)
        changed.append(f"{name} (removed)")
    return f"; handed over {', '.join(changed)}" if changed else ""


def _collect(keyring: Keyring, checkout: Path) -> Mapping[str, Path]:
    files: dict[str, Path] = {}
    own: dict[str, Path] = {}
    for folder in keyring.copied:
        own = {
            path.name: path
            for path in sorted((checkout / folder).iterdir())
            if not path.name.startswith(".") and path.is_file() and path.stat().st_size > 0
        }
        files |= own
    stand_ins = keyring.stand_ins.items()
    return files | {name: own[other] for name, other in stand_ins if name not in own and other in own}


def _read(path: Path, checkout: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VectorwatchError(f"setup: {path.relative_to(checkout)}: {error.strerror}") from error


def _explain(found: int | None, present: set[str], created: list[str], unused: set[str]) -> str:
    made = f"created {', '.join(created)}" if created else "complete"
    if found is None and present:
        return f"an earlier set-up was interrupted; kept {', '.join(sorted(present))}, {made}"
    if found is not None and found < FORMAT:
        return f"the volume is of an earlier version ({found}) and was brought to {FORMAT}; {made}"
    if found is not None and set(created) - unused:
        return (
            f"{made}, which had vanished; a service that ran before still knows the old ones"
            " (docs/how-to/configure.md, Passwords)"
        )
    return made
