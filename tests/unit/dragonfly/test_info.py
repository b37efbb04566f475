from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorwatch.dragonfly.info import Info, parse_info, parse_number, parse_pairs, parse_unpadded_seconds
from vectorwatch.errors import Reason, TargetError


def test_sections_keep_their_fields_apart() -> None:
    info = parse_info("# Server\r\nhz:100\r\n\r\n# Stats\r\nhz:7\r\nlast:a:b\r\n")
    assert info.text("Server", "hz") == "100"
    assert info.text("Stats", "hz") == "7"
    assert info.text("Stats", "last") == "a:b"
    assert info.text("Stats", "h") is None
    assert info.text("Memory", "hz") is None


def test_line_feeds_alone_end_lines_too() -> None:
    assert parse_info("# Server\nhz:100\n").text("Server", "hz") == "100"


def test_of_a_repeated_field_the_last_counts_and_all_are_kept() -> None:
    info = parse_info("# Replication\r\nrole:a\r\nrole:b\r\n")
    assert info.text("Replication", "role") == "b"
    assert info.pairs("Replication") == [("role", "a"), ("role", "b")]


def test_a_section_that_clients_made_up_does_not_replace_the_real_one() -> None:
    text = "# Memory\r\nused_memory:1\r\n\r\n# Commandstats\r\nunknown_X\r\n# Memory\r\nused_memory:9:1\r\n"
    assert parse_info(text).number("Memory", "used_memory") == 1


def test_of_several_names_the_server_s_own_counts() -> None:
    info = parse_info("# Clients\r\nmaxclients:10000\r\n")
    assert info.number("Clients", "max_clients", "maxclients") == 10000
    assert info.number("Clients", "blocked_clients") is None


@pytest.mark.parametrize(
    "text", ["", "\r\n", "PONG", "# Server", "# Server\r\n\r\n", "used_memory:5", "<html>"]
)
def test_what_is_no_info_is_refused(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_info(text)
    assert caught.value.reason is Reason.DECODE


NUMBERS = {
    "0": 0,
    "12": 12,
    "007": 7,
    "1.25": 1.25,
    "615673450": 615673450,
    "1e3": 1000,
    "-1": None,
    "-0.5": None,
    "": None,
    "nan": None,
    "NaN": None,
    "inf": None,
    "-inf": None,
    "1e400": None,
    "9" * 400: None,
    "1_000": None,
    "1e1_0": None,
    "٣": None,
    "0x10": None,
    "12 MB": None,
    "ok": None,
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items(), ids=[text[:12] for text in NUMBERS])
def test_numbers_are_read_and_what_is_none_is_absent(text: str, number: float | None) -> None:
    assert parse_number(text) == number


SECONDS = {
    "23.13618": 23.013618,  # 23 s 13,618 µs, not 23.136 s
    "31.507270": 31.507270,
    "1.50": 1.00005,
    "2.000007": 2.000007,
    "0.0": 0,
    "0.999999": 0.999999,
    "7": 7,
    "1.1234567": 1.1234567,  # more digits than microseconds have: no longer that format
    "-1.5": None,
    "x.5": None,
    "": None,
}


@pytest.mark.parametrize(("text", "seconds"), SECONDS.items(), ids=list(SECONDS))
def test_microseconds_get_their_missing_zeros_back(text: str, seconds: float | None) -> None:
    assert parse_unpadded_seconds(text) == (None if seconds is None else pytest.approx(seconds, abs=1e-9))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 999_999), st.integers(0, 10**6), st.integers(0, 999_999))
def test_repaired_seconds_never_run_backwards(sec_a: int, usec_a: int, sec_b: int, usec_b: int) -> None:
    (sec_a, usec_a), (sec_b, usec_b) = sorted([(sec_a, usec_a), (sec_b, usec_b)])
    earlier, later = parse_unpadded_seconds(f"{sec_a}.{usec_a}"), parse_unpadded_seconds(f"{sec_b}.{usec_b}")
    assert earlier is not None
    assert later is not None
    assert earlier <= later
    assert earlier == pytest.approx(sec_a + usec_a / 1e6)


def test_pairs_are_read_and_what_has_no_value_is_left_out() -> None:
    assert parse_pairs("keys=2,expires=0,odd,=x,a=b=c") == {"keys": "2", "expires": "0", "": "x", "a": "b=c"}


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_finite_number_of_at_least_0_or_none(text: str) -> None:
    for number in (parse_number(text), parse_unpadded_seconds(text)):
        assert number is None or (math.isfinite(number) and number >= 0)


@settings(deadline=None)
@given(st.text(alphabet="# \r\n:=,ab0-.", max_size=300))
def test_any_text_is_info_or_a_decode_error(text: str) -> None:
    try:
        info = parse_info(text)
    except TargetError as error:
        reason = error.reason
    else:
        check_fields(info)
        return
    assert reason is Reason.DECODE


def check_fields(info: Info) -> None:
    for section in info.sections:
        for name, value in info.pairs(section):
            assert not {"\n", "\r"} & set(name + value)
            assert info.text(section, name) is not None
