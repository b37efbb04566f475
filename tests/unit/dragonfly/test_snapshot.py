from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorwatch.dragonfly.info import parse_info
from vectorwatch.dragonfly.metrics import COMMANDS, DATABASES, MASTERS, REPLICAS, SNAPSHOT_TABLES
from vectorwatch.dragonfly.snapshot import Snapshot, read_snapshot
from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Family, Sink

from .stand_in import RECORDED, info_of

HEALTHY = "# Server\r\nredis_version:7.4.0\r\n\r\n"


def snapshot(text: str) -> Snapshot:
    return read_snapshot(parse_info(HEALTHY + text))


PRODUCTS = {
    "dragonfly": ("redis_version:7.4.0\r\ndragonfly_version:df-v1.39.0", ("dragonfly", "1.39.0")),
    "valkey": ("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2", ("valkey", "9.1.2")),
    "redis": ("redis_version:8.0.1", ("redis", "8.0.1")),
    "none": ("hz:100", ("other", "other")),
    "hostile": ('redis_version:"}\\n 1', ("redis", "other")),
    "long": ("redis_version:" + "9" * 100, ("redis", "other")),
}


@pytest.mark.parametrize(("text", "expected"), PRODUCTS.values(), ids=PRODUCTS)
def test_the_product_and_its_own_version_are_told(text: str, expected: tuple[str, str]) -> None:
    server = read_snapshot(parse_info(f"# Server\r\n{text}\r\n")).server
    assert (server.product, server.version) == expected


@pytest.mark.parametrize(
    ("role", "expected"), [("master", "master"), ("slave", "replica"), ("replica", "replica"), ("x", None)]
)
def test_roles_have_one_name_on_all_servers(role: str, expected: str | None) -> None:
    assert snapshot(f"# Replication\r\nrole:{role}\r\n").role == expected


def test_cpu_zeros_are_repaired_for_dragonfly_only() -> None:
    dragonfly = "# Server\r\ndragonfly_version:df-v1.39.0\r\n# Cpu\r\nused_cpu_sys:1.50\r\n"
    assert read_snapshot(parse_info(dragonfly)).cpu_seconds == {("system",): pytest.approx(1.00005)}
    assert snapshot("# CPU\r\nused_cpu_sys:1.500000\r\n").cpu_seconds == {("system",): 1.5}


def test_lag_has_the_unit_of_the_server() -> None:
    lines = "slave0:ip=10.0.0.2,port=6380,state=online,offset=90,lag=1\r\nmaster_repl_offset:100\r\n"
    replica = snapshot("# Replication\r\n" + lines).replicas["10.0.0.2:6380",]
    assert (replica.lag_bytes, replica.last_acknowledged_seconds, replica.lag_records) == (10, 1, None)
    dragonfly = "# Server\r\ndragonfly_version:df-v1.39.0\r\n# Replication\r\n" + lines
    replica = read_snapshot(parse_info(dragonfly)).replicas["10.0.0.2:6380",]
    assert (replica.lag_records, replica.last_acknowledged_seconds) == (1, None)


def test_a_replica_ahead_of_a_late_reading_does_not_lag_less_than_nothing() -> None:
    text = "# Replication\r\nslave0:ip=a,port=1,state=online,offset=101,lag=0\r\nmaster_repl_offset:100\r\n"
    assert snapshot(text).replicas["a:1",].lag_bytes == 0


def test_an_odd_replica_name_does_not_become_a_label() -> None:
    text = "# Replication\r\n" + "".join(
        f"slave{number}:ip={host},port={port},state=online,lag=0\r\n"
        for number, (host, port) in enumerate(
            [('"}\\n', 1), ("a b", 1), ("a", 99999), ("a", "x"), ("::1", 5)]
        )
    )
    assert set(snapshot(text).replicas) == {("other",), ("[::1]:5",)}


def test_each_of_several_masters_has_its_link() -> None:
    masters = read_snapshot(parse_info(info_of("dragonfly-1.40-replica"))).masters
    assert (masters["cache-a:6379",].up, masters["cache-a:6379",].last_io_seconds) == (True, 2)
    assert (masters["cache-b:6379",].up, masters["cache-b:6379",].syncing) == (False, 1)


