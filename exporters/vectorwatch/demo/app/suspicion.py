"""Questions that are attempts: to steer the model, to reach the database or a file."""

from __future__ import annotations

import re

_SIGNS = {
    "prompt_injection": re.compile(
        r"\bignore (?:all |any )?(?:previous|prior|above) (?:instructions|rules)\b"
        r"|\b(?:reveal|print|show) (?:me )?(?:your|the) (?:system prompt|api keys?|secrets?)\b",
        re.IGNORECASE,
    ),
    "injection_attempt": re.compile(
        r"'\s*(?:or|and)\s+'?\d|;\s*drop\s+table\b|\bunion\s+select\b|<script\b|\.\./\.\./", re.IGNORECASE
    ),
}


def find_attempt(question: str) -> str:
    """Return the security event that `question` is, or an empty text."""
    return next((event for event, sign in _SIGNS.items() if sign.search(question)), "")
