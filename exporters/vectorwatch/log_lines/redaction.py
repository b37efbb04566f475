"""Hide passwords and keys in texts that others wrote, such as messages of errors."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
# The first look tells most places apart; without it each word is tried at each of them.
_KEY = (
    r"(?=[past])(?:password|passwd|secret|api[_-]?key|access[_-]?token|authorization"
    # `token`, but not what is counted or timed: `max_token`, `time_to_first_token`
    r"|token(?<![a-z]token)(?<!first_token)(?<!last_token)(?<!next_token)(?<!max_token)(?<!per_token)"
    r"(?![a-z0-9_-]))"
)
_NAME = re.compile(rf"(?i)(?:{_KEY}|cookies?)$")
# Patterns, and what a text holds that they can match: looking for that is a hundred times cheaper. The time
# of each is in proportion to the text: what can fail late begins rarely, or is bounded.
_RULES = (
    (
        ("@",),
        # scheme://user:password@host; a number and a slash are a port
        (re.compile(r"(://[^/\s:@\"\[]*:)(?!\d{1,5}/)(?:[^/\s@\"]+|[^\s@\"]{1,250})@"), rf"\1{HIDDEN}@"),
    ),
    (("bearer",), (re.compile(r"(?i)\b(bearer)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}")),
    (
        ("basic",),
        # Base64, and no word such as in `basic configuration`
        (
            re.compile(r"\b((?i:basic))\s+(?=[A-Za-z0-9+/]*(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9+/=]{8,}"),
            rf"\1 {HIDDEN}",
        ),
    ),
    (
        (
            *("passw", "secret", "api_key", "api-key", "apikey", "authorization"),
            *('token"', "token'", "token\\", "token=", "token:", "token "),
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
    ),
    (
        ("cookie",),
        # Cookie: name=value; name=value
        (
            re.compile(r"(?i)(cookie\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s=;,\"'\\]{1,100}=[^\r\n\"'\\]+"),
            rf"\1{HIDDEN}",
        ),
    ),
)
# Most texts hold none of these; `token` stands for its six.
_HINTS = ("token", *(hint for hints, *_ in _RULES for hint in hints if not hint.startswith("token")))


def names_secret(name: str) -> bool:
    """Tell whether a field of this name holds a secret, such as `db_password`."""
    return bool(_NAME.search(name))


def redact(text: str) -> str:
    """Return `text` without passwords of URLs, bearer tokens, cookies, and values named like secrets."""
    lower = text.lower()
    for hint in _HINTS:
        if hint in lower:
            break
    else:
        return text
    for hints, *patterns in _RULES:
        for hint in hints:
            if hint in lower:
                for pattern, replacement in patterns:
                    text = pattern.sub(replacement, text)
                break
    return text
