"""NVML, the library of NVIDIA's driver: the only module that imports pynvml.

Two threads call it: one reads, one waits for events (`event_set`). NVML is thread-safe, except that it must
not be shut down while a call is under way.
"""

from __future__ import annotations

import _ctypes
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pynvml

from vectorwatch.errors import Reason, TargetError

from .fields import FieldKey, FieldValue
from .snapshot import Versions

log = logging.getLogger(__name__)

# The driver, not a card, is gone: NVML must be started anew.
_DRIVER_GONE = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}
_CARD_LOST = {
    pynvml.NVML_ERROR_GPU_IS_LOST,
    pynvml.NVML_ERROR_RESET_REQUIRED,
    pynvml.NVML_ERROR_GPU_NOT_FOUND,
}
# The card or driver does not know the call, and will not until its mode or the driver changes.
_NOT_PROVIDED = {
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_INVALID_ARGUMENT,
    pynvml.NVML_ERROR_NO_PERMISSION,
    pynvml.NVML_ERROR_DEPRECATED,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    pynvml.NVML_ERROR_VGPU_ECC_NOT_SUPPORTED,
}
# Nothing to report at this moment.
_NOTHING_NOW = {
    pynvml.NVML_ERROR_NOT_FOUND,
    pynvml.NVML_ERROR_NO_DATA,
    pynvml.NVML_ERROR_NOT_READY,
    pynvml.NVML_ERROR_INVALID_STATE,
}
TIMEOUT = pynvml.NVML_ERROR_TIMEOUT
_SUCCESS = pynvml.NVML_SUCCESS
_ALL_ONES = {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}

# Value type of a field -> member of the union, and whether it is 64 bits wide and unsigned.
_UNION: dict[int, tuple[str, bool]] = {
    pynvml.NVML_VALUE_TYPE_DOUBLE: ("dVal", False),
    pynvml.NVML_VALUE_TYPE_UNSIGNED_INT: ("uiVal", False),
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG: ("ulVal", True),
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: ("ullVal", True),
    pynvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: ("sllVal", False),
    pynvml.NVML_VALUE_TYPE_SIGNED_INT: ("siVal", False),
    pynvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: ("usVal", False),
}


class DriverGoneError(TargetError):
    """The driver is absent or stopped answering as a whole."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.UNAVAILABLE, message)


class CardLostError(Exception):
    """A card fell off the bus or must be reset."""


class CallFailedError(Exception):
    """A call of the driver failed; `code` is NVML's."""

    def __init__(self, function: str, error: Any) -> None:
        self.code = int(error.value)
        super().__init__(f"{function}: {error}")


@dataclass(slots=True)
class Device:
    """A card as the driver hands it out, with what it was found not to know and what failed this time."""

    uuid: str
    index: int
    handle: Any
    absent: set[tuple[str, tuple[Any, ...]]] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


