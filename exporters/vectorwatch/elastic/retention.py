"""How long and how much: the two settings of the logs, and what follows from them for the lifecycle."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from vectorwatch.errors import ConfigError

_SECONDS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_BYTES = {"KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "PB": 2**50}
"""As Prometheus counts: its GB, as Elasticsearch's gb, is 1,024 MB."""
_LEAST_SECONDS = 3_600
_LEAST_BYTES = 2**30
"""Below these a lifecycle, which looks every 10 minutes, could not follow."""
_DAY = 86_400
_INDICES_OF_A_STREAM = 30
"""Each index costs memory, so that a long time is kept in larger ones rather than in more."""
_SHARE = 10
"""An index is closed at this part of the bound: what is deleted at once is no more than that."""


@dataclass(frozen=True)
class Retention:
    """What is kept: for `seconds` after its index was closed, and never more than `bytes` in all."""

    seconds: int
    bytes: int

    @classmethod
    def read(cls, time: str, size: str) -> Retention:
        """Read `LOGS_RETENTION_TIME` and `LOGS_RETENTION_SIZE`. Raises ConfigError."""
        return cls(read_age(time), read_bound(size))

    @property
    def rollover_seconds(self) -> int:
        """Return the age at which an index is closed: a day, more for a long time, less for a short one."""
        return min(self.seconds, max(_DAY, math.ceil(self.seconds / _INDICES_OF_A_STREAM / _DAY) * _DAY))

    @property
    def rollover_bytes(self) -> int:
        """Return the size at which an index is closed."""
        return self.bytes // _SHARE

    def phases(self) -> Mapping[str, object]:
        """Return the phases of the lifecycle, as `PUT _ilm/policy` takes them."""
        rollover = {
            "max_age": write_time(self.rollover_seconds),
            "max_primary_shard_size": write_size(self.rollover_bytes),
        }
        return {
            "hot": {"min_age": "0ms", "actions": {"rollover": rollover}},
            "delete": {"min_age": write_time(self.seconds), "actions": {"delete": {}}},
        }


def write_time(seconds: int) -> str:
    """Write a time as Elasticsearch reads and writes it."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def write_size(size: int) -> str:
    """Write a number of bytes as Elasticsearch reads and writes it, without rounding."""
    units = [name for name in ("PB", "TB", "GB", "MB", "KB") if size % _BYTES[name] == 0]
    return f"{size // _BYTES[units[0]]}{units[0].lower()}" if units and size else f"{size}b"


def read_bound(size: str) -> int:
    """Return the bytes of `LOGS_RETENTION_SIZE`. Raises ConfigError."""
    found = _read_size(size)
    if found < _LEAST_BYTES:
        raise ConfigError(f"LOGS_RETENTION_SIZE: `{size}` cannot be used; write 1GB or more, such as 20GB")
    return found


def read_age(time: str) -> int:
    """Return the seconds of `LOGS_RETENTION_TIME`. Raises ConfigError."""
    found = _read_time(time)
    if found < _LEAST_SECONDS:
        raise ConfigError(f"LOGS_RETENTION_TIME: `{time}` cannot be used; write 1h or more, such as 14d")
    return found


def _read_time(text: str) -> int:
    parts = re.fullmatch(r"(?:\d+[ywdhms])+", text)
    if parts is None:
        return 0
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([ywdhms])", text))


def _read_size(text: str) -> int:
    found = re.fullmatch(r"(\d+)(KB|MB|GB|TB|PB)", text)
    return int(found.group(1)) * _BYTES[found.group(2)] if found else 0
