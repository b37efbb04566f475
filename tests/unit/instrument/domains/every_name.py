"""Use each name of `track`, well and badly, and print the exposition, of all workers where there are some."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import prometheus_client
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

from vectorwatch.instrument import track
from vectorwatch.instrument.operation import Operation


def use(*operations: Operation) -> None:
    for operation in operations:
        with operation:
            pass
        with suppress(ValueError), operation:
            raise ValueError


def use_operations() -> None:
    use(
        track.query("search", "docs"),
        track.hyde_generation(),
        track.payload_indexing("create", "keyword"),
        track.alias_operation("create"),
        track.qdrant_search("docs", "query"),
        track.qdrant_index("upsert", "docs"),
        track.workflow("chat", "acme", "a1", "writer"),
        track.tool("calculator", cost_dollars=0.1),
        track.model_inference("m"),
        track.model_load("m"),
        track.hdc_operation("bundle"),
    )
    with track.rag_retrieval("chat", "qdrant") as retrieval:
        retrieval.documents(3)
    for model, cached in (("gpt-4o-mini", False), ("gpt-4o-mini", True), ("nobody-knows", False)):
        with track.llm_call(model, cached=cached) as call:
            call.first_token()
            call.tokens(input=1, output=1)


def use_functions() -> None:
    track.hyde_cache(hit=True)
    track.hyde_cache(hit=False)
    track.cache_operation("hit", "chat", 3.0)
    track.cache_state(entries=1, memory_bytes=1, capacity_entries=1, hit_rate_by_mode={"chat": 0.5})
    track.circuit_breaker_state("timeout", "open")
    track.circuit_breaker_failure("timeout")
    track.circuit_breaker_recovery("timeout")
    track.connection_affinity("select", hit=True)
    track.connection_affinity("select", hit=False)
    track.connection_affinity_performance("select", score=0.5, gain_percent=3)
    track.load_prediction(
        accuracy=0.5,
        mae=0.1,
        confidence=0.3,
        predicted_load=0.4,
        current_load=0.5,
        feature_importance={"hour": 0.3},
    )
    track.adaptive_config_change("pool_size", "grow")
    track.quality(0.9, "chat", ["slow"], ["old"])
    track.tenant_query("acme")
    track.agent_usage("a1", "writer")
    track.connection_pool("http", size=3, active=1)
    track.model_queue("m", length=1, wait_seconds=0.1)
    track.model_error("m", "VRAMError")
    track.model_timeout("m")
    track.model_fallback("m")
    track.model_accuracy("m", 0.5)
    track.model_memory("m", 5)
    track.model_vram("cuda:0", allocated_bytes=1, available_bytes=2)
    track.hdc_resources(
        memory_bytes_by_component={"storage": 1},
        cpu_percent=3,
        gpu_memory_bytes_by_device={"cuda:0": 1},
        gpu_percent_by_device={"cuda:0": 3},
    )
    track.hdc_active_hypervectors(3)
    track.business_event("signup", 3.0)
    track.feature_usage("export")
    track.active_user("anna")
    track.security_event("authentication_failure", outcome="failure")
    track.build_info("1.0.0", "abc", "test")


def use_engine() -> None:
    engine = create_engine("sqlite://", poolclass=QueuePool)
    track.database_engine(engine, slow_seconds=0)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with suppress(Exception):
            connection.execute(text("SELECT * FROM nothing"))
        connection.invalidate()
    closed = create_engine("sqlite:////nowhere/at/all.db")
    track.database_engine(closed, pool="closed")
    with suppress(Exception):
        closed.connect()


use_operations()
use_functions()
use_engine()
registry = prometheus_client.REGISTRY
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    registry = prometheus_client.CollectorRegistry()
    MultiProcessCollector(registry)
sys.stdout.write(prometheus_client.generate_latest(registry).decode())
