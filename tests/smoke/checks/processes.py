"""What runs in the containers runs without rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.smoke.stage import CheckError, Stage


@dataclass(frozen=True)
class Process:
    """A process as the kernel describes it."""

    name: str
    user_id: int
    capabilities: int
    """The bounding set: what it could ever get."""
    can_gain: bool
    is_filtered: bool
    """Whether its system calls pass a seccomp filter."""
    arguments: str = ""
    """What every user of the machine sees of how it was started."""


def without_rights(stage: Stage) -> str:
    """See that no process is root, has capabilities, or can gain any.

    A service that the compose file itself runs as root keeps the rest of the rules.
    """
    containers = stage.project.containers()
    count, users = 0, set()
    for name in stage.running:
        found = find_processes(containers[name].process_id)
        if not found:
            raise CheckError(f"{name}: its processes cannot be seen here; run this where the engine runs")
        is_root = stage.project.services[name].user.partition(":")[0] == "0"
        for process in found:
            if trouble := explain_rights(process, may_be_root=is_root):
                raise CheckError(f"{name}: {process.name} {trouble}", [name])
            users.add(process.user_id)
        count += len(found)
    return f"{count} processes in {len(stage.running)} containers, users {', '.join(map(str, sorted(users)))}"


def explain_rights(process: Process, *, may_be_root: bool) -> str:
    """Return what right a process has that it should not have, or an empty text."""
    if process.can_gain:
        return "can gain privileges"
    if not process.is_filtered:
        return "may make any system call"
    if process.user_id == 0 and not may_be_root:
        return "runs as root"
    if process.capabilities and not may_be_root:
        return f"has capabilities {process.capabilities:x}"
    return ""


def find_processes(leader: int, root: Path = Path("/proc")) -> Sequence[Process]:
    """Return all processes in the same process namespace as `leader`, none if it is not on this machine."""
    try:
        namespace = (root / str(leader) / "ns" / "pid").readlink()
    except OSError:
        return []
    found = []
    for folder in root.glob("[0-9]*"):
        try:
            if (folder / "ns" / "pid").readlink() == namespace:
                arguments = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
                found.append(read_process((folder / "status").read_text(), arguments))
        except OSError:
            continue  # it has ended meanwhile
    return found


def read_process(status: str, arguments: str = "") -> Process:
    """Return what `/proc/<id>/status` says."""
    fields: Mapping[str, str] = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return Process(
        name=fields["Name"].strip(),
        user_id=int(fields["Uid"].split()[1]),
        capabilities=int(fields["CapBnd"], 16),
        can_gain=fields["NoNewPrivs"].strip() != "1",
        is_filtered=fields["Seccomp"].strip() == "2",
        arguments=arguments,
    )
