"""Checks run in parallel, each within its time, and not more often than once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from vectorwatch.instrument import SetupError, health
from vectorwatch.instrument.health import Check, Health, Status, describe

TWO = {"critical": True, "timeout_seconds": 30.0}


def returning(details: Any) -> Check:
    async def check() -> Any:
        return details

    return check


def raising(error: Exception) -> Check:
    async def check() -> None:
        raise error

    return check


@pytest.mark.parametrize(
    ("first", "second", "second_is_critical", "status"),
    [
        (None, None, True, "healthy"),
        (None, RuntimeError("gone"), True, "error"),
        (None, RuntimeError("gone"), False, "degraded"),
        ({"status": "degraded"}, None, True, "degraded"),
        ({"status": "error"}, None, True, "error"),
        ({"status": "Degraded"}, None, True, "degraded"),
        ({"status": "unhealthy"}, None, True, "error"),
        ({"status": "DOWN"}, None, True, "error"),
        ({"status": "failed"}, None, True, "error"),
        ({"status": "fail"}, None, True, "error"),
        ({"status": Status.ERROR}, None, True, "error"),
        ({"status": "green"}, None, True, "healthy"),
        ({"status": {"red": 1}}, None, True, "healthy"),
        ({"status": ["red"]}, None, True, "healthy"),
    ],
)
async def test_the_whole_is_as_its_parts(
    first: Any, second: Any, second_is_critical: bool, status: str
) -> None:
    checks = Health("svc", "1.0")
    checks.add("first", returning(first))
    check = raising(second) if isinstance(second, Exception) else returning(second)
    checks.add("second", check, critical=second_is_critical)
    found, answer = await checks.report()
    assert found == answer["status"] == status
    assert set(answer) == {"status", "timestamp", "service", "version", "uptime_seconds", "components"}
    assert answer["version"] == "1.0"
    assert answer["uptime_seconds"] >= 0


async def test_the_details_say_what_each_part_has_found() -> None:
    checks = Health("svc", "")
    checks.add("store", returning({"collections": 3}))
    checks.add("cache", raising(ConnectionError("redis://:pa55@cache refused\nsecond line")), critical=False)
    _, answer = await checks.report(detailed=True)
    store, cache = answer["components"]["store"], answer["components"]["cache"]
    assert (store["status"], store["metrics"], store["alerts"]) == ("healthy", {"collections": 3}, [])
    assert "error" not in store
    assert cache["error"] == "ConnectionError: redis://:[hidden]@cache refused"
    assert answer["alerts"] == [{"component": "cache", "level": "warning", "message": cache["error"]}]
    assert cache["duration_ms"] >= 0


async def test_a_status_that_is_no_word_of_ours_stays_visible() -> None:
    checks = Health("svc", "")
    checks.add("store", returning({"status": "green"}))
    checks.add("cache", returning({"status": "down"}))
    _, answer = await checks.report(detailed=True)
    assert answer["metrics"] == {"store": {"status": "green"}, "cache": {}}


async def test_checks_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(3)

    async def meet() -> None:
        await meeting.wait()

    checks = Health("svc", "")
    for name in ("a", "b", "c"):
        checks.add(name, meet, timeout_seconds=60)
    assert (await checks.report())[0] is Status.HEALTHY


async def test_a_check_that_does_not_end_is_an_error_even_if_it_cannot_be_cancelled() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    checks = Health("svc", "")
    checks.add("stuck", stubborn, timeout_seconds=0.05)
    found = await checks.report_part("stuck")
    release.set()
    assert (found[0], found[1]["error"]) == (Status.ERROR, "no answer within 0.05 s")


@pytest.fixture
def counted() -> tuple[list[int], Callable[[], Coroutine[Any, Any, None]]]:
    calls: list[int] = []

    async def check() -> None:
        calls.append(1)
        await asyncio.sleep(0)

    return calls, check


async def test_a_finding_is_kept_for_a_second(
    counted: tuple[list[int], Check], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, check = counted
    now = 100.0
    monkeypatch.setattr(health, "monotonic", lambda: now)
    checks = Health("svc", "")
    checks.add("part", check)
    await asyncio.gather(*(checks.report() for _ in range(20)))
    await checks.report_part("part")
    assert len(calls) == 1
    now = 101.1
    await checks.report(detailed=True)
    assert len(calls) == 2


async def test_a_probe_that_hangs_up_does_not_end_the_check_of_others() -> None:
    release = asyncio.Event()

    async def wait() -> None:
        await release.wait()

    checks = Health("svc", "")
    checks.add("part", wait, timeout_seconds=60)
    impatient = asyncio.create_task(checks.report())
    patient = asyncio.create_task(checks.report())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    release.set()
    assert (await patient)[0] is Status.HEALTHY


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (lambda: {"fine": True}, "the check is no `async def` function"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
async def test_a_check_that_is_no_coroutine_says_so(check: Any, sentence: str) -> None:
    checks = Health("svc", "")
    checks.add("part", check)
    found = await checks.report_part("part")
    assert found[1]["error"] == sentence


async def test_what_a_client_s_ping_returns_is_no_detail() -> None:
    checks = Health("svc", "")
    checks.add("cache", lambda: returning(True)())
    found = await checks.report_part("cache")
    assert (found[0], found[1]["metrics"]) == (Status.HEALTHY, {})


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("detailed", {}, "`detailed` is no name for a part"),
        ("a/b", {}, "`a/b` is no name for a part"),
        ("there", {}, "there is a part `there` already"),
        ("new", {"timeout_seconds": 0}, "`new` has 0 s to answer; give it more than 0"),
    ],
)
def test_a_part_that_cannot_be_added_is_one_line(name: str, options: dict[str, Any], sentence: str) -> None:
    checks = Health("svc", "")
    checks.add("there", returning(None))
    with pytest.raises(SetupError, match=sentence):
        checks.add(name, returning(None), **options)
    assert checks.names() == ["there"]


def test_an_error_is_described_shortly() -> None:
    assert describe(ValueError()) == "ValueError"
    assert len(describe(ValueError("x" * 1000))) == 200
