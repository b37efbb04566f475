"""The routes of the demo service."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path

from vectorwatch.instrument import log_context, track

from . import articles
from .articles import Articles
from .background import Background
from .faults import KNOWN, FaultError, Faults
from .gate import Gate
from .keys import Caller
from .pipeline import Pipeline
from .question import Answer, Feedback, Question
from .suspicion import find_attempt

log = logging.getLogger(__name__)

_FEEDBACK_DOLLARS = 0.05
"""What helpful feedback is said to be worth; simulated."""


def query_router(pipeline: Pipeline, background: Background, passages: Articles, gate: Gate) -> APIRouter:
    """Return what tenants call."""
    router = APIRouter(prefix="/v1")

    authenticated = Depends(gate)

    @router.post("/query")
    async def query(question: Question, caller: Caller = authenticated) -> Answer:
        """Answer a question from the passages."""
        background.requests += 1
        attempt = find_attempt(question.question)
        if attempt:
            track.security_event(attempt, outcome="failure", details={"user_id": caller.user})
            raise HTTPException(400, "the question looks like an attempt to break in; ask differently")
        try:
            return await pipeline.answer(question, caller)
        except Exception as error:
            # Raised further, uvicorn would close the connection under the caller's next request.
            log.exception("no answer")
            raise HTTPException(500, f"no answer: {type(error).__name__}") from error

    @router.post("/feedback", status_code=204)
    async def feedback(given: Feedback, caller: Caller = authenticated) -> None:
        """Take a user's opinion of an answer."""
        track.business_event(
            "feedback_helpful" if given.helpful else "feedback_unhelpful",
            value_dollars=_FEEDBACK_DOLLARS if given.helpful else 0.0,
        )
        track.feature_usage("feedback")
        with log_context(component="routes", operation="feedback"):
            log.info("%s found an answer %s", caller.tenant, "helpful" if given.helpful else "unhelpful")

    @router.get("/articles/{number}")
    async def article(number: Annotated[int, Path(ge=1)], caller: Caller = authenticated) -> dict[str, Any]:
        """Return one passage."""
        track.feature_usage("article")
        try:
            found = await passages.get(number)
        except articles.Failures as error:
            raise HTTPException(503, f"the passages cannot be read: {type(error).__name__}") from error
        if found is None:
            raise HTTPException(404, f"there is no passage {number}")
        track.business_event("article_opened")
        return {"tenant": caller.tenant, **asdict(found)}

    return router


def faults_router(faults: Faults) -> APIRouter:
    """Return what breaks the service for a while; for demonstrations only."""
    router = APIRouter(prefix="/demo/faults")

    @router.get("")
    async def list_faults() -> dict[str, Any]:
        """List all faults and those that are on."""
        return {
            "known": KNOWN,
            "on": {fault.name: round(fault.seconds_left, 1) for fault in faults.list_on()},
        }

    @router.post("/{name}")
    async def begin(name: str, seconds: float = 300.0) -> dict[str, Any]:
        """Switch a fault on; it ends by itself."""
        try:
            fault = faults.begin(name, seconds)
        except FaultError as error:
            raise HTTPException(404 if name not in KNOWN else 422, str(error)) from error
        return {"name": fault.name, "seconds": fault.seconds_left, "what": KNOWN[name]}

    @router.delete("/{name}", status_code=204)
    async def end(name: str) -> None:
        """Switch a fault off."""
        try:
            faults.end(name)
        except FaultError as error:
            raise HTTPException(404, str(error)) from error

    return router
