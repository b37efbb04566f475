"""The bridge `docker0` that dockerd makes for itself and leaves behind."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from pathlib import Path

_NAME = "docker0"
_SIOCSIFFLAGS = 0x8914
_SIOCBRDELBR = 0x89A1


def has_bridge() -> bool:
    """Tell whether this machine has the bridge."""
    return Path(f"/sys/class/net/{_NAME}").exists()


def remove_bridge() -> None:
    """Take the bridge down and remove it, as `ip link delete` does, which not every machine has."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = _NAME.encode()
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", name, 0))
        fcntl.ioctl(control, _SIOCBRDELBR, name + b"\0")
