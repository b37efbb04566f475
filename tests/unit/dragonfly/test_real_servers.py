"""The exporter against real Valkey and Redis servers: what it shows is what the test caused."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from .reading import outcome, read, values
from .stand_in import tls_front

Start = Callable[..., Any]
Scrape = Callable[..., str]
Poll = Callable[..., None]


@pytest.fixture
def connect() -> Iterator[Callable[..., redis.Redis]]:
    """Open clients that are closed with the test."""
    opened: list[redis.Redis] = []

    def open_client(port: int, **options: Any) -> redis.Redis:
        opened.append(redis.Redis(port=port, decode_responses=True, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


Connect = Callable[..., redis.Redis]


def test_hits_misses_expirations_and_commands_are_those_of_the_test(
    start_valkey: Start, connect: Connect, scrape: Scrape, poll: Poll
) -> None:
    server = start_valkey()
    client = connect(server.port)
    for number in range(12):
        client.set(f"key:{number}", "x")
    for number in range(17):
        client.get(f"key:{number}")  # 12 hits, 5 misses
    client.set("short", "x", px=1)
    client.pexpire("key:0", 3_600_000)
    poll(lambda: client.info("stats")["expired_keys"] == 1, "the key expired")
    connect(server.port, db=3).set("elsewhere", "x")
    found = values(scrape(f"redis://127.0.0.1:{server.port}"))
    expected = {
        ("dragonfly_up",): 1,
        ("dragonfly_cache_hits_total",): 12,
        ("dragonfly_cache_misses_total",): 5,
        ("dragonfly_cache_expirations_total",): 1,
        ("dragonfly_cache_evictions_total",): 0,
        ("dragonfly_command_calls_total", "set"): 14,
        ("dragonfly_command_calls_total", "get"): 17,
        ("dragonfly_database_keys", "db0"): 12,
        ("dragonfly_database_expiring_keys", "db0"): 1,
        ("dragonfly_database_keys", "db3"): 1,
        ("dragonfly_clients_connected",): 3,
        ("dragonfly_clients_limit",): 10000,
        ("dragonfly_role", "master"): 1,
        ("dragonfly_loading",): 0,
    }
    assert {key: found[key] for key in expected} == expected
    assert ("dragonfly_memory_limit_bytes",) not in found
    assert 0 < found["dragonfly_ping_duration_seconds",] < 60


def test_evictions_and_refusals_at_the_limit_are_counted(
    start_valkey: Start, connect: Connect, start_exporter: Callable[..., str]
) -> None:
    server = start_valkey("--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")
    client = connect(server.port)
    base = start_exporter(url=f"redis://127.0.0.1:{server.port}")
    for number in range(1_200):
        client.set(f"key:{number}", "x" * 10_000)
    found = values(read(base))
    evicted = 1_200 - found["dragonfly_database_keys", "db0"]
    assert found["dragonfly_cache_evictions_total",] == evicted > 0
    assert found["dragonfly_memory_limit_bytes",] == 8 * 1024 * 1024
    assert found["dragonfly_memory_policy_info", "allkeys-lru"] == 1
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1mb")
    for _ in range(3):
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("more", "x" * 10_000)
    found = values(read(base))
    assert found["dragonfly_oom_rejections_total",] == 3
    assert found["dragonfly_errors_total", "OOM"] == 3


def test_slow_commands_and_errors_are_told_without_their_text(
    start_valkey: Start, connect: Connect, scrape: Scrape
) -> None:
    server = start_valkey("--slowlog-log-slower-than", "0")
    client = connect(server.port)
    client.set("s3cret-key", "s3cret-value")
    with pytest.raises(redis.exceptions.ResponseError):
        client.execute_command("S3CRET-COMMAND", "s3cret")
    with pytest.raises(redis.exceptions.ResponseError):
        client.eval("return redis.error_reply('S3CRETCODE s3cret')", 0)
    before = client.slowlog_len()
    text = scrape(f"redis://127.0.0.1:{server.port}")
    found = values(text)
    assert before < found["dragonfly_slowlog_entries",] < client.slowlog_len()
    assert found["dragonfly_slowlog_newest_id",] > 0
    assert found["dragonfly_slowlog_newest_timestamp_seconds",] > 1e9
    assert found["dragonfly_slowlog_newest_duration_seconds",] < 60
    assert found["dragonfly_errors_total", "ERR"] >= 1
    assert found["dragonfly_errors_total", "other"] >= 1
    assert "s3cret" not in text.lower()


def test_snapshots_are_told(
    start_valkey: Start, connect: Connect, start_exporter: Callable[..., str]
) -> None:
    server = start_valkey()
    client = connect(server.port)
    base = start_exporter(url=f"redis://127.0.0.1:{server.port}")
    client.set("a", "x")
    assert values(read(base))["dragonfly_snapshot_unsaved_changes",] == 1
    client.save()
    saved = client.lastsave().timestamp()
    found = values(read(base))
    assert found["dragonfly_snapshot_last_success_timestamp_seconds",] == saved
    assert (found["dragonfly_snapshot_unsaved_changes",], found["dragonfly_snapshot_last_ok",]) == (0, 1)


def test_a_wrong_password_is_auth_and_the_right_one_is_up(
    start_valkey: Start, scrape: Scrape, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_valkey("--requirepass", "s3cret-pass")
    url = f"redis://127.0.0.1:{server.port}"
    (tmp_path / "password").write_text("s3cret-pass\n")
    good = scrape(url, password_file=tmp_path / "password")
    wrong, none = scrape(url, password="s3cret-wrong"), scrape(url)
    assert outcome(good) == (1, [])
    assert outcome(wrong) == (0, ["auth"])
    assert outcome(none) == (0, ["auth"])
    assert "s3cret" not in good + wrong + none + caplog.text


def test_a_password_where_none_is_asked_for_is_auth(start_valkey: Start, scrape: Scrape) -> None:
    server = start_valkey()
    text = scrape(f"redis://127.0.0.1:{server.port}", username="mon", password="s3cret")
    assert outcome(text) == (0, ["auth"])


@pytest.mark.parametrize("rights", ["+PING +INFO +SLOWLOG", "+PING +INFO +SLOWLOG|LEN +SLOWLOG|GET"])
def test_a_user_with_the_documented_rights_reads_everything(
    start_valkey: Start, connect: Connect, scrape: Scrape, rights: str
) -> None:
    server = start_valkey()
    client = connect(server.port)
    client.execute_command(*f"ACL SETUSER vectorwatch ON >pw {rights}".split())
    url = f"redis://127.0.0.1:{server.port}"
    found = values(scrape(url, username="vectorwatch", password="pw"))
    assert found["dragonfly_up",] == 1
    assert found["dragonfly_slowlog_entries",] == 0
    client.execute_command(*["ACL", "SETUSER", "vectorwatch", "-SLOWLOG"])
    assert outcome(scrape(url, username="vectorwatch", password="pw")) == (0, ["partial"])
    assert outcome(scrape(url, username="vectorwatch", password="pw", slowlog="false")) == (1, [])
    client.execute_command(*["ACL", "SETUSER", "vectorwatch", "-INFO"])
    assert outcome(scrape(url, username="vectorwatch", password="pw")) == (0, ["auth"])


def test_rights_taken_away_show_on_a_kept_connection(
    start_valkey: Start, connect: Connect, start_exporter: Callable[..., str]
) -> None:
    server = start_valkey()
    client = connect(server.port)
    client.execute_command(*["ACL", "SETUSER", "vectorwatch", "ON", ">pw", "+PING", "+INFO", "+SLOWLOG"])
    base = start_exporter(url=f"redis://127.0.0.1:{server.port}", username="vectorwatch", password="pw")
    assert outcome(read(base)) == (1, [])
    client.execute_command(*["ACL", "SETUSER", "vectorwatch", ">other", "<pw"])
    client.execute_command(*["CLIENT", "KILL", "USER", "vectorwatch"])
    assert outcome(read(base)) == (0, ["auth"])
    client.execute_command(*["ACL", "SETUSER", "vectorwatch", ">pw"])
    assert outcome(read(base)) == (1, [])


def test_scrapes_keep_one_connection_and_survive_a_restart(
    start_valkey: Start, connect: Connect, start_exporter: Callable[..., str]
) -> None:
    server = start_valkey()
    base = start_exporter(url=f"redis://127.0.0.1:{server.port}")
    accepted = [values(read(base))["dragonfly_clients_accepted_total",] for _ in range(5)]
    assert len(set(accepted)) == 1
    server.process.kill()
    server.process.wait(30)
    assert outcome(read(base)) == (0, ["connect"])
    start_valkey(port=server.port)
    assert outcome(read(base)) == (1, [])


def test_a_full_server_is_no_connection(start_valkey: Start, connect: Connect, scrape: Scrape) -> None:
    server = start_valkey("--maxclients", "1")
    connect(server.port).ping()
    assert outcome(scrape(f"redis://127.0.0.1:{server.port}")) == (0, ["connect"])


def test_master_and_replica_tell_their_link(
    start_valkey: Start, connect: Connect, start_exporter: Callable[..., str], poll: Poll
) -> None:
    master = start_valkey("--repl-diskless-sync-delay", "0")
    replica = start_valkey("--replicaof", f"127.0.0.1 {master.port}")
    base = start_exporter(
        url=f"redis://127.0.0.1:{master.port}",
        targets=f'[{{"url": "redis://127.0.0.1:{replica.port}", "name": "replica"}}]',
    )
    there = f"127.0.0.1:{replica.port}"
    poll(
        lambda: values(read(base)).get(("dragonfly_replica_in_sync", there)) == 1,
        "the replica follows its master",
    )
    connect(master.port).set("a", "x")
    poll(lambda: values(read(base))["dragonfly_replica_lag_bytes", there] == 0, "the replica has caught up")
    found = values(read(base))
    assert found["dragonfly_role", "master"] == 1
    assert found["dragonfly_replicas_connected",] == 1
    assert found["dragonfly_replica_last_acknowledged_seconds", there] < 60
    assert not [key for key in found if key[0] == "dragonfly_replica_lag_records"]

    link = ("dragonfly_replication_link_up", f"127.0.0.1:{master.port}")
    found = values(read(base, "/probe?target=replica"))
    assert found["dragonfly_role", "replica"] == 1
    assert found[link] == 1
    assert found["dragonfly_database_keys", "db0"] == 1
    master.process.kill()
    master.process.wait(30)
    poll(lambda: values(read(base, "/probe?target=replica"))[link] == 0, "the replica has lost its master")
    assert outcome(read(base, "/probe?target=replica")) == (1, [])


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "cache.internal").configure_cert(context)
    return context


def test_a_private_ca_is_trusted_when_it_is_named(
    start_valkey: Start, scrape: Scrape, authority: trustme.CA, server_tls: ssl.SSLContext, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    server = start_valkey("--requirepass", "pw")
    with tls_front(server.port, server_tls) as port:
        url = f"rediss://127.0.0.1:{port}"
        assert outcome(scrape(url, password="pw", ca_file=tmp_path / "ca.pem")) == (1, [])
        assert outcome(scrape(url, password="pw", insecure_skip_verify="true")) == (1, [])
        assert outcome(scrape(url, password="pw", ca_file=tmp_path / "other.pem")) == (0, ["tls"])
        assert outcome(scrape(url, password="pw")) == (0, ["tls"])


def test_the_certificate_must_carry_the_name_that_is_asked_for(
    start_valkey: Start, scrape: Scrape, authority: trustme.CA, server_tls: ssl.SSLContext, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with tls_front(start_valkey().port, server_tls) as port:
        url = f"rediss://127.0.0.1:{port}"
        for name, expected in (("cache.internal", (1, [])), ("other.internal", (0, ["tls"]))):
            assert outcome(scrape(url, ca_file=tmp_path / "ca.pem", server_name=name)) == expected


def test_a_client_certificate_is_shown_when_it_is_asked_for(
    start_valkey: Start, scrape: Scrape, authority: trustme.CA, server_tls: ssl.SSLContext, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf = authority.issue_cert("exporter")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.configure_trust(server_tls)
    server_tls.verify_mode = ssl.CERT_REQUIRED
    with tls_front(start_valkey().port, server_tls) as port:
        url = f"rediss://127.0.0.1:{port}"
        files = {"ca_file": tmp_path / "ca.pem", "cert_file": tmp_path / "cert.pem"}
        assert outcome(scrape(url, **files, key_file=tmp_path / "key.pem")) == (1, [])
        assert outcome(scrape(url, ca_file=tmp_path / "ca.pem")) == (0, ["tls"])


def test_tls_where_there_is_none_is_a_tls_reason(start_valkey: Start, scrape: Scrape) -> None:
    assert outcome(scrape(f"rediss://127.0.0.1:{start_valkey().port}")) == (0, ["tls"])
