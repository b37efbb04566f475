"""What callers send and get."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["quick", "hyde", "tools", "agent"]
MODES: tuple[Mode, ...] = ("quick", "hyde", "tools", "agent")
AGENTS = {"agent-librarian": "Librarian", "agent-operator": "Operator", "agent-tutor": "Tutor"}
"""By id: the name of each agent."""


class Question(BaseModel):
    """The body of `POST /v1/query`."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=3, max_length=500)
    mode: Mode = "quick"
    agent: str = Field("agent-librarian", max_length=40)
    session: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")


class Feedback(BaseModel):
    """The body of `POST /v1/feedback`."""

    model_config = ConfigDict(extra="forbid")

    answer: str = Field(max_length=64)
    helpful: bool


class Tokens(BaseModel):
    """What the simulated model read and wrote."""

    input: int
    output: int


class Answer(BaseModel):
    """The answer to a question; `simulated` says that no real language model wrote it."""

    id: str
    answer: str
    model: str
    simulated: bool = True
    tokens: Tokens
    sources: list[dict[str, Any]]
    quality: float
    degraded: list[str]
    cached: bool
    session: str
