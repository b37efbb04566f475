"""An alert reaches a person, and so does its end, over the whole chain."""

from __future__ import annotations

from tests.smoke.stage import Question, Stage, wait

ALERT = "CacheDown"
CACHE = "dragonfly"
_CHANNELS = {"slack": "in Slack's format", "email": "by mail"}
_CHAIN = ("prometheus", "dragonfly-exporter", "alertmanager", "inbox", CACHE)
_WATCHED = ('up{job="dragonfly"}', "dragonfly_up")
_LIMIT_SECONDS = 300.0


def reaches_inbox(stage: Stage) -> str:
    """Stop the cache, see the alert arrive by every channel; start it, see that it is over."""
    since = stage.inbox.read_last_id()
    stage.project.compose("--profile", "*", "stop", CACHE)
    try:
        fired = see(stage, "firing", since)
        since = stage.inbox.read_last_id()
    finally:
        stage.project.compose("--profile", "*", "start", CACHE)
    resolved = see(stage, "resolved", since)
    # An alert is over, too, when nobody looks any more.
    wait(lambda: _ask_watched(stage), "watched again after its start", _CHAIN)
    ways = " and ".join(_CHANNELS.values())
    return f"{ALERT} {ways} after {fired:.0f} s, its end after {resolved:.0f} s"


def _ask_watched(stage: Stage) -> str:
    missing = [expression for expression in _WATCHED if not stage.prometheus.query(f"{expression} == 1")]
    return ", ".join(f"no {expression}" for expression in missing)


def see(stage: Stage, status: str, since: int) -> float:
    """Wait until the inbox has it by every channel; return the seconds. Raises CheckError."""
    return max(
        wait(_ask(stage, channel, status, since), f"{ALERT} {status} {how}", _CHAIN, _LIMIT_SECONDS)
        for channel, how in _CHANNELS.items()
    )


def _ask(stage: Stage, channel: str, status: str, since: int) -> Question:
    return lambda: "" if stage.inbox.has_arrived(channel, status, ALERT, since) else "not in the inbox"
