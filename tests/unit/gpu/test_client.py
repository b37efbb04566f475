"""NVML through the real pynvml against the stand-in library: sessions, errors, unknown calls."""

from __future__ import annotations

from typing import Any

import pynvml
import pytest

from vectorwatch.errors import Reason
from vectorwatch.gpu.client import CallFailedError, CardLostError, Device, DriverGoneError, Nvml
from vectorwatch.gpu.fields import FieldValue

GPU_IS_LOST, UNKNOWN, NO_DATA, DRIVER_NOT_LOADED = 15, 999, 21, 9


@pytest.fixture
def device(nvml: Nvml, scenario: Any) -> Device:
    scenario.play("h200")
    nvml.open()
    return nvml.device(0)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (9, "the NVIDIA kernel module is not loaded; run `nvidia-smi`"),
        (4, "no permission to open `/dev/nvidiactl`; pass the devices in"),
        (999, "NVML does not start: Unknown Error"),
    ],
)
def test_a_driver_that_does_not_start_says_what_to_do(
    code: int, message: str, nvml: Nvml, scenario: Any
) -> None:
    scenario.set({"system nvmlInitWithFlags": f"error {code}"})
    with pytest.raises(DriverGoneError) as caught:
        nvml.open()
    assert (str(caught.value), caught.value.reason) == (message, Reason.UNAVAILABLE)
    assert not nvml.is_open.is_set()


def test_a_mismatch_makes_pynvml_forget_the_old_library(nvml: Nvml, scenario: Any) -> None:
    scenario.set({"system nvmlInitWithFlags": "error 18"})
    with pytest.raises(DriverGoneError, match="differ in version"):
        nvml.open()
    assert pynvml.nvmlLib is None
    scenario.drop("system nvmlInitWithFlags")
    nvml.open()
    assert nvml.is_open.is_set()


def test_opening_twice_keeps_one_session_and_opening_again_starts_another(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200")
    nvml.open()
    nvml.open()
    assert nvml.session == 1
    nvml.close()
    nvml.close()
    nvml.open()
    assert nvml.session == 2


def test_versions_are_read_and_what_is_not_known_is_empty(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").drop("system nvmlSystemGetNVMLVersion")
    nvml.open()
    versions = nvml.versions()
    assert (versions.driver, versions.nvml, versions.cuda) == ("590.48.01", "", "13.1")


def test_a_call_that_the_card_does_not_know_is_made_once(device: Device, nvml: Nvml, scenario: Any) -> None:
    assert nvml.ask(device, "nvmlDeviceGetFanSpeed_v2", 0) is None
    scenario.set({"gpu0 nvmlDeviceGetFanSpeed_v2 0": "40"})
    assert nvml.ask(nvml.device(0), "nvmlDeviceGetFanSpeed_v2", 0) is None
    nvml.close()
    nvml.open()
    assert nvml.ask(nvml.device(0), "nvmlDeviceGetFanSpeed_v2", 0) == 40


def test_an_unknown_error_is_a_failure_and_is_asked_again(device: Device, nvml: Nvml, scenario: Any) -> None:
    scenario.set({"gpu0 nvmlDeviceGetPowerUsage": f"error {UNKNOWN}"})
    assert nvml.ask(device, "nvmlDeviceGetPowerUsage") is None
    assert device.failures == ["nvmlDeviceGetPowerUsage: Unknown Error"]
    scenario.set({"gpu0 nvmlDeviceGetPowerUsage": "5"})
    assert nvml.ask(device, "nvmlDeviceGetPowerUsage") == 5


def test_no_data_is_neither_a_failure_nor_remembered(device: Device, nvml: Nvml, scenario: Any) -> None:
    scenario.set({"gpu0 nvmlDeviceGetPowerUsage": f"error {NO_DATA}"})
    assert nvml.ask(device, "nvmlDeviceGetPowerUsage") is None
    scenario.set({"gpu0 nvmlDeviceGetPowerUsage": "5"})
    assert nvml.ask(device, "nvmlDeviceGetPowerUsage") == 5
    assert device.failures == []


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("gpu0 nvmlDeviceGetPowerUsage", GPU_IS_LOST, CardLostError),
        ("gpu0 field 74", GPU_IS_LOST, CardLostError),
        ("gpu0 nvmlDeviceGetPowerUsage", DRIVER_NOT_LOADED, DriverGoneError),
        ("system *", 1, DriverGoneError),
    ],
)
def test_a_lost_card_and_a_gone_driver_are_told_apart(
    line: str, code: int, error: type[Exception], device: Device, nvml: Nvml, scenario: Any
) -> None:
    scenario.set({line: f"error {code}"})

    def read() -> None:
        nvml.ask(device, "nvmlDeviceGetPowerUsage")
        nvml.fields(device, [(74, 0)])

    with pytest.raises(error):
        read()


def test_a_card_that_does_not_give_its_handle_is_lost(nvml: Nvml, scenario: Any) -> None:
    scenario.play("h200").set({"gpu0 nvmlDeviceGetHandleByIndex_v2": f"error {GPU_IS_LOST}"})
    nvml.open()
    with pytest.raises(CardLostError):
        nvml.device(0)


def test_text_that_is_not_utf_8_is_a_failure_of_that_call(device: Device, nvml: Nvml, scenario: Any) -> None:
    scenario.path.write_bytes(b"gpu0 nvmlDeviceGetName = \xff\xfe\n")
    assert nvml.ask(device, "nvmlDeviceGetName") is None
    assert device.failures == ["nvmlDeviceGetName: not UTF-8"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("ull 18446744073709551614", FieldValue(18446744073709551614, is_64_bit=True)),
        ("ulong 7", FieldValue(7, is_64_bit=True)),
        ("uint 7", FieldValue(7, is_64_bit=False)),
        ("int -8", FieldValue(-8, is_64_bit=False)),
        ("sll -9", FieldValue(-9, is_64_bit=False)),
        ("ushort 65535", FieldValue(65535, is_64_bit=False)),
        ("double 0.5", FieldValue(0.5, is_64_bit=False)),
        ("double nan", None),
        ("double inf", None),
        ("uint 4294967295", None),
        ("ull 18446744073709551615", None),
        ("of-a-newer-driver 1", None),
        ("error 3", None),
    ],
)
def test_a_field_value_of_every_type_is_decoded(
    answer: str, expected: FieldValue | None, device: Device, nvml: Nvml, scenario: Any
) -> None:
    scenario.set({"gpu0 field 74": answer})
    assert nvml.fields(device, [(74, 0)]).get((74, 0)) == expected
    assert device.failures == []


def test_a_field_with_an_unknown_error_is_a_failure(device: Device, nvml: Nvml, scenario: Any) -> None:
    scenario.set({"gpu0 field 74": f"error {UNKNOWN}"})
    assert nvml.fields(device, [(74, 0)]) == {}
    assert device.failures == ["field 74: Unknown Error"]


def test_a_failed_call_that_is_not_about_a_card_carries_its_code(nvml: Nvml, scenario: Any) -> None:
    with pytest.raises(CallFailedError) as caught:
        nvml.call("nvmlShutdown")
    assert caught.value.code == pynvml.NVML_ERROR_UNINITIALIZED
