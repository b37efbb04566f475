"""Passwords and keys go, and nothing else."""

from __future__ import annotations

import pytest

from vectorwatch.instrument.redaction import redact


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://app:pa55@db:5432/x", "postgresql://app:[hidden]@db:5432/x"),
        ("redis://:pa55@cache:6379", "redis://:[hidden]@cache:6379"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [hidden]"),
        ("login failed, password=pa55word for app", "login failed, password=[hidden] for app"),
        ('{"api_key": "sk-123"}', '{"api_key": "[hidden]"}'),
        (r"{\"api_key\": \"sk-123\"}", r"{\"api_key\": \"[hidden]\"}"),
        ("OPENAI_API_KEY=sk-123 used", "OPENAI_API_KEY=[hidden] used"),
        ("client_secret: abc; next", "client_secret: [hidden]; next"),
        ("access_token=abc&page=2", "access_token=[hidden]&page=2"),
    ],
)
def test_a_secret_is_hidden(text: str, hidden: str) -> None:
    assert redact(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "http://qdrant:6333/collections",
        "sent to user@example.net",
        "prompt_tokens=120 max_tokens: 5",
        "the password is wrong",
        "basic search took 3 ms",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
