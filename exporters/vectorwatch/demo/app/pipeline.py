"""From a question to its answer: cache, hypothetical document, retrieval, tools, model, quality, log.

What fails on the way makes the answer worse, and the answer says so; it fails only when nothing is left.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from uuid import uuid4

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from vectorwatch.instrument import log_context, track

from . import answer_cache, articles
from .answer_cache import AnswerCache, answer_key
from .articles import Articles, Source
from .breaker import Breaker, BreakerOpenError
from .database import Database
from .embedding import Embedding, Vector, find_words
from .hypervectors import Hypervector, Hypervectors
from .keys import Caller
from .language_model import Generation, LanguageModel, ModelFailureError
from .model_queue import ModelQueue
from .passages import describe_subject, find_subject
from .question import AGENTS, Answer, Question, Tokens
from .tools import ToolFailureError, Tools

log = logging.getLogger(__name__)

_SOURCES = 4
_PRICE_DOLLARS = 0.01
"""What a tenant pays for an answer; simulated, as all money here."""
_RETRIEVAL_DOLLARS = 0.0001
DATABASE_FAILURES = (SQLAlchemyError, BreakerOpenError)
_DEGRADED_COST = 0.12
_UNCOVERED_COST = 0.25


class RetrievalError(Exception):
    """A search that failed on request."""


class BrokenRequestError(Exception):
    """The fault `error_burst` has hit this request."""


@dataclass
class Parts:
    """What answers questions."""

    embedding: Embedding
    hypervectors: Hypervectors
    articles: Articles
    cache: AnswerCache
    database: Database
    tools: Tools
    large: LanguageModel
    small: LanguageModel
    embedding_queue: ModelQueue
    model_queue: ModelQueue
    model_breaker: Breaker


@dataclass
class Disturbance:
    """What the faults make go wrong on the way; nothing by default."""

    error_ratio: float = 0.0
    delay_seconds: float = 0.0
    cache_delay_seconds: float = 0.0
    skip_cache: bool = False
    forget_documents: bool = False
    retrieval_error_ratio: float = 0.0
    random_passages: bool = False
    embedding_noise: float = 0.0


@dataclass
class Progress:
    """One question on its way."""

    question: Question
    caller: Caller
    session: str
    degraded: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    model: str = ""
    cached: bool = False


class Pipeline:
    """Answers questions with `parts`."""

    def __init__(self, parts: Parts, llm_timeout_seconds: float, randomness: random.Random) -> None:
        self.parts = parts
        self.disturbance = Disturbance()
        self._llm_timeout_seconds = llm_timeout_seconds
        self._random = randomness

    async def answer(self, question: Question, caller: Caller) -> Answer:
        """Return the answer. Raises what leaves nothing to answer with."""
        started = perf_counter()
        progress = Progress(question, caller, question.session or uuid4().hex)
        agent = question.agent if question.agent in AGENTS else "agent-librarian"
        mode = question.mode
        self._note_use(progress)
        with log_context(component="pipeline", operation="answer", session_id=progress.session):
            async with track.workflow(mode, caller.tenant, agent, AGENTS[agent]) as workflow:
                answer = await self._work(progress)
                workflow.cache_status = "hit" if progress.cached else "miss"
            track.quality(answer.quality, mode, progress.degraded, progress.warnings)
            await self._write_down(progress, answer, perf_counter() - started)
            self._say(answer, perf_counter() - started)
        return answer

    async def embed(self, text: str) -> Vector:
        """Return the vector of a text, after its turn in the queue of the embedding model."""
        embedding = self.parts.embedding
        async with self.parts.embedding_queue.turn():
            with track.model_inference(embedding.name):
                vector = await asyncio.to_thread(embedding.embed, text)
        if self.disturbance.embedding_noise:
            noise = np.random.default_rng().normal(size=len(vector)) * self.disturbance.embedding_noise
            vector = (vector + noise).astype(np.float32)
        return vector

    async def _work(self, progress: Progress) -> Answer:
        if self.disturbance.delay_seconds:
            await asyncio.sleep(self.disturbance.delay_seconds)
        if self._random.random() < self.disturbance.error_ratio:
            raise BrokenRequestError("the fault `error_burst` is on")
        await self._greet(progress)
        # In a thread, for a slow bundling must not hold up the other requests.
        key, vector = await asyncio.to_thread(self._find_key, progress)
        found = await self._look_up(progress, key)
        if found is not None:
            return found
        await self._retrieve(progress)
        remarks = await self._use_tools(progress)
        generation = await self._generate(progress)
        answer = self._compose(progress, generation, remarks)
        if not progress.degraded:
            await self._keep(progress, key, answer)
            if vector is not None:
                self.parts.hypervectors.remember(vector, key)
        return answer

    # ── What was asked before ────────────────────────────────────────────────────────────────────────────

    async def _greet(self, progress: Progress) -> None:
        async with self._degrading(progress, "database_unavailable", DATABASE_FAILURES):
            await self.parts.database.start_session(progress.session, progress.caller.user)
            await self.parts.database.count_questions(progress.session)

    def _find_key(self, progress: Progress) -> tuple[str, Hypervector | None]:
        question = progress.question
        key = answer_key(question.question, question.mode)
        try:
            vector = self.parts.hypervectors.encode(f"{question.mode} {question.question}")
            same = self.parts.hypervectors.find_same(vector)
        except ValueError:
            # Near-duplicates go unseen; nobody else notices.
            progress.warnings.append("hypervectors_failed")
            return key, None
        return same or key, vector

    async def _look_up(self, progress: Progress, key: str) -> Answer | None:
        mode = progress.question.mode
        if self.disturbance.skip_cache:
            key = f"{key}:{uuid4().hex}"
        found = None
        async with self._degrading(progress, "cache_unavailable", answer_cache.Failures):
            async with asyncio.timeout(1.0):
                if self.disturbance.cache_delay_seconds:
                    await asyncio.sleep(self.disturbance.cache_delay_seconds)
                found = await self.parts.cache.get(key, mode)
        if found is None:
            return None
        progress.cached = True
        kept = Answer.model_validate(found.answer)
        with track.llm_call(kept.model, mode=mode, tenant_id=progress.caller.tenant, cached=True) as call:
            call.tokens(input=kept.tokens.input, output=kept.tokens.output)
        return kept.model_copy(update={"id": uuid4().hex, "cached": True, "session": progress.session})

    async def _keep(self, progress: Progress, key: str, answer: Answer) -> None:
        try:
            await self.parts.cache.put(key, progress.question.mode, answer.model_dump())
        except answer_cache.Failures:
            progress.warnings.append("answer_not_cached")

    # ── What is known ────────────────────────────────────────────────────────────────────────────────────

    async def _retrieve(self, progress: Progress) -> None:
        question = progress.question
        text = question.question
        if question.mode in ("hyde", "agent"):
            track.feature_usage("hyde")
            text = f"{text} {await self._imagine(progress)}"
        async with self._degrading(progress, "retrieval_failed", (RetrievalError, *articles.Failures)):
            retrieval = track.rag_retrieval(
                question.mode, "passages", cost_dollars=_RETRIEVAL_DOLLARS, tenant_id=progress.caller.tenant
            )
            async with retrieval:
                if self._random.random() < self.disturbance.retrieval_error_ratio:
                    raise RetrievalError("the fault `rag_failures` is on")
                subject = find_subject(question.question) if question.mode == "agent" else ""
                vector = await self.embed(text)
                if self.disturbance.random_passages:
                    vector = np.random.default_rng().normal(size=len(vector)).astype(np.float32)
                progress.sources = await self.parts.articles.search(vector, _SOURCES, subject)
                retrieval.documents(len(progress.sources))
        if not progress.sources:
            progress.warnings.append("no_sources")

    async def _imagine(self, progress: Progress) -> str:
        """Return a hypothetical document for the question's subject, from its cache or made now."""
        subject = find_subject(progress.question.question) or "other"
        document = None
        async with self._degrading(progress, "cache_unavailable", answer_cache.Failures):
            if self.disturbance.forget_documents:
                await self.parts.cache.forget_documents()
            document = await self.parts.cache.get_document(subject)
        if document is not None:
            return document
        about = Source(0, subject, describe_subject(subject), 1.0)
        with track.hyde_generation():
            written = await self.parts.small.write(progress.question.question, [about], lambda: None)
        try:
            await self.parts.cache.put_document(subject, written.text)
        except answer_cache.Failures:
            progress.warnings.append("document_not_cached")
        return written.text

    async def _use_tools(self, progress: Progress) -> list[str]:
        if progress.question.mode not in ("tools", "agent"):
            return []
        track.feature_usage("tools")
        remarks = []
        failures = (ToolFailureError, *DATABASE_FAILURES, *articles.Failures)
        for name in self.parts.tools.names:
            async with self._degrading(progress, "tool_failed", failures):
                remarks.append(await self.parts.tools.use(name, progress.question, progress.caller))
        return remarks

    # ── What is answered ─────────────────────────────────────────────────────────────────────────────────

    async def _generate(self, progress: Progress) -> Generation:
        large, small = self.parts.large, self.parts.small
        try:
            with self.parts.model_breaker.guard():
                # The time in the queue counts: it is what the caller waits for.
                async with asyncio.timeout(self._llm_timeout_seconds), self.parts.model_queue.turn():
                    return await self._ask(large, progress)
        except TimeoutError:
            track.model_timeout(large.name)
        except (ModelFailureError, BreakerOpenError) as error:
            log.warning("%s: %s", large.name, error)
        track.model_fallback(large.name)
        progress.degraded.append("fallback_model")
        return await self._ask(small, progress)

    async def _ask(self, model: LanguageModel, progress: Progress) -> Generation:
        call = track.llm_call(model.name, mode=progress.question.mode, tenant_id=progress.caller.tenant)
        with call, track.model_inference(model.name):
            generation = await model.write(progress.question.question, progress.sources, call.first_token)
            call.tokens(input=generation.input_tokens, output=generation.output_tokens)
        progress.model = model.name
        return generation

    def _compose(self, progress: Progress, generation: Generation, remarks: list[str]) -> Answer:
        return Answer(
            id=uuid4().hex,
            answer=" ".join([generation.text, *remarks]),
            model=progress.model,
            tokens=Tokens(input=generation.input_tokens, output=generation.output_tokens),
            sources=[
                {"number": source.number, "subject": source.subject, "score": round(source.score, 4)}
                for source in progress.sources
            ],
            quality=self._judge(progress),
            degraded=progress.degraded,
            cached=False,
            session=progress.session,
        )

    def _judge(self, progress: Progress) -> float:
        """Return 0 to 1: less for each degradation, and for words of the question that no source has."""
        asked = set(find_words(progress.question.question))
        known = {word for source in progress.sources for word in find_words(source.text)}
        covered = len(asked & known) / len(asked) if asked else 1.0
        quality = 1.0 - _DEGRADED_COST * len(progress.degraded) - _UNCOVERED_COST * (1 - covered)
        right = find_subject(progress.question.question)
        if right and progress.sources and right != progress.sources[0].subject:
            quality -= _UNCOVERED_COST
        return round(max(0.0, quality), 3)

    async def _write_down(self, progress: Progress, answer: Answer, seconds: float) -> None:
        try:
            await self.parts.database.log_question(
                id=answer.id,
                session=progress.session,
                mode=progress.question.mode,
                subject=find_subject(progress.question.question) or "other",
                quality=answer.quality,
                seconds=seconds,
            )
        except DATABASE_FAILURES as error:
            log.warning("the question was not written down: %s", type(error).__name__)

    def _note_use(self, progress: Progress) -> None:
        track.active_user(progress.caller.user)
        track.feature_usage(progress.question.mode)

    def _say(self, answer: Answer, seconds: float) -> None:
        track.business_event("answer_delivered", value_dollars=_PRICE_DOLLARS)
        with log_context(
            cache_hit=answer.cached,
            duration_ms=round(seconds * 1_000, 1),
            results_returned=len(answer.sources),
        ):
            log.info("answered with quality %.2f", answer.quality)

    @asynccontextmanager
    async def _degrading(
        self, progress: Progress, reason: str, failures: tuple[type[Exception], ...]
    ) -> AsyncIterator[None]:
        """Go on without what fails inside, and note why the answer is worse for it."""
        try:
            yield
        except failures as error:
            log.warning("%s: %s", reason, type(error).__name__)
            if reason not in progress.degraded:
                progress.degraded.append(reason)
