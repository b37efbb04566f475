"""An image of one Go program: the files of a few Debian packages in a tar archive, imported as they are."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tests.smoke.images.recipe import GoProgram
from vectorwatch.demo.debian import Package, PrivateApt, Say

_COMPANIONS = ("libc6", "busybox-static")
_MERGED = ("bin", "sbin", "lib", "lib64")
_NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/lib/systemd", "etc/init.d")
# What health checks and people use of busybox, which holds all of it in one file.
_APPLETS = ("sh", "wget", "ls", "cat", "grep", "find", "id", "ps", "kill", "nc", "head", "stat", "touch")
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
_GROUPS = "root:x:0:\nnobody:x:65534:\n"


def unpack(recipe: GoProgram, suite: PrivateApt, folder: Path, say: Say) -> str:
    """Unpack the program and its companions into `folder`; return the program's version."""
    packages = _unpack([recipe.package, *recipe.beside, *_COMPANIONS], suite, folder, say)
    return next(package.version for package in packages if package.name == recipe.package)


def unpack_beside(program: Path, suite: PrivateApt, folder: Path, say: Say) -> None:
    """Put a program that was built here into `folder`, and the companions beside it."""
    _unpack(_COMPANIONS, suite, folder, say)
    shutil.copy(program, folder / "usr" / "bin")


def _unpack(names: Sequence[str], suite: PrivateApt, folder: Path, say: Say) -> Sequence[Package]:
    packages = suite.list_packages(names, with_libraries=False)
    for name in _MERGED:
        (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(f"usr/{name}")
    for package in packages:
        suite.unpack(package, folder, say)
    return packages


def pack(recipe: GoProgram, folder: Path, archive: Path) -> None:
    """Write `folder`, with names, users and data folder as in the official image, as a tar archive."""
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, arcname=".", filter=_as_root)
        for path in recipe.names:
            if _merge(path) != _merge(recipe.program):
                _add_link(tar, path, recipe.program)
        for applet in _APPLETS:
            if not (folder / "usr" / "bin" / applet).is_symlink():
                _add_link(tar, f"/usr/bin/{applet}", "busybox")
        _add_file(tar, "etc/passwd", _USERS)
        _add_file(tar, "etc/group", _GROUPS)
        _add_folder(tar, "tmp", uid=0, mode=0o1777)
        if recipe.data:
            _add_folder(tar, recipe.data, recipe.uid, mode=0o755)


def describe(recipe: GoProgram) -> Sequence[str]:
    """Return the Dockerfile instructions that `docker import` applies."""
    changes = [
        f"ENTRYPOINT {json.dumps([recipe.names[0]])}",
        f"USER {recipe.user}",
        "ENV PATH=/usr/sbin:/usr/bin",
    ]
    changes += [f"EXPOSE {port}" for port in recipe.ports]
    if recipe.data:
        changes += [f"WORKDIR {recipe.data}", f"VOLUME {json.dumps([recipe.data])}"]
    return changes


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if member.name.removeprefix("./").startswith(_NOT_NEEDED):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _merge(path: str) -> str:
    """Return where `path` is in a system whose `/bin` leads to `/usr/bin`."""
    return "usr/" + path.lstrip("/").removeprefix("usr/")


def _add_link(tar: tarfile.TarFile, path: str, target: str) -> None:
    member = tarfile.TarInfo(f"./{_merge(path)}")
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _add_file(tar: tarfile.TarFile, path: str, text: str) -> None:
    member = tarfile.TarInfo(f"./{path}")
    member.size, member.mode = len(text), 0o644
    tar.addfile(member, io.BytesIO(text.encode()))


def _add_folder(tar: tarfile.TarFile, path: str, uid: int, mode: int) -> None:
    member = tarfile.TarInfo(f"./{path.lstrip('/')}")
    member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, mode, uid, uid
    tar.addfile(member)
