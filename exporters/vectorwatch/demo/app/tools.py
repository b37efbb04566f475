"""The tools that the modes `tools` and `agent` may use; each looks something up and can fail."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping

from vectorwatch.instrument import track

from .articles import Articles
from .database import Database
from .keys import Caller
from .passages import describe_subject, find_subject
from .question import Question

_FAILURE_RATIO = 0.01
_DOLLARS = 0.0002

Tool = Callable[[str], Awaitable[str]]


class ToolFailureError(Exception):
    """A tool gave no result."""


class Tools:
    """All tools by name."""

    def __init__(self, articles: Articles, database: Database, randomness: random.Random) -> None:
        self._articles = articles
        self._database = database
        self._random = randomness
        self.failure_ratio = _FAILURE_RATIO
        self._tools: Mapping[str, Tool] = {
            "glossary": self._look_up_glossary,
            "collection_status": self._read_collection,
            "question_count": self._count_questions,
        }

    @property
    def names(self) -> list[str]:
        """Return the names of the tools."""
        return list(self._tools)

    async def use(self, name: str, question: Question, caller: Caller) -> str:
        """Return what the tool finds. Raises ToolFailureError and what the servers raise."""
        with track.tool(name, cost_dollars=_DOLLARS, mode=question.mode, tenant_id=caller.tenant):
            if self._random.random() < self.failure_ratio:
                raise ToolFailureError(f"the tool {name} did not answer (simulated)")
            return await self._tools[name](question.question)

    async def _look_up_glossary(self, question: str) -> str:
        return describe_subject(find_subject(question)) or "The glossary does not know it."

    async def _read_collection(self, _question: str) -> str:
        found = await self._articles.check()
        return f"The collection {found['collection']} has {found['passages']} passages."

    async def _count_questions(self, _question: str) -> str:
        count = await self._database.count_all()
        return f"{count} questions are on record."
