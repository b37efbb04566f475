"""Turn the replies of one round trip into what they say; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vectorwatch.errors import Reason, TargetError

from .resp import ErrorReply, Reply

_CODES = {
    "NOAUTH": Reason.AUTH,
    "WRONGPASS": Reason.AUTH,
    "NOPERM": Reason.AUTH,
    "DENIED": Reason.AUTH,  # Redis' protected mode
    "LOADING": Reason.LOADING,
    "BUSY": Reason.PARTIAL,
    "MASTERDOWN": Reason.PARTIAL,
    "ERR": Reason.PARTIAL,
}


@dataclass(frozen=True, slots=True)
class SlowLog:
    """The slow log: its length and its newest entry, without the command, which holds users' data."""

    entries: int
    newest_id: int | None = None
    newest_timestamp_seconds: int | None = None
    newest_duration_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; `problem` when a part beside INFO could not be read."""

    info: str
    ping_seconds: float | None
    slowlog: SlowLog | None
    problem: TargetError | None


def read_answer(replies: Sequence[Reply], ping_seconds: float) -> Answer:
    """Read the replies to PING, INFO and, where it was asked for, SLOWLOG LEN and SLOWLOG GET 1.

    Raises TargetError when INFO could not be read; a lack beside it becomes `problem`.
    """
    ping, info, *slowlog = replies
    if isinstance(info, ErrorReply):
        raise refusal("INFO", info)
    if not isinstance(info, bytes):
        raise TargetError(Reason.DECODE, "INFO: the answer is not a text")
    answered, ping_problem = _attempt("PING", [ping])
    if answered and ping != b"PONG":
        raise TargetError(Reason.DECODE, "PING: the answer is not PONG")
    readable, slowlog_problem = _attempt("SLOWLOG", slowlog)
    return Answer(
        info=info.decode(errors="replace"),
        ping_seconds=ping_seconds if answered else None,
        slowlog=_read_slowlog(slowlog) if slowlog and readable else None,
        problem=ping_problem or slowlog_problem,
    )


def refusal(command: str, reply: ErrorReply) -> TargetError:
    """Return the error of an answer that INFO, PING or AUTH got.

    Only a known code is repeated: the rest of the text is the server's and may echo a secret.
    """
    code = reply.text.split(" ", 1)[0]
    text = reply.text.lower()
    if "max number of clients" in text:
        return TargetError(Reason.CONNECT, "the server has reached its limit of clients")
    if "restricted" in text:
        return TargetError(Reason.AUTH, f"{command}: only allowed on the server's admin port")
    reason = _CODES.get(code, Reason.PARTIAL)
    return TargetError(reason, f"{command}: refused with {code if code in _CODES else 'an error'}")


def _attempt(command: str, replies: Sequence[Reply]) -> tuple[bool, TargetError | None]:
    """Tell whether `replies` hold no error; a refusal leaves the scrape partial, whatever the reason."""
    for reply in replies:
        if isinstance(reply, ErrorReply):
            error = refusal(command, reply)
            loading = error.reason is Reason.LOADING
            return False, error if loading else TargetError(Reason.PARTIAL, str(error))
    return True, None


def _read_slowlog(replies: Sequence[Reply]) -> SlowLog:
    """Read length and newest entry `[id, unix seconds, microseconds, command, …]`."""
    entries, newest = replies
    if not isinstance(entries, int) or not isinstance(newest, list):
        raise TargetError(Reason.DECODE, "SLOWLOG: the answer has another form")
    if not newest:
        return SlowLog(entries)
    match newest[0]:
        case [int(identifier), int(timestamp), int(microseconds), *_]:
            return SlowLog(entries, identifier, timestamp, microseconds / 1e6)
    raise TargetError(Reason.DECODE, "SLOWLOG: the entry has another form")
