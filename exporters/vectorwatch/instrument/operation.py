"""One thing that an application does, timed and counted: `with`, `async with`, or a decorator.

What is raised inside is recorded and goes on to the caller. With tracing on, each is a span too.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Coroutine
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar, cast

from vectorwatch import tracing

from .failures import Failures

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span

    SpanContext = AbstractContextManager[Span]

P = ParamSpec("P")
R = TypeVar("R")
_failures = Failures("an operation")


class Operation:
    """Subclasses say what to record; one instance serves one block, or a decorated function for ever."""

    __slots__ = ("_opened", "_span", "_started")
    span_name: ClassVar[str]
    """Low cardinality, as OpenTelemetry wants it; what varies is an attribute."""

    def record(self, seconds: float, error: BaseException | None) -> None:
        """Record that the block has ended after `seconds`, with `error` or well."""
        raise NotImplementedError

    def attributes(self) -> dict[str, str | int | float | bool]:
        """Return the attributes of the span at its end; asked only while tracing is on."""
        return {}

    def __enter__(self) -> Self:
        tracer = tracing.tracer()
        self._opened: SpanContext | None = None
        # Kept, for at the end another may be the current one: a generator can be closed by another task.
        self._span: Span | None = None
        if tracer is not None:
            # The context manager of the SDK records an exception and sets the status by itself.
            self._opened = tracer.start_as_current_span(self.span_name)
            self._span = self._opened.__enter__()
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            # Before the span ends, so that exemplars carry its trace.
            self.record(perf_counter() - self._started, error)
            if self._span is not None:
                self._span.set_attributes(self.attributes())
        except Exception:
            # It must neither break the caller nor take the place of what the caller has raised.
            _failures.report()
        finally:
            if self._opened is not None:
                self._opened.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function or a coroutine function: each call is an operation of its own.

        Raises TypeError for a generator function, whose call ends before anything is generated.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{type(self).__name__}: `{function.__name__}` is a generator; write `with ...:` inside it"
            )
        if inspect.iscoroutinefunction(function):
            awaited: Callable[P, Coroutine[Any, Any, Any]] = function

            @functools.wraps(function)
            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with copy.copy(self):
                    return await awaited(*args, **kwargs)

            return cast("Callable[P, R]", run_async)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with copy.copy(self):
                return function(*args, **kwargs)

        return run


def status_of(error: BaseException | None) -> str:
    """Return the value of the label `status`: `success`, `error` or `cancelled`.

    What ends a block from outside (a cancelled task, a closed generator, Ctrl-C) is no error of its own.
    """
    if error is None:
        return "success"
    return "error" if isinstance(error, Exception) else "cancelled"


def error_type_of(error: BaseException) -> str:
    """Return the value of the label `error_type`: the class of what was raised."""
    return type(error).__name__
