"""What recording one operation of each domain costs, without tracing; and of one SQL statement."""

from __future__ import annotations

import logging
import time
import timeit
from collections.abc import Callable, Iterator

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import QueuePool

from tests.bench.measure import Row
from vectorwatch.instrument import track
from vectorwatch.instrument.operation import Operation

MOST_MICROSECONDS = 5.0
_CALLS = 4_000
_ROUNDS = 7


def time_call(run: Callable[[], object]) -> float:
    """Return microseconds of processor time a call, of the best round: other load only adds to it."""
    run()
    rounds = timeit.repeat(run, timer=time.process_time, number=_CALLS, repeat=_ROUNDS)
    return min(rounds) / _CALLS * 1e6


def block(make: Callable[[], Operation]) -> Callable[[], None]:
    """Return the use of an operation in a `with`."""

    def run() -> None:
        with make():
            pass

    return run


def call_model() -> None:
    with track.llm_call("gpt-4o-mini", "chat", "acme") as call:
        call.tokens(input=100, output=20)


OPERATIONS: dict[str, Callable[[], object]] = {
    "query": block(lambda: track.query("search", "docs")),
    "hyde_generation": block(track.hyde_generation),
    "hyde_cache": lambda: track.hyde_cache(hit=True),
    "cache_operation": lambda: track.cache_operation("hit", "chat", 3.0),
    "payload_indexing": block(lambda: track.payload_indexing("create", "keyword")),
    "alias_operation": block(lambda: track.alias_operation("switch")),
    "qdrant_search": block(lambda: track.qdrant_search("docs", "query")),
    "qdrant_index": block(lambda: track.qdrant_index("upsert", "docs")),
    "circuit_breaker_state": lambda: track.circuit_breaker_state("timeout", "open"),
    "connection_affinity": lambda: track.connection_affinity("select", hit=True),
    "workflow": block(lambda: track.workflow("chat")),
    "workflow of a tenant and an agent (three operations)": block(
        lambda: track.workflow("chat", "acme", "a1", "writer")
    ),
    "quality": lambda: track.quality(0.9, "chat", ("slow",), ("old",)),
    "llm_call": block(lambda: track.llm_call("gpt-4o-mini", "chat", "acme")),
    "llm_call with its tokens": call_model,
    "tool": block(lambda: track.tool("calculator", cost_dollars=0.01)),
    "rag_retrieval": block(lambda: track.rag_retrieval("chat", "qdrant")),
    "model_inference": block(lambda: track.model_inference("m")),
    "model_queue": lambda: track.model_queue("m", length=3, wait_seconds=0.1),
    "hdc_operation": block(lambda: track.hdc_operation("bundle", "cpu", 10)),
    "business_event": lambda: track.business_event("purchase", 9.0),
    "active_user": lambda: track.active_user("anna"),
    "feature_usage": lambda: track.feature_usage("export"),
    "feature_usage with a label that is refused": lambda: track.feature_usage("anna@example.com"),
    "security_event, its log line not written": lambda: track.security_event(
        "authorization_failure", details={"source_ip": "203.0.113.5"}
    ),
}


def watch_nothing(engine: Engine) -> None:
    """Listen as `database_engine` does and do nothing: what SQLAlchemy's events cost by themselves."""
    for what in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(engine, what, lambda *_arguments: None)


def time_statement(watch: Callable[[Engine], None]) -> float:
    """Return microseconds of `SELECT 1` on SQLite."""
    engine = create_engine("sqlite://", poolclass=QueuePool)
    watch(engine)
    statement = text("SELECT 1")
    with engine.connect() as connection:
        return time_call(lambda: connection.execute(statement))


def rows() -> Iterator[Row]:
    logging.getLogger("vectorwatch.security").setLevel(logging.CRITICAL)
    for name, run in OPERATIONS.items():
        most = None if "three operations" in name else MOST_MICROSECONDS
        yield Row(f"recording {name}", time_call(run), "µs", most)
    empty, ours = time_statement(watch_nothing), time_statement(track.database_engine)
    yield Row("a statement on SQLite whose listeners do nothing", empty, "µs")
    yield Row("added by database_engine", ours - empty, "µs", MOST_MICROSECONDS)
