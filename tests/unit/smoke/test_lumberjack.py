from __future__ import annotations

import io

import pytest

from tests.smoke.images.lumberjack import (
    ProtocolError,
    read_confirmation,
    read_windows,
    write_confirmation,
    write_window,
)

_EVENTS = [{"message": f"line {number} ü"} for number in range(3)]


@pytest.mark.parametrize("compressed", [True, False])
def test_windows_come_out_as_they_went_in(compressed: bool) -> None:
    stream = io.BytesIO(2 * write_window(_EVENTS, compressed=compressed))
    assert list(read_windows(stream)) == [_EVENTS, _EVENTS]


def test_a_sender_that_goes_in_the_middle_of_a_window_is_no_end() -> None:
    stream = io.BytesIO(write_window(_EVENTS)[:-1])
    with pytest.raises(ProtocolError, match="in the middle"):
        list(read_windows(stream))


def test_what_is_no_window_is_refused() -> None:
    with pytest.raises(ProtocolError, match="GE"):
        list(read_windows(io.BytesIO(b"GET / HTTP/1.1\r\n")))


def test_a_confirmation_says_how_far_a_window_was_taken() -> None:
    assert read_confirmation(io.BytesIO(write_confirmation(2048))) == 2048
    with pytest.raises(ProtocolError):
        read_confirmation(io.BytesIO(b""))
