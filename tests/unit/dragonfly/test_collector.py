"""The exporter over HTTP against players of recorded answers, and against servers that fail in every way."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from .reading import outcome, read, values
from .stand_in import RECORDED, Player, answers, bulk, info_of

Play = Callable[..., Player]
Scrape = Callable[..., str]
GOLDEN = Path(__file__).parent / "golden"
# What differs from run to run.
VOLATILE = re.compile(
    r"^(# (HELP|TYPE) )?(process_|python_|vectorwatch_build_info|dragonfly_(scrape|ping)_duration_seconds)"
)


def test_recorded_servers_give_what_a_person_has_read(recorded: str, play: Play, scrape: Scrape) -> None:
    text = scrape(f"redis://127.0.0.1:{play(answers(bulk(info_of(recorded)))).port}")
    lines = [line for line in text.splitlines() if not VOLATILE.match(line)]
    golden = GOLDEN / f"{recorded}.prom"
    if not golden.exists():  # `make golden` removes them; the diff shows what has moved
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("\n".join(lines) + "\n")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert lines == golden.read_text().splitlines()


def numbers(play: Play, scrape: Scrape, folder: str) -> dict[tuple[str, ...], float]:
    return values(scrape(f"redis://127.0.0.1:{play(answers(bulk(info_of(folder)))).port}"))


def test_dragonfly_s_traps_are_stepped_over(play: Play, scrape: Scrape) -> None:
    found = numbers(play, scrape, "dragonfly-1.39.0")
    assert found["dragonfly_up",] == 1
    assert found["dragonfly_server_info", "dragonfly", "1.39.0", "standalone"] == 1
    # `used_cpu_sys:23.13618` is 23 s and 13,618 µs.
    assert found["dragonfly_cpu_seconds_total", "system"] == 23.013618
    assert found["dragonfly_cpu_seconds_total", "user"] == 31.50727
    # `rejected_connections:-1`
    assert ("dragonfly_clients_rejected_total",) not in found
    # `max_clients`, which Redis spells `maxclients`
    assert found["dragonfly_clients_limit",] == 64000
    # lag counts records, not seconds
    assert found["dragonfly_replica_lag_records", "172.19.0.3:6379"] == 0
    assert not [key for key in found if key[0] == "dragonfly_replica_last_acknowledged_seconds"]
    # `unknown_HZ:100:1` is no command
    commands = {key[1] for key in found if key[0] == "dragonfly_command_calls_total"}
    assert commands == {"auth", "client", "command"}
    assert found["dragonfly_command_duration_seconds_total", "command"] == 0.231714


def test_what_on_call_looks_at_is_there(play: Play, scrape: Scrape) -> None:
    found = numbers(play, scrape, "dragonfly-1.39.0")
    expected = {
        "memory_usage_bytes": 284608,
        "memory_usage_peak_bytes": 42917320,
        "memory_resident_bytes": 229629952,
        "memory_limit_bytes": 419430400,
        "cache_hits_total": 615673450,
        "cache_misses_total": 2089512,
        "cache_evictions_total": 0,
        "clients_connected": 13,
        "executed_commands_total": 6240,
        "network_received_bytes_total": 678270226,
        "snapshot_last_success_timestamp_seconds": 1754520823,
        "snapshot_last_duration_seconds": 1034,
        "snapshot_unsaved_changes": 888,
        "snapshot_last_ok": 1,
        "loading": 0,
        "uptime_seconds": 90737,
        "slowlog_entries": 3,
        "slowlog_newest_id": 14,
        "slowlog_newest_timestamp_seconds": 1754520900,
        "slowlog_newest_duration_seconds": 0.023811,
        "tiering_memory_hits_total": 606934738,
        "tiering_disk_hits_total": 270973,
        "replicas_connected": 1,
    }
    assert {name: found[f"dragonfly_{name}",] for name in expected} == expected
    assert found["dragonfly_role", "master"] == 1
    assert found["dragonfly_errors_total", "syntax_error"] == 3


def test_a_replica_in_trouble_shows_it(play: Play, scrape: Scrape) -> None:
    found = numbers(play, scrape, "dragonfly-1.40-replica")
    assert found["dragonfly_role", "replica"] == 1
    assert found["dragonfly_replication_link_up", "cache-a:6379"] == 1
    assert found["dragonfly_replication_link_up", "cache-b:6379"] == 0
    assert found["dragonfly_replication_last_io_seconds", "cache-b:6379"] == 41
    assert found["dragonfly_loading",] == 1
    assert found["dragonfly_snapshot_last_ok",] == 0
    assert found["dragonfly_snapshot_last_failure_timestamp_seconds",] == 1754520999
    assert found["dragonfly_oom_rejections_total",] == 12
    # no limit is no series, not a limit of 0
    assert ("dragonfly_memory_limit_bytes",) not in found
    assert found["dragonfly_cpu_seconds_total", "system"] == pytest.approx(1.00005)
    assert found["dragonfly_errors_total", "other"] == 17
    assert found["dragonfly_database_keys", "db7"] == 90


@pytest.mark.parametrize("folder", RECORDED)
def test_promtool_finds_no_fault_with_a_golden_exposition(folder: str, promtool: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=(GOLDEN / f"{folder}.prom").read_bytes(),
        capture_output=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


LIES = {
    "HTML": (b"<html>nginx</html>", False, "decode"),
    "an HTTP server": (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "decode"),
    "ten megabytes": (b"+PONG\r\n$10000000\r\n" + b"x" * 10_000_000, False, "too_large"),
    "ten megabytes without a length": (b"+PONG\r\n+" + b"x" * 10_000_000, False, "too_large"),
    "cut bulk": (b"+PONG\r\n$500\r\n# Server\r\n", False, "decode"),
    "cut bulk, then silence": (b"+PONG\r\n$500\r\n# Server\r\n", True, "timeout"),
    "garbage": (bytes(range(256)) * 100, False, "decode"),
    "nothing": (b"", False, "connect"),
    "silence": (b"", True, "timeout"),
    "a TLS alert": (b"\x15\x03\x03\x00\x02\x02\x16", False, "tls"),
    "no INFO": (b"+PONG\r\n+OK\r\n:0\r\n*0\r\n", False, "decode"),
    "empty INFO": (b"+PONG\r\n$0\r\n\r\n:0\r\n*0\r\n", False, "decode"),
    "no password": (b"-NOAUTH x\r\n" * 4, False, "auth"),
    "loading": (b"-LOADING x\r\n" * 4, False, "loading"),
}


@pytest.mark.parametrize(("answer", "hold", "reason"), LIES.values(), ids=LIES)
def test_a_lying_server_is_down_with_a_reason(
    raw_server: Callable[..., int], scrape: Scrape, answer: bytes, hold: bool, reason: str
) -> None:
    seconds = 2 if reason == "timeout" else 30
    text = scrape(f"redis://127.0.0.1:{raw_server(answer, hold=hold)}", scrape_timeout_seconds=seconds)
    assert outcome(text) == (0, [reason])
    assert "dragonfly_memory_usage_bytes" not in text


def test_a_server_that_is_not_there_is_down(scrape: Scrape, free_port: Callable[[], int]) -> None:
    assert outcome(scrape(f"redis://127.0.0.1:{free_port()}")) == (0, ["connect"])


def test_a_dead_server_leaves_no_old_values(play: Play, start_exporter: Callable[..., str]) -> None:
    player = play(answers(bulk(info_of("valkey-9.1.2"))))
    base = start_exporter(url=f"redis://127.0.0.1:{player.port}")
    assert "dragonfly_memory_usage_bytes" in read(base)
    player.close()
    text = read(base)
    assert outcome(text) == (0, ["connect"])
    assert "dragonfly_memory_usage_bytes" not in text


PARTS = {
    "slow log refused": (
        {"SLOWLOG_LEN": b"-NOPERM x\r\n", "SLOWLOG_GET_1": b"-NOPERM x\r\n"},
        "dragonfly_slowlog_entries",
        "partial",
    ),
    "loading": ({"PING": b"-LOADING x\r\n"}, "dragonfly_ping_duration_seconds", "loading"),
    "no master": ({"PING": b"-MASTERDOWN x\r\n"}, "dragonfly_ping_duration_seconds", "partial"),
}


@pytest.mark.parametrize(("replaced", "lost", "reason"), PARTS.values(), ids=PARTS)
def test_info_is_kept_when_another_part_fails(
    play: Play, scrape: Scrape, replaced: dict[str, bytes], lost: str, reason: str
) -> None:
    player = play(answers(bulk(info_of("valkey-9.1.2")), **replaced))
    text = scrape(f"redis://127.0.0.1:{player.port}")
    assert outcome(text) == (0, [reason])
    assert "dragonfly_memory_usage_bytes" in text
    assert lost not in text


def test_a_server_that_allows_no_slow_log_is_up_without_it(play: Play, scrape: Scrape) -> None:
    player = play(answers(bulk(info_of("valkey-9.1.2")), SLOWLOG_LEN=b"-NOPERM x\r\n"))
    assert outcome(scrape(f"redis://127.0.0.1:{player.port}", slowlog="false")) == (1, [])


def test_an_info_that_lacks_sections_is_partial(play: Play, scrape: Scrape) -> None:
    player = play(answers(bulk("# Server\r\nredis_version:7.0.1\r\n")))
    text = scrape(f"redis://127.0.0.1:{player.port}")
    assert outcome(text) == (0, ["partial"])
    assert 'product="redis"' in text


def test_nonsense_numbers_are_absent(play: Play, scrape: Scrape) -> None:
    info = re.sub(r"(?m)^(used_memory|keyspace_hits|evicted_keys):\d+", r"\1:NaN", info_of("valkey-9.1.2"))
    info = re.sub(r"(?m)^(maxclients|keyspace_misses):\d+", r"\1:" + "9" * 400, info)
    found = values(scrape(f"redis://127.0.0.1:{play(answers(bulk(info))).port}"))
    assert found["dragonfly_up",] == 1
    assert found["dragonfly_uptime_seconds",] > 0
    for lost in ("memory_usage_bytes", "cache_hits_total", "cache_evictions_total", "cache_misses_total"):
        assert (f"dragonfly_{lost}",) not in found
    assert ("dragonfly_clients_limit",) not in found


def test_commands_above_the_ceiling_are_counted_as_dropped(play: Play, scrape: Scrape) -> None:
    lines = "".join(f"cmdstat_c{number}:calls=1,usec=1,usec_per_call=1\r\n" for number in range(50))
    info = re.sub(r"# Commandstats\r\n", "# Commandstats\r\n" + lines, info_of("dragonfly-1.39.0"))
    found = values(scrape(f"redis://127.0.0.1:{play(answers(bulk(info))).port}", max_commands=10))
    assert len([key for key in found if key[0] == "dragonfly_command_calls_total"]) == 10
    assert found["dragonfly_scrape_dropped_series",] == 2 * 43


def test_unknown_commands_by_the_thousand_change_nothing(play: Play, scrape: Scrape) -> None:
    lines = "".join(f"unknown_NAME{number}:{number}\r\n" for number in range(50_000))
    info = info_of("dragonfly-1.39.0").replace("unknown_HZ:100:1\r\n", lines)
    text = scrape(f"redis://127.0.0.1:{play(answers(bulk(info))).port}")
    assert outcome(text) == (1, [])
    assert "NAME" not in text


def test_other_routes_answer_while_a_target_hangs(
    raw_server: Callable[..., int], start_exporter: Callable[..., str], play: Play
) -> None:
    healthy = f"redis://127.0.0.1:{play(answers(bulk(info_of('valkey-9.1.2')))).port}"
    base = start_exporter(
        url=f"redis://127.0.0.1:{raw_server(b'', hold=True)}",
        targets=f'[{{"url": "{healthy}"}}]',
        scrape_timeout_seconds=20,
    )

    async def ask() -> tuple[str, list[int], bool]:
        async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as client:
            hanging = asyncio.create_task(client.get("/metrics"))
            await asyncio.sleep(0)
            probed = (await client.get("/probe", params={"target": healthy})).text
            codes = [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/")]
            still_hanging = not hanging.done()
            hanging.cancel()
            return probed, codes, still_hanging

    probed, codes, still_hanging = asyncio.run(ask())
    assert outcome(probed) == (1, [])
    assert codes == [200, 200, 200]
    assert still_hanging


def test_prometheus_timeout_ends_a_hanging_scrape(
    raw_server: Callable[..., int], start_exporter: Callable[..., str]
) -> None:
    base = start_exporter(url=f"redis://127.0.0.1:{raw_server(b'', hold=True)}", scrape_timeout_seconds=60)
    started = time.monotonic()
    header = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
    text = httpx.get(base + "/metrics", headers=header, timeout=50, trust_env=False).text
    assert outcome(text) == (0, ["timeout"])
    assert time.monotonic() - started < 30


def test_two_scrapes_at_once_both_get_everything(play: Play, start_exporter: Callable[..., str]) -> None:
    base = start_exporter(url=f"redis://127.0.0.1:{play(answers(bulk(info_of('valkey-9.1.2')))).port}")

    async def ask() -> list[str]:
        async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as client:
            return [
                answer.text for answer in await asyncio.gather(*(client.get("/metrics") for _ in range(8)))
            ]

    texts = asyncio.run(ask())
    stable = {"\n".join(line for line in text.splitlines() if not VOLATILE.match(line)) for text in texts}
    assert len(stable) == 1
    assert outcome(texts[0]) == (1, [])


def test_a_target_that_is_not_configured_is_never_called(
    play: Play, start_exporter: Callable[..., str]
) -> None:
    player = play(answers(bulk(info_of("valkey-9.1.2"))))
    base = start_exporter(url="redis://127.0.0.1:1")
    answer = httpx.get(
        base + "/probe", params={"target": f"redis://127.0.0.1:{player.port}"}, timeout=60, trust_env=False
    )
    assert answer.status_code == 400
    assert player.connections == 0


def test_passwords_reach_the_server_and_nothing_else(
    play: Play,
    start_exporter: Callable[..., str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server even echoes the password in its refusal, which must not be repeated."""
    file = tmp_path / "password"
    file.write_text("s3cret-pass\n")
    refusal = b"-WRONGPASS s3cret-pass is wrong\r\n"
    player = play(answers(bulk(info_of("valkey-9.1.2")), AUTH=refusal))
    base = start_exporter(url=f"redis://127.0.0.1:{player.port}", username="mon", password_file=file)
    shown = [read(base), read(base, "/"), read(base, "/healthz")]
    assert outcome(shown[0]) == (0, ["auth"])
    assert player.received == ["AUTH mon s3cret-pass"]
    assert "username or password refused" in caplog.text
    assert "s3cret" not in "".join(shown) + caplog.text
