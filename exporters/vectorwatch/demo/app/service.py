"""Put the parts together and serve them."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse

from vectorwatch import __version__, tracing
from vectorwatch.instrument import Instrumentation, instrument, track
from vectorwatch.serve.server import run as serve
from vectorwatch.settings import load

from . import SERVICE, articles
from .answer_cache import AnswerCache
from .articles import Articles
from .background import Background
from .breaker import Breaker
from .database import Database, sqlite_url
from .faults import Faults
from .gate import Gate
from .hypervectors import Hypervectors
from .keys import Keys
from .language_model import LARGE, SMALL, LanguageModel
from .limit import RequestLimit
from .model_queue import ModelQueue
from .passages import make_passages
from .pipeline import Parts, Pipeline
from .routes import faults_router, query_router
from .sabotage import Sabotage
from .sentence_model import load_embedding
from .settings import AppSettings
from .tools import Tools

log = logging.getLogger(__name__)

_SMALL_IS_FASTER = 3
_LARGE_FAILURE_RATIO = 0.004
"""The large model fails now and then, as services do; the small one is there for that and never does."""
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 30.0
_PRICES_VARIABLE = "VECTORWATCH_INSTRUMENT_PRICES"


def run(config: Path | None = None, options: Mapping[str, str] | None = None) -> None:
    """Serve until SIGTERM; `options` win over the environment. Raises VectorwatchError."""
    settings = load(AppSettings, config_file=config, environ={**os.environ, **(options or {})})
    serve(build_app(settings), settings)


def build_app(settings: AppSettings) -> FastAPI:
    """Return the service. Raises VectorwatchError when its folder or its database cannot be used."""
    os.environ.setdefault(_PRICES_VARIABLE, str(Path(__file__).with_name("prices.yml")))

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        jobs = [_prepare(parts.articles), *background.jobs()]
        if settings.demo_faults:
            jobs.append(Sabotage(faults, pipeline, background).run())
        tasks = [asyncio.ensure_future(job) for job in jobs]
        yield
        background.drop_backlog()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await parts.articles.close()
        await parts.cache.close()
        parts.database.close()

    app = FastAPI(title="Vectorwatch demo service", version=__version__, lifespan=live)
    # First, for the parts log and are timed while they are built.
    watching = _watch(app, settings)
    keys = Keys()
    keys.create(settings.data)
    parts = _build_parts(settings)
    parts.database.prepare(keys.callers)
    randomness = random.Random()
    pipeline = Pipeline(parts, settings.llm_timeout_seconds, randomness)
    background = Background(pipeline, settings.background_seconds, settings.reindex_seconds, randomness)
    faults = Faults(monotonic)
    gate = Gate(keys, RequestLimit(settings.requests_per_minute, monotonic))
    app.include_router(query_router(pipeline, background, parts.articles, gate))
    if settings.demo_faults:
        app.include_router(faults_router(faults))
    _add_checks(watching, parts)
    if tracing.tracer() is not None:
        _trace_clients(parts)

    @app.get("/readyz", response_class=PlainTextResponse)
    async def readyz() -> Response:
        """Say whether the passages have been written since the start."""
        ready = parts.articles.ready
        text = "ready" if ready else "the passages are not written yet: does Qdrant answer?"
        return PlainTextResponse(f"{text}\n", status_code=200 if ready else 503)

    return app


def _build_parts(settings: AppSettings) -> Parts:
    passages = make_passages()
    embedding = load_embedding([passage.text for passage in passages])
    randomness = random.Random()
    found = Articles(settings.qdrant_url, embedding, passages)
    database = Database(settings.database or sqlite_url(settings.data), Breaker("database", monotonic))
    return Parts(
        embedding=embedding,
        hypervectors=Hypervectors(),
        articles=found,
        cache=AnswerCache(settings.cache_url, settings.answer_seconds, settings.cache_entries),
        database=database,
        tools=Tools(found, database, randomness),
        large=LanguageModel(LARGE, settings.llm_seconds, randomness, _LARGE_FAILURE_RATIO),
        small=LanguageModel(SMALL, settings.llm_seconds / _SMALL_IS_FASTER, randomness),
        embedding_queue=ModelQueue(embedding.name, workers=2),
        model_queue=ModelQueue(LARGE, workers=1),
        model_breaker=Breaker("llm", monotonic),
    )


def _watch(app: FastAPI, settings: AppSettings) -> Instrumentation:
    watching = instrument(
        app,
        service=SERVICE,
        version=__version__,
        traces_endpoint=settings.traces_endpoint,
        log_level=settings.log_level,
        log_file=settings.log_file,
    )
    track.build_info(__version__, "unknown", "demo")
    return watching


def _add_checks(watching: Instrumentation, parts: Parts) -> None:
    async def check_models() -> dict[str, object]:
        return {
            "embedding": parts.embedding.name,
            "embedding_is": parts.embedding.description,
            "large": parts.large.name,
            "large_is": "simulated",
            "breaker": parts.model_breaker.state,
            "waiting": parts.model_queue.length,
        }

    watching.health.add("qdrant", parts.articles.check)
    watching.health.add("cache", parts.cache.check, critical=False)
    watching.health.add("database", parts.database.check, critical=False)
    watching.health.add("models", check_models, critical=False)


def _trace_clients(parts: Parts) -> None:
    """Let the clients of the servers open spans as well."""
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    HTTPXClientInstrumentor().instrument()
    RedisInstrumentor().instrument()
    SQLAlchemyInstrumentor().instrument(engine=parts.database.engine)


async def _prepare(passages: Articles) -> None:
    """Write the passages as soon as Qdrant answers, and again should it have lost them."""
    while True:
        try:
            await passages.prepare()
            await asyncio.sleep(_LOOK_SECONDS)
        except articles.Failures as error:
            log.warning("the passages cannot be written yet: %s", type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
        except Exception:
            log.exception("the passages cannot be written")
            await asyncio.sleep(_LOOK_SECONDS)
