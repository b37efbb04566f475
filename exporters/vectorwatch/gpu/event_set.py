"""XID events of the cards of one session with the driver."""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from types import TracebackType
from typing import Any

from .client import TIMEOUT, CallFailedError, DriverGoneError, Nvml

_XID_ERROR = 0x8  # nvmlEventTypeXidCriticalError


class EventSet:
    """Cards registered for XID events; void as soon as the driver is closed or opened anew.

    Each call holds `nvml.in_use`, because a shutdown during a call would pull the driver away under it.
    """

    def __init__(self, nvml: Nvml) -> None:
        self._nvml = nvml
        self._session = nvml.session
        self._uuids: dict[int, str] = {}
        self._set: Any = None

    def __enter__(self) -> EventSet:
        self._set = self._call("nvmlEventSetCreate")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call("nvmlEventSetFree", self._set)
        except (CallFailedError, DriverGoneError):
            return  # gone with its session

    def register(self, wanted: Collection[str]) -> list[str]:
        """Register the wanted cards (empty: all) that can report XID events; return their UUIDs."""
        for index in range(int(self._call("nvmlDeviceGetCount"))):
            try:
                handle = self._call("nvmlDeviceGetHandleByIndex", index)
                uuid = self._call("nvmlDeviceGetUUID", handle)
                if wanted and uuid not in wanted:
                    continue
                if self._call("nvmlDeviceGetSupportedEventTypes", handle) & _XID_ERROR:
                    self._call("nvmlDeviceRegisterEvents", handle, _XID_ERROR, self._set)
                    self._uuids[_address(handle)] = uuid
            except (CallFailedError, UnicodeDecodeError):
                continue  # a lost card, or one without events (vGPU, WSL)
        return list(self._uuids.values())

    def wait(self, seconds: float) -> tuple[str, int] | None:
        """Return the card and code of the next event, None if none came. Raises as `_call`."""
        try:
            data = self._call("nvmlEventSetWait_v2", self._set, int(seconds * 1000))
        except CallFailedError as error:
            if error.code == TIMEOUT:
                return None
            raise
        # Looked up, not asked: a card that fell off the bus (XID 79) cannot tell its UUID any more.
        uuid = self._uuids.get(_address(data.device), "unknown")
        return (uuid, int(data.eventData)) if data.eventType == _XID_ERROR else None

    def _call(self, function: str, *arguments: Any) -> Any:
        """Call the driver. Raises DriverGoneError after the session's end, CallFailedError."""
        if self._nvml.closing.is_set():
            raise DriverGoneError("the driver is being closed")
        with self._nvml.in_use:
            if not self._nvml.is_open.is_set() or self._nvml.session != self._session:
                raise DriverGoneError("the driver has been closed")
            return self._nvml.call(function, *arguments)


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