class Nvml:
    """One session with the driver, opened when it is there and opened again when it comes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opened_seconds = 0.0
        self._absent: dict[str, set[tuple[str, tuple[Any, ...]]]] = {}
        # Held by the event thread during a wait and by `close`, so that the two never meet in the driver.
        self.in_use = threading.Lock()
        self.closing = threading.Event()
        self.is_open = threading.Event()
        self.session = 0
        """Number of the session; event sets and handles of an older one are void."""

    @property
    def age_seconds(self) -> float:
        """Return how long the session has been open."""
        return self._clock() - self._opened_seconds

    def open(self) -> None:
        """Start NVML unless it runs. Raises DriverGoneError; cheap while there is no driver."""
        if self.is_open.is_set():
            return
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            if error.value == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
                _forget_library()
            raise DriverGoneError(_describe_start(error)) from error
        self._absent.clear()
        self._opened_seconds = self._clock()
        self.session += 1
        self.is_open.set()

    def close(self) -> None:
        """Stop NVML; waits until the event thread has left the driver."""
        if not self.is_open.is_set():
            return
        self.closing.set()
        with self.in_use:
            self.is_open.clear()
            try:
                pynvml.nvmlShutdown()
            except pynvml.NVMLError as error:
                log.debug("NVML did not shut down: %s", error)
        self.closing.clear()

    def versions(self) -> Versions:
        """Return the driver's versions."""
        cuda = self._system("nvmlSystemGetCudaDriverVersion")
        return Versions(
            driver=self._system("nvmlSystemGetDriverVersion") or "",
            nvml=self._system("nvmlSystemGetNVMLVersion") or "",
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else "",
        )

    def count(self) -> int:
        """Return how many cards the driver lists. Raises DriverGoneError."""
        try:
            return int(self.call("nvmlDeviceGetCount"))
        except CallFailedError as error:
            raise DriverGoneError(f"the driver does not list its cards: {error}") from error

    def device(self, index: int) -> Device:
        """Return the card at `index`. Raises CardLostError, DriverGoneError."""
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            uuid = pynvml.nvmlDeviceGetUUID(handle)
        except (pynvml.NVMLError, UnicodeDecodeError) as error:
            if getattr(error, "value", None) in _DRIVER_GONE:
                raise DriverGoneError(f"the driver stopped answering: {error}") from error
            raise CardLostError(f"card {index}: {error}") from error
        return Device(uuid, index, handle, self._absent.setdefault(uuid, set()))

    def ask(self, device: Device, function: str, *arguments: Any) -> Any:
        """Return the answer of a pynvml function, None if the card has none.

        A call that the card does not know is not made again. Raises CardLostError, DriverGoneError; any other
        error is added to `device.failures`.
        """
        call = (function, arguments)
        if call in device.absent:
            return None
        try:
            return getattr(pynvml, function)(device.handle, *arguments)
        except UnicodeDecodeError:
            device.failures.append(f"{function}: not UTF-8")
        except pynvml.NVMLError as error:
            if error.value in _NOT_PROVIDED:
                device.absent.add(call)
            else:
                self._sort(device, function, error.value)
        return None

    def fields(self, device: Device, keys: Sequence[FieldKey]) -> dict[FieldKey, FieldValue]:
        """Return those of the field values that the card provides."""
        answers = self.ask(device, "nvmlDeviceGetFieldValues", tuple(keys)) if keys else None
        values = {}
        for key, answer in zip(keys, answers or (), strict=False):
            code = answer.nvmlReturn
            if code == _SUCCESS:
                value = _decode(answer)
                if value is not None:
                    values[key] = value
            elif code not in _NOT_PROVIDED:
                self._sort(device, f"field {key[0]}", code)
        return values

    def call(self, function: str, *arguments: Any) -> Any:
        """Return the answer of a pynvml function that is not about one card. Raises CallFailedError."""
        try:
            return getattr(pynvml, function)(*arguments)
        except pynvml.NVMLError as error:
            raise CallFailedError(function, error) from error

    def _sort(self, device: Device, what: str, code: int) -> None:
        """Raise for a lost card or driver, note a failure, pass over what only has no data now."""
        text = f"{what}: {pynvml.NVMLError(code)}"
        if code in _DRIVER_GONE:
            raise DriverGoneError(f"the driver stopped answering: {text}")
        if code in _CARD_LOST:
            raise CardLostError(f"{device.uuid}: {text}")
        if code not in _NOTHING_NOW:
            device.failures.append(text)

    def _system(self, function: str) -> Any:
        try:
            return self.call(function)
        except (CallFailedError, UnicodeDecodeError):
            return None


def _decode(answer: Any) -> FieldValue | None:
    member, is_64_bit = _UNION.get(answer.valueType, ("", False))
    number = getattr(answer.value, member) if member else math.nan
    # All bits set is NVML's "not available"; a new value type or NaN is no number to show.
    if number in _ALL_ONES or not math.isfinite(number):
        return None
    return FieldValue(number, is_64_bit)


def _describe_start(error: Any) -> str:
    """Say what is missing and what to do about it."""
    hints = {
        pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver: `libnvidia-ml.so.1` cannot be loaded; "
        "install the driver, or in a container pass it in (`--gpus all`)",
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA kernel module is not loaded; run `nvidia-smi`",
        pynvml.NVML_ERROR_NO_PERMISSION: "no permission to open `/dev/nvidiactl`; pass the devices in",
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the driver's library and kernel module differ in version "
        "(upgraded, not reloaded); reboot, or reload the module",
    }
    return hints.get(error.value, f"NVML does not start: {error}")


def _forget_library() -> None:
    """Unload NVML so that the next attempt loads the file that is then on disk.

    pynvml and the loader keep the first library for good: after an upgrade of the driver the old one would
    fail forever. Only called when the start failed, so no other thread is inside.
    """
    library, pynvml.nvmlLib = pynvml.nvmlLib, None
    pynvml._nvmlGetFunctionPointer_cache.clear()
    if library is not None:
        _ctypes.dlclose(library._handle)