def test_commands_that_clients_made_up_are_left_out() -> None:
    text = (
        "# Commandstats\r\ncmdstat_get:calls=3,usec=1500000,usec_per_call=1\r\nunknown_HZ:100:1\r\n"
        "unknown_cmdstat_x:calls=1,usec=1,\r\ncmdstat_BAD:calls=1,usec=1\r\ncmdstat_a b:calls=1,usec=1\r\n"
        "cmdstat_config|get:calls=2,usec=8,usec_per_call=4.00\r\ncmdstat_set:calls=-1,usec=5\r\n"
        "cmdstat_ttl:calls=99999999999999999999,usec=5\r\ncmdstat_del:usec=5\r\n"
    )
    assert snapshot(text).commands == (("get", 3, 1.5), ("config|get", 2, 8e-6))


def test_unknown_errors_are_summed_as_other() -> None:
    text = "# Errorstats\r\nerrorstat_ERR:count=3\r\nerrorstat_MyScript:count=4\r\nOut of memory:5\r\nx:y\r\n"
    assert snapshot(text).errors == {("ERR",): 3, ("other",): 9}


def test_oom_rejections_are_counted_where_the_server_counts_them() -> None:
    assert snapshot("# Errorstats\r\nerrorstat_OOM:count=3\r\n").oom_rejections == 3
    assert snapshot("# Errorstats\r\n").oom_rejections == 0
    assert snapshot("").oom_rejections is None
    dragonfly = "# Server\r\ndragonfly_version:df-v1\r\n# Stats\r\noom_rejections:7\r\n# Errorstats\r\n"
    assert read_snapshot(parse_info(dragonfly)).oom_rejections == 7


def test_only_databases_become_databases() -> None:
    text = "# Keyspace\r\ndb0:keys=2,expires=1\r\ndb1234567:keys=1\r\ndbx:keys=1\r\nzz:keys=1\r\n"
    assert set(snapshot(text).databases) == {("db0",)}


def test_sections_that_are_missing_are_named() -> None:
    assert snapshot("# Memory\r\nused_memory:1\r\n# Stats\r\n").missing_sections == ("Clients", "Stats")


def rows_of(taken: Snapshot) -> Sink:
    sink = Sink(10_000)
    for table in SNAPSHOT_TABLES:
        sink.add(table, [taken])
    sink.add(DATABASES, taken.databases.items())
    sink.add(MASTERS, taken.masters.items())
    sink.add(REPLICAS, taken.replicas.items())
    sink.add(COMMANDS, taken.commands)
    return sink


HOSTILE_VALUES = ["-1", "nan", "inf", "-inf", "1e400", "9" * 400, "", "x", '"}\\n# ', "1" * 18, "1,2", "1_0"]
LABEL = re.compile(r"[A-Za-z0-9._:%|+\[\]\-]{1,300}", re.ASCII)


@st.composite
def damaged_info(draw: st.DrawFn) -> str:
    """Return a recorded INFO with some values replaced and some lines lost."""
    lines = info_of(draw(st.sampled_from(RECORDED))).split("\r\n")
    damage: Mapping[int, Any] = draw(
        st.dictionaries(
            st.integers(0, len(lines) - 1),
            st.sampled_from(HOSTILE_VALUES) | st.text() | st.none(),
            max_size=40,
        )
    )
    return "\r\n".join(_damage(lines, damage))


def _damage(lines: list[str], damage: Mapping[int, str | None]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number not in damage:
            yield line
        elif (value := damage[number]) is not None:
            yield line.partition(":")[0] + ":" + value


@settings(deadline=None)
@given(damaged_info())
def test_whatever_info_says_the_rows_are_finite_and_their_labels_bounded(text: str) -> None:
    check_rows(text)


@settings(deadline=None)
@given(st.text(alphabet="# \r\n:=,ab0-.dbslavecmdstat_", max_size=400))
def test_any_text_gives_rows_or_a_decode_error(text: str) -> None:
    check_rows(HEALTHY + text)


def check_rows(text: str) -> None:
    try:
        taken = read_snapshot(parse_info(text))
    except TargetError as error:
        reason = error.reason
    else:
        for family in rows_of(taken).families():
            check_family(family)
        return
    assert reason is Reason.DECODE


def check_family(family: Family) -> None:
    keys = [labels for labels, _ in family.samples]
    assert len(keys) == len(set(keys)), family.name
    for labels, number in family.samples:
        assert math.isfinite(number), family.name
        assert number >= 0, family.name
        assert all(LABEL.fullmatch(label) for label in labels), labels
