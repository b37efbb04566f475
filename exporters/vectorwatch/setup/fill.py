"""Bring one volume to what its keyring says, and tell in a line what was done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vectorwatch.errors import VectorwatchError

from .keyring import Keyring
from .volume import FORMAT, SecretsVolume


def fill(volume: SecretsVolume, keyring: Keyring, checkout: Path) -> str:
    """Create, hand over and protect what `keyring` names; return the line to show.

    Nothing whole is ever made anew: a service may have stored what the secret was.
    """
    with volume.open():
        found, present = volume.format, volume.names()
        created = [name for name in keyring.random if name not in present]
        for name in keyring.random:
            volume.create(name) if name in created else volume.protect(name)
        handed = _hand_over(volume, keyring, checkout)
    return f"setup: {keyring.service}: {_explain(found, present, created)}{handed}"


def _hand_over(volume: SecretsVolume, keyring: Keyring, checkout: Path) -> str:
    files = _collect(keyring, checkout)
    changed = [name for name, path in sorted(files.items()) if volume.put(name, _read(path, checkout))]
    for name in volume.names() - files.keys() - set(keyring.random):
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


def _explain(found: int | None, present: set[str], created: list[str]) -> str:
    made = f"created {', '.join(created)}" if created else "complete"
    if found is None and present:
        return f"an earlier set-up was interrupted; kept {', '.join(sorted(present))}, {made}"
    if found is not None and found < FORMAT:
        return f"the volume is of an earlier version ({found}) and was brought to {FORMAT}; {made}"
    if found is not None and created:
        return (
            f"{made}, which had vanished; a service that ran before still knows the old ones"
            " (docs/how-to/configure.md, Passwords)"
        )
    return made
