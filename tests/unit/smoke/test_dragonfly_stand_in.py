from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = Path(__file__).parents[2] / "smoke" / "images" / "dragonfly" / "dragonfly.py"


@pytest.fixture(scope="module")
def program() -> Mapping[str, Any]:
    return runpy.run_path(str(_PROGRAM))


def test_flags_become_settings_of_valkey(program: Mapping[str, Any]) -> None:
    flags = program["read_flags"](["dragonfly", "--maxmemory=512mb", "--cache_mode=true", "--logtostderr"])
    assert flags == {"maxmemory": "512mb", "cache_mode": "true", "logtostderr": "true"}
    command = program["write_command"](flags)
    assert command[command.index("--maxmemory") + 1] == "512mb"
    assert command[command.index("--maxmemory-policy") + 1] == "allkeys-lru"


def test_without_cache_mode_nothing_is_evicted(program: Mapping[str, Any]) -> None:
    command = program["write_command"]({})
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_metrics_are_what_valkey_says_and_no_more(program: Mapping[str, Any]) -> None:
    text = program["write_exposition"]("# Clients\r\nconnected_clients:3\r\nused_memory:1024\r\n")
    assert "dragonfly_connected_clients 3\n" in text
    assert "dragonfly_used_memory_bytes 1024\n" in text
    assert "uptime" not in text
