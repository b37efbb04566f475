from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from vectorwatch.errors import Reason, TargetError
from vectorwatch.serve.metric import Metric, Sink, Table
from vectorwatch.serve.scrape import Exporter, timeout_from_header

ROW: Table[int] = Table((Metric("x_value", "h", lambda value: value),))


@dataclass(frozen=True)
class Place:
    label: str = "place"


class OnePlace:
    default = Place()

    def find(self, wanted: str) -> Place | None:
        return self.default if wanted == self.default.label else None

    def labels(self) -> list[str]:
        return [self.default.label]


Collect = Callable[[Place, Sink], Awaitable[None]]


def exporter(collect: Collect, max_series: int = 100) -> Exporter[Place]:
    return Exporter("x", OnePlace(), collect, max_series, timeout_seconds=5)


def values(sink: Sink) -> dict[str, float]:
    return {
        family.name + "".join(labels): number
        for family in sink.families()
        for labels, number in family.samples
    }


async def test_a_complete_answer_is_up_and_no_reason_is_set() -> None:
    async def collect(_place: Place, sink: Sink) -> None:
        sink.add(ROW, [7])

    found = values(await exporter(collect).scrape(Place(), 5))
    assert found["x_value"] == 7
    assert found["x_up"] == 1
    assert [found[f"x_scrape_failed{reason.value}"] for reason in Reason] == [0] * len(Reason)


@pytest.mark.parametrize("reason", list(Reason))
async def test_a_failure_is_down_with_its_reason_and_keeps_what_was_read(reason: Reason) -> None:
    async def collect(_place: Place, sink: Sink) -> None:
        sink.add(ROW, [7])
        raise TargetError(reason, "text that must not become a label")

    found = values(await exporter(collect).scrape(Place(), 5))
    assert (found["x_up"], found["x_value"], found[f"x_scrape_failed{reason.value}"]) == (0, 7, 1)
    assert not any("text" in name for name in found)


async def test_a_hanging_target_ends_at_the_deadline() -> None:
    async def collect(_place: Place, _sink: Sink) -> None:
        await asyncio.Event().wait()

    found = values(await exporter(collect).scrape(Place(), 0.05))
    assert (found["x_up"], found["x_scrape_failedtimeout"]) == (0, 1)


async def test_a_defect_of_ours_is_an_internal_reason_and_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def collect(_place: Place, _sink: Sink) -> None:
        raise ZeroDivisionError

    found = values(await exporter(collect).scrape(Place(), 5))
    assert (found["x_up"], found["x_scrape_failedinternal"]) == (0, 1)
    assert caplog.records[0].exc_info is not None


async def test_the_log_says_a_change_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    failing = True

    async def collect(_place: Place, _sink: Sink) -> None:
        if failing:
            raise TargetError(Reason.CONNECT, "refused")

    subject = exporter(collect)
    for _ in range(3):
        await subject.scrape(Place(), 5)
    failing = False
    for _ in range(3):
        await subject.scrape(Place(), 5)
    assert [record.getMessage() for record in caplog.records] == [
        "place: connect: refused",
        "place: readable again",
    ]


async def test_what_the_ceiling_leaves_out_is_counted() -> None:
    async def collect(_place: Place, sink: Sink) -> None:
        sink.add(Table((Metric("x_many", "h", lambda n: n),), ("n",), lambda n: (str(n),)), range(150))

    found = values(await exporter(collect).scrape(Place(), 5))
    assert found["x_scrape_dropped_series"] == 50
    assert found["x_up"] == 1


async def test_two_scrapes_at_once_do_not_share_anything() -> None:
    arrived = asyncio.Semaphore(0)
    release = asyncio.Event()
    number = iter([1, 2])

    async def collect(_place: Place, sink: Sink) -> None:
        mine = next(number)
        arrived.release()
        await release.wait()
        sink.add(ROW, [mine])

    subject = exporter(collect)
    scrapes = [asyncio.create_task(subject.scrape(Place(), 30)) for _ in range(2)]
    await arrived.acquire()
    await arrived.acquire()
    release.set()
    found = [values(sink)["x_value"] for sink in await asyncio.gather(*scrapes)]
    assert sorted(found) == [1, 2]


@pytest.mark.parametrize(
    ("header", "expected"),
    [("10", 9.0), ("5", 4.5), ("0.4", 0.2), (None, 9.0), ("", 9.0), ("nan", 9.0), ("-1", 9.0), ("soon", 9.0)],
)
def test_prometheus_timeout_shortens_ours_and_leaves_time_to_answer(
    header: str | None, expected: float
) -> None:
    assert timeout_from_header(header, 9.0) == pytest.approx(expected)
