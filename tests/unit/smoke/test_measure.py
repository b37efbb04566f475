from __future__ import annotations

import json

import pytest

from tests.smoke.measure import Use, combine, parse_bytes, read_stats


def test_stats_are_read_as_docker_writes_them() -> None:
    line = json.dumps({"ID": "67a7", "CPUPerc": "12.50%", "MemUsage": "15.5MiB / 256MiB", "Name": "a-1"})
    assert read_stats(f"{line}\n") == {"67a7": Use(0.125, 16_252_928)}


@pytest.mark.parametrize(("text", "size"), [("0B", 0), ("1.5KiB", 1536), ("2GiB", 2**31), ("3kB", 3000)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "--", "5 parsecs"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_bytes(text)


def test_processor_time_is_a_mean_and_memory_a_maximum() -> None:
    assert combine([Use(0.25, 5), Use(0.5, 9), Use(0.75, 1)]) == Use(0.5, 9)
