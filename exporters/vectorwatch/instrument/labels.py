"""Which values a label may take, so that no caller can multiply series without end.

A value outside becomes `other` and is counted in `vectorwatch_instrument_label_values_refused_total`. What
names one person or holds a text is refused whatever the limit: it is personal data, and each value a series.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

OTHER = "other"
REFUSED_NAMES = frozenset(
    {
        *(
            "user",
            "user_id",
            "username",
            "user_name",
            "user_email",
            "email",
            "email_address",
            "customer_id",
            "ip",
            "ip_address",
            "client_ip",
            "user_agent",
        ),
        *("session_id", "request_id", "correlation_id", "trace_id", "span_id"),
        *("query", "query_text", "question", "prompt", "text", "message", "url", "path"),
    }
)
"""Labels that no metric may have: each value would be a person, a request or a text."""

_LONGEST = 100
_MOST_WORDS = 6
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PERSONAL = re.compile(
    r"[^@\s]+@[^@\s]+\.\w+"  # an e-mail address
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # an IPv4 address
    # an IPv6 address: eight groups, or fewer around `::`; no time and no `std::vector`
    r"|(?<![\w:])(?=:*[0-9a-f])(?=[0-9a-f:]*::|(?:[0-9a-f]+:){7}[0-9a-f])"
    r"[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])",
    re.IGNORECASE,
)


class Limit:
    """Decides about the values of one label."""

    def refuse(self, value: str) -> str:
        """Return why `value` cannot stand (`not_allowed`, `too_many`, `personal`), or an empty text."""
        raise NotImplementedError


@dataclass(frozen=True)
class OneOf(Limit):
    """A closed list of values."""

    values: frozenset[str]

    def refuse(self, value: str) -> str:
        """Refuse what is not on the list."""
        return "" if value in self.values else "not_allowed"


def one_of(*values: str) -> OneOf:
    """Return a limit to these values and `other`."""
    return OneOf(frozenset((*values, OTHER)))


class AtMost(Limit):
    """The first `count` different values; for what is known only when it runs, such as model names.

    `of_code`: the values stand in the application's code, as its routes do, and are not looked at.
    `uuids`: a UUID names an organisation or a program here, not a person.
    """

    def __init__(self, count: int, *, of_code: bool = False, uuids: bool = False) -> None:
        self.count = count
        self._of_code = of_code
        self._uuids = uuids
        self._seen = {OTHER}
        self._lock = threading.Lock()

    def refuse(self, value: str) -> str:
        """Refuse what comes after the first `count` values, and what is personal or a text."""
        if value in self._seen:
            return ""
        known_form = self._of_code or (self._uuids and bool(_UUID.fullmatch(value)))
        if not known_form and is_personal(value):
            return "personal"
        with self._lock:
            if len(self._seen) > self.count:
                return "too_many"
            self._seen.add(value)
        return ""


def at_most(count: int, *, uuids: bool = False) -> AtMost:
    """Return a limit to the first `count` different values; `uuids` where one names an organisation."""
    return AtMost(count, uuids=uuids)


def is_personal(value: str) -> bool:
    """Tell whether a value looks like an e-mail, a UUID, an IP address or a sentence."""
    return (
        len(value) > _LONGEST
        or value.count(" ") >= _MOST_WORDS
        or bool(_PERSONAL.search(value) or _UUID.search(value))
    )


def check_names(metric: str, labels: Mapping[str, Limit]) -> None:
    """Raise ValueError when a label of `metric` is one that no metric may have."""
    refused = sorted(REFUSED_NAMES.intersection(labels))
    if refused:
        raise ValueError(
            f"{metric}: label `{refused[0]}` would make a series of each person, request or text;"
            " put it into the log or the span instead"
        )
