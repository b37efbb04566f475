"""The fields that stand on every log line of a request or of a block, carried by context variables."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any, Self

Fields = Mapping[str, Any]

_NOTHING: Fields = MappingProxyType({})
_block: ContextVar[Fields] = ContextVar("vectorwatch_log_block", default=_NOTHING)
# Mutable, so that what is set deep inside a request, in a copy of its context, reaches its access line.
_request: ContextVar[dict[str, Any] | None] = ContextVar("vectorwatch_log_request", default=None)


class log_context:  # noqa: N801 - read as a verb: `with log_context(component="search"):`
    """Put fields on every log line inside the block; the innermost block wins.

    `with log_context(component="vector_store", operation="search"):`; docs/how-to/instrument-your-service.md
    says under which names they are written.
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: object) -> None:
        self._fields = fields
        self._token: Token[Fields] | None = None

    def __enter__(self) -> Self:
        self._token = _block.set({**_block.get(), **self._fields})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        if token is None:
            return
        try:
            _block.reset(token)
        except ValueError:
            # A generator that another task or thread ends (FastAPI's dependencies with `yield`): the context
            # in which the block began is gone, and its fields with it.
            return


def annotate_request(**fields: object) -> None:
    """Put fields on every later log line of the request that runs, its access line included.

    Outside of a request this does nothing.
    """
    request = _request.get()
    if request is not None:
        request.update(fields)


def begin_request(fields: dict[str, Any]) -> Token[dict[str, Any] | None]:
    """Make `fields` those of the request that runs in this context."""
    return _request.set(fields)


def end_request(token: Token[dict[str, Any] | None]) -> None:
    """Forget what `begin_request` has set."""
    _request.reset(token)


def current_fields() -> Fields:
    """Return the fields of the request and of the blocks around this line."""
    request, block = _request.get(), _block.get()
    if request is None:
        return block
    return {**request, **block} if block else request
