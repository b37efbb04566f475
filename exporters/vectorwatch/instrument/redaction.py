"""Hide passwords and keys in texts that others wrote, such as messages of errors."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
_PATTERNS = (
    # scheme://user:password@host
    (re.compile(r"(://[^/\s:@\"]*:)[^/\s@\"]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # password=…, "api_key": "…", the quotes of JSON escaped or not
    (
        re.compile(
            r"(?i)\b((?:[a-z0-9]+[_-])*(?:password|passwd|secret|api[_-]?key|access[_-]?token|authorization))"
            r"(\\?[\"']?\s*[=:]\s*\\?[\"']?)(?!\[hidden\]|bearer\b|basic\b)[^\s\"'\\&,;}]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
)
# Most texts hold none of these, and looking is ten times cheaper than matching.
_HINTS = (
    "passw",
    "secret",
    "bearer",
    "basic ",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "access-token",
    "authorization",
)


def redact(text: str) -> str:
    """Return `text` without the passwords of URLs, bearer tokens and values of keys that name a secret."""
    lower = text.lower()
    if "@" not in text:
        for hint in _HINTS:
            if hint in lower:
                break
        else:
            return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
