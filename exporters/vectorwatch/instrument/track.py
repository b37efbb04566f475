"""Everything an application can record: `with track.llm_call(model="…")`, `track.hyde_cache(hit=True)`.

A domain is imported when one of its names is first used; until then its metrics do not exist.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domains.affinity import connection_affinity as connection_affinity
    from .domains.affinity import connection_affinity_performance as connection_affinity_performance
    from .domains.aliases import alias_operation as alias_operation
    from .domains.build import build_info as build_info
    from .domains.business import active_user as active_user
    from .domains.business import business_event as business_event
    from .domains.business import feature_usage as feature_usage
    from .domains.cache import cache_operation as cache_operation
    from .domains.cache import cache_state as cache_state
    from .domains.circuit_breaker import circuit_breaker_failure as circuit_breaker_failure
    from .domains.circuit_breaker import circuit_breaker_recovery as circuit_breaker_recovery
    from .domains.circuit_breaker import circuit_breaker_state as circuit_breaker_state
    from .domains.database import database_engine as database_engine
    from .domains.hdc import hdc_active_hypervectors as hdc_active_hypervectors
    from .domains.hdc import hdc_operation as hdc_operation
    from .domains.hdc import hdc_resources as hdc_resources
    from .domains.hyde import hyde_cache as hyde_cache
    from .domains.hyde import hyde_generation as hyde_generation
    from .domains.llm import llm_call as llm_call
    from .domains.load_prediction import adaptive_config_change as adaptive_config_change
    from .domains.load_prediction import load_prediction as load_prediction
    from .domains.models import model_accuracy as model_accuracy
    from .domains.models import model_error as model_error
    from .domains.models import model_fallback as model_fallback
    from .domains.models import model_inference as model_inference
    from .domains.models import model_load as model_load
    from .domains.models import model_memory as model_memory
    from .domains.models import model_queue as model_queue
    from .domains.models import model_timeout as model_timeout
    from .domains.models import model_vram as model_vram
    from .domains.payload import payload_indexing as payload_indexing
    from .domains.pools import connection_pool as connection_pool
    from .domains.qdrant import qdrant_index as qdrant_index
    from .domains.qdrant import qdrant_search as qdrant_search
    from .domains.query_api import query as query
    from .domains.rag import rag_retrieval as rag_retrieval
    from .domains.security import security_event as security_event
    from .domains.tools import tool as tool
    from .domains.workflow import agent_usage as agent_usage
    from .domains.workflow import quality as quality
    from .domains.workflow import tenant_query as tenant_query
    from .domains.workflow import workflow as workflow

HOMES = {
    "query": "query_api",
    "hyde_cache": "hyde",
    "hyde_generation": "hyde",
    "cache_operation": "cache",
    "cache_state": "cache",
    "payload_indexing": "payload",
    "alias_operation": "aliases",
    "qdrant_search": "qdrant",
    "qdrant_index": "qdrant",
    "database_engine": "database",
    "circuit_breaker_state": "circuit_breaker",
    "circuit_breaker_failure": "circuit_breaker",
    "circuit_breaker_recovery": "circuit_breaker",
    "connection_affinity": "affinity",
    "connection_affinity_performance": "affinity",
    "load_prediction": "load_prediction",
    "adaptive_config_change": "load_prediction",
    "workflow": "workflow",
    "quality": "workflow",
    "tenant_query": "workflow",
    "agent_usage": "workflow",
    "llm_call": "llm",
    "tool": "tools",
    "rag_retrieval": "rag",
    "connection_pool": "pools",
    "model_inference": "models",
    "model_load": "models",
    "model_queue": "models",
    "model_error": "models",
    "model_timeout": "models",
    "model_fallback": "models",
    "model_accuracy": "models",
    "model_memory": "models",
    "model_vram": "models",
    "hdc_operation": "hdc",
    "hdc_resources": "hdc",
    "hdc_active_hypervectors": "hdc",
    "business_event": "business",
    "feature_usage": "business",
    "active_user": "business",
    "security_event": "security",
    "build_info": "build",
}
"""By name: the domain that defines it."""


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"track has no `{name}`; it has {', '.join(sorted(HOMES))}")
    found = getattr(import_module(f"{__package__}.domains.{HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(HOMES)
