from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.smoke.stage import CheckError, wait


def test_waiting_ends_when_nothing_is_missing() -> None:
    answers: Iterator[str] = iter(["the inbox", ""])
    assert wait(lambda: next(answers), "all") >= 0


def test_waiting_in_vain_names_what_is_missing_and_whose_logs_may_tell() -> None:
    with pytest.raises(CheckError, match="targets: not within 0 s: qdrant down") as caught:
        wait(lambda: "qdrant down", "targets", ["qdrant"], limit_seconds=0)
    assert caught.value.services == ["qdrant"]


def test_a_server_that_does_not_answer_yet_is_waited_for() -> None:
    def ask() -> str:
        raise httpx.ConnectError("refused")

    with pytest.raises(CheckError, match="no answer"):
        wait(ask, "targets", limit_seconds=0)
