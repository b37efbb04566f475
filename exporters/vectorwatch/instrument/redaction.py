"""Hide passwords and keys in texts that others wrote, such as messages of errors."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
_KEY = (
    r"(?:password|passwd|secret|api[_-]?key|access[_-]?token|authorization"
    # `token`, but not what is counted or timed: `max_token`, `time_to_first_token`
    r"|(?<![a-z])(?<!first_)(?<!last_)(?<!next_)(?<!max_)(?<!per_)token(?![a-z0-9_-]))"
)
_NAME = re.compile(rf"(?i)(?:{_KEY}|cookies?)$")
# Each takes time in proportion to the text: what can fail late begins rarely, or is bounded.
_PATTERNS = (
    # scheme://user:password@host; a number and a slash are a port
    (re.compile(r"(://[^/\s:@\"\[]*:)(?!\d{1,5}/)(?:[^/\s@\"]+|[^\s@\"]{1,250})@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # Base64, and no word such as in `basic configuration`
    (
        re.compile(r"\b((?i:basic))\s+(?=[A-Za-z0-9+/]*(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9+/=]{8,}"),
        rf"\1 {HIDDEN}",
    ),
    # "password":12345 in JSON: what is no text becomes one; a list or an object stays
    (re.compile(rf"(?i)({_KEY}\":\s*+)(?![\"\[{{])[^,}}\]]+"), rf'\1"{HIDDEN}"'),
    # password=…, "api_key": "…", the quotes of JSON escaped or not
    (
        re.compile(
            rf"(?i)({_KEY}\\?[\"']?\s*[=:]\s*\\?[\"']?(?:(?:bearer|basic)\s+)?+)"
            r"(?!\[hidden\])(?!(?<=\":)[\[{]|(?<=\": )[\[{])[^\s\"'\\&,;}]+"
        ),
        rf"\1{HIDDEN}",
    ),
    # Cookie: name=value; name=value
    (
        re.compile(r"(?i)(cookie\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s=;,\"'\\]{1,100}=[^\r\n\"'\\]+"),
        rf"\1{HIDDEN}",
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
    "token",
    "authorization",
    "cookie",
)


def names_secret(name: str) -> bool:
    """Tell whether a field of this name holds a secret, such as `db_password`."""
    return bool(_NAME.search(name))


def redact(text: str) -> str:
    """Return `text` without passwords of URLs, bearer tokens, cookies, and values named like secrets."""
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
