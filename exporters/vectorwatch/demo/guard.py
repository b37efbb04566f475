"""Kills the process groups it was told of when the process that told it is gone.

The supervisor writes `+<group>` and `-<group>` lines to its standard input. The pipe ends when the supervisor
ends, even by SIGKILL, and then whatever is still registered is stopped. Run as a plain script without
site-packages: it must be up before the first service, and it only needs the standard library.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_SECONDS = 3.0


def main() -> None:
    """Register groups until standard input ends, then stop those that are left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    stop_groups(groups)


def stop_groups(groups: set[int]) -> None:
    """Ask every group to end, and kill those that have not after GRACE_SECONDS."""
    left = {group for group in groups if ask_to_end(group)}
    deadline = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if signal_group(group, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)


def ask_to_end(group: int) -> bool:
    """Send SIGTERM to a process group, and wake it if somebody has frozen it; False when it is gone."""
    return signal_group(group, signal.SIGTERM) and signal_group(group, signal.SIGCONT)


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False when it has no process any more."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
