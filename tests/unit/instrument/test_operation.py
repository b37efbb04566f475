"""An operation is recorded once, whichever way it is written, and what is raised goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import pytest

from vectorwatch import tracing
from vectorwatch.instrument.operation import Operation, error_type_of, status_of


class Recorded(Operation):
    __slots__ = ("name",)
    span_name = "test.operation"
    ended: ClassVar[list[tuple[str, float, BaseException | None]]] = []

    def __init__(self, name: str = "") -> None:
        self.name = name

    def record(self, seconds: float, error: BaseException | None) -> None:
        self.ended.append((self.name, seconds, error))

    def attributes(self) -> dict[str, str | int | float | bool]:
        return {"test.name": self.name}


@pytest.fixture(autouse=True)
def forget() -> None:
    Recorded.ended.clear()


def test_a_block_is_one_operation() -> None:
    with Recorded("x") as operation:
        assert operation.name == "x"
        assert Recorded.ended == []
    [(name, seconds, error)] = Recorded.ended
    assert (name, error) == ("x", None)
    assert seconds >= 0


async def test_an_async_block_is_one_operation() -> None:
    async with Recorded("x"):
        await asyncio.sleep(0)
    assert len(Recorded.ended) == 1


def test_what_is_raised_is_recorded_and_goes_on() -> None:
    failure = ValueError("no")
    with pytest.raises(ValueError, match="no") as caught, Recorded():
        raise failure
    assert caught.value is failure
    assert Recorded.ended[0][2] is failure


async def test_a_decorated_function_is_an_operation_at_each_call() -> None:
    @Recorded("sync")
    def double(number: int) -> int:
        """Double it."""
        return number * 2

    @Recorded("async")
    async def triple(number: int) -> int:
        await asyncio.sleep(0)
        return number * 3

    assert (double(2), double(number=3)) == (4, 6)
    assert list(await asyncio.gather(triple(1), triple(2))) == [3, 6]
    assert [name for name, _, _ in Recorded.ended] == ["sync", "sync", "async", "async"]
    assert (double.__name__, double.__doc__) == ("double", "Double it.")


def test_a_decorated_function_may_call_itself() -> None:
    @Recorded()
    def count_down(number: int) -> int:
        return number and count_down(number - 1)

    count_down(3)
    assert len(Recorded.ended) == 4


def test_a_generator_is_refused_because_it_would_be_timed_to_its_start() -> None:
    async def stream() -> Any:
        yield "token"

    def produce() -> Iterator[int]:
        yield 1

    for function in (stream, produce):
        with pytest.raises(
            TypeError, match=f"`{function.__name__}` is a generator; write `with ...:` inside it"
        ):
            Recorded()(function)


async def test_a_cancelled_operation_is_recorded() -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with Recorded():
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(Recorded.ended[0][2], asyncio.CancelledError)


def test_with_tracing_each_is_a_span(read_spans: Callable[[], list[Any]]) -> None:
    with Recorded("outer"), Recorded("inner"):
        pass
    with pytest.raises(ValueError, match="no"), Recorded("failed"):
        raise ValueError("no")
    inner, outer, failed = read_spans()
    assert [span.name for span in (inner, outer, failed)] == ["test.operation"] * 3
    assert inner.parent.span_id == outer.context.span_id
    assert [span.attributes["test.name"] for span in (inner, outer, failed)] == ["inner", "outer", "failed"]
    assert failed.status.status_code.name == "ERROR"
    assert [event.name for event in failed.events] == ["exception"]


class Defective(Recorded):
    __slots__ = ()

    def record(self, seconds: float, error: BaseException | None) -> None:
        raise TypeError("a defect")


def test_a_defect_breaks_no_caller_and_hides_no_error(
    value: Callable[..., float], read_spans: Callable[[], list[Any]]
) -> None:
    before = value("vectorwatch_instrument_failures_total")
    with Defective():
        pass
    with pytest.raises(ValueError, match="the caller's own"), Defective():
        raise ValueError("the caller's own")
    assert value("vectorwatch_instrument_failures_total") == before + 2
    assert len(read_spans()) == 2
    assert tracing.current_ids() is None


async def test_the_span_of_a_generator_that_another_task_closes_keeps_its_own_attributes(
    read_spans: Callable[[], list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    async def stream() -> AsyncIterator[int]:
        with Recorded("stream"):
            yield 1
            yield 2

    async def read_one(generator: AsyncIterator[int]) -> None:
        await anext(generator)

    generator = stream()
    await asyncio.create_task(read_one(generator))
    with Recorded("other"):
        await generator.aclose()  # type: ignore[attr-defined]
    names = sorted(span.attributes["test.name"] for span in read_spans())
    assert names == ["other", "stream"]
    assert "detach" not in caplog.text


def test_the_labels_of_an_end() -> None:
    assert (status_of(None), status_of(ValueError())) == ("success", "error")
    assert error_type_of(KeyError("x")) == "KeyError"
