from __future__ import annotations

import pytest

from vectorwatch.dragonfly.answer import SlowLog, read_answer, refusal
from vectorwatch.dragonfly.resp import ErrorReply, Reply
from vectorwatch.errors import Reason, TargetError

ENTRY: Reply = [14, 1754520900, 23811, [b"KEYS", b"*"], b"10.0.0.1:5", b""]


def test_a_healthy_answer_is_read_whole() -> None:
    answer = read_answer([b"PONG", b"# Server\r\n", 3, [ENTRY]], 0.25)
    assert (answer.info, answer.ping_seconds, answer.problem) == ("# Server\r\n", 0.25, None)
    assert answer.slowlog == SlowLog(3, 14, 1754520900, 0.023811)


def test_an_empty_slow_log_has_no_newest_entry() -> None:
    assert read_answer([b"PONG", b"", 0, []], 0.1).slowlog == SlowLog(0)


def test_without_slowlog_nothing_is_said_of_it() -> None:
    assert read_answer([b"PONG", b""], 0.1).slowlog is None


PROBLEMS: dict[str, tuple[list[Reply], Reason]] = {
    "slow log not allowed": ([b"PONG", b"", ErrorReply("NOPERM x"), ErrorReply("NOPERM x")], Reason.PARTIAL),
    "slow log unknown": (
        [b"PONG", b"", ErrorReply("ERR unknown"), ErrorReply("ERR unknown")],
        Reason.PARTIAL,
    ),
    "loading": ([ErrorReply("LOADING Dragonfly is loading"), b"", 0, []], Reason.LOADING),
    "replica without its master": ([ErrorReply("MASTERDOWN Link"), b"", 0, []], Reason.PARTIAL),
}


@pytest.mark.parametrize(("replies", "reason"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_refused_part_is_a_problem_and_leaves_info(replies: list[Reply], reason: Reason) -> None:
    answer = read_answer(replies, 0.1)
    assert answer.problem is not None
    assert answer.problem.reason is reason
    assert answer.info == ""


def test_a_refused_ping_has_no_duration() -> None:
    assert read_answer([ErrorReply("LOADING"), b"", 0, []], 0.1).ping_seconds is None


REFUSALS = {
    "no password": ("NOAUTH Authentication required.", Reason.AUTH),
    "not allowed": ("NOPERM this user has no permissions", Reason.AUTH),
    "protected mode": ("DENIED Redis is running in protected mode", Reason.AUTH),
    "admin port only": ("ERR Cannot execute restricted command (admin only)", Reason.AUTH),
    "full": ("ERR max number of clients reached", Reason.CONNECT),
    "loading": ("LOADING Redis is loading the dataset in memory", Reason.LOADING),
    "a script runs": ("BUSY Redis is busy running a script", Reason.PARTIAL),
    "renamed": ("ERR unknown command 'INFO'", Reason.PARTIAL),
    "a code of its own": ("ZZZ", Reason.PARTIAL),
    "nothing": ("", Reason.PARTIAL),
}


@pytest.mark.parametrize(("text", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_refused_info_fails_with_a_reason(text: str, reason: Reason) -> None:
    with pytest.raises(TargetError) as caught:
        read_answer([b"PONG", ErrorReply(text), 0, []], 0.1)
    assert caught.value.reason is reason


def test_a_refusal_repeats_nothing_that_the_server_may_have_echoed() -> None:
    assert "hunter2" not in str(refusal("AUTH", ErrorReply("hunter2 hunter2")))
    assert "hunter2" not in str(refusal("AUTH", ErrorReply("ERR unknown command 'hunter2'")))


ODD: dict[str, list[Reply]] = {
    "INFO is a number": [b"PONG", 5, 0, []],
    "INFO is nil": [b"PONG", None, 0, []],
    "PING is a number": [5, b"", 0, []],
    "PING is another word": [b"HELLO", b"", 0, []],
    "length is a text": [b"PONG", b"", b"3", []],
    "list is a number": [b"PONG", b"", 3, 3],
    "entry is a text": [b"PONG", b"", 3, [b"x"]],
    "entry is short": [b"PONG", b"", 3, [[1, 2]]],
    "entry has texts": [b"PONG", b"", 3, [[b"1", 2, 3]]],
}


@pytest.mark.parametrize("replies", ODD.values(), ids=ODD)
def test_replies_of_another_form_are_refused(replies: list[Reply]) -> None:
    with pytest.raises(TargetError) as caught:
        read_answer(replies, 0.1)
    assert caught.value.reason is Reason.DECODE
