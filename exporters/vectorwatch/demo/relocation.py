"""Debian's programs moved into a folder: launchers that let them find their own files there.

Debian builds Prometheus and Alertmanager with the fixed path `/usr/share/prometheus`; Alertmanager ends
at once when its `default.tmpl` is not there. Writing that folder needs root, and no flag replaces it. So the
copy we unpacked gets another path of the same length, which leads to a folder that the launcher opens as
file descriptor 9. The package's signature was checked before.
"""

from __future__ import annotations

import shlex
from pathlib import Path

_BUILT_IN = b"/usr/share/prometheus"
_RELOCATED = b"/proc/self/fd/9/././."
assert len(_RELOCATED) == len(_BUILT_IN)  # noqa: S101 - a Go string keeps its length elsewhere in the file


def relocate(program: Path) -> None:
    """Let `program` read its `/usr/share/prometheus` from descriptor 9; leave others as they are."""
    content = program.read_bytes()
    if _BUILT_IN in content:
        program.write_bytes(content.replace(_BUILT_IN, _RELOCATED))


def write_launcher(launcher: Path, program: Path) -> None:
    """Write the script `launcher` that starts `program`, which lies under `<root>/usr/bin`.

    Paths inside are relative to the launcher, so that the folder may be moved as a whole.
    """
    root = shlex.quote(str(program.parents[2].relative_to(launcher.parent.parent)))
    lines = ["#!/bin/sh", 'here=$(dirname "$(readlink -f "$0")")', f'root="$here"/../{root}']
    if (program.parents[1] / "share" / "prometheus").is_dir():
        lines.append('exec 9<"$root"/usr/share/prometheus')
    libraries = sorted({str(path.parent) for path in (program.parents[1] / "lib").rglob("*.so*")})
    if libraries:
        inside = ":".join(f"$root/{Path(folder).relative_to(program.parents[2])}" for folder in libraries)
        lines.append(f'export LD_LIBRARY_PATH="{inside}"')
    lines.append(f'exec "$root"/usr/bin/{shlex.quote(program.name)} "$@"')
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text("\n".join(lines) + "\n")
    launcher.chmod(0o755)
