"""Passwords and keys go, and nothing else."""

from __future__ import annotations

import time

import pytest

from vectorwatch.log_lines.redaction import names_secret, redact


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
        ("token=abc&refresh_token=def", "token=[hidden]&refresh_token=[hidden]"),
        ("GITHUB_TOKEN: abc", "GITHUB_TOKEN: [hidden]"),
        ("Cookie: session=abc; theme=dark", "Cookie: [hidden]"),
        ('{"set-cookie":"id=abc; Secure"}', '{"set-cookie":"[hidden]"}'),
        ("postgresql://app:pa/55@db:5432/x", "postgresql://app:[hidden]@db:5432/x"),
        ("sent Basic dXNlcjpwYXNzd29yZA==", "sent Basic [hidden]"),
        ("Authorization: Basic abcdefgh", "Authorization: Basic [hidden]"),
        ('{"password":12345,"a":true}', '{"password":"[hidden]","a":true}'),
        ('{"password": null}', '{"password": "[hidden]"}'),
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
        "a basic configuration, Basic Authentication",
        "max_token: 5, time_to_first_token=0.2, tokens: 7",
        "the cookie: it was stale",
        "http://qdrant:6333/collections?mail=user@example.net",
        '{"password":["a"],"secret":{"b":1}}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "a-",
        "password ",
        "secret:",
        '"password":',
        "://a:",
        "://a:b/",
        "cookie:",
        "basic a",
        "bearer  ",
        "token=[",
    ],
)
def test_the_time_grows_as_the_text_does(part: str) -> None:
    def measure(length: int) -> float:
        text = "secret " + part * (length // len(part))
        times = []
        for _ in range(5):
            started = time.process_time()
            redact(text)
            times.append(time.process_time() - started)
        return min(times)

    # Sixteen times the text: a time that grows by the square is 256-fold.
    assert measure(64_000) < 80 * measure(4_000)


def test_the_name_of_a_field_tells_a_secret() -> None:
    assert all(
        map(names_secret, ("db_password", "labels.api_key", "Authorization", "cookies", "refresh_token"))
    )
    assert not any(map(names_secret, ("password_age", "prompt_tokens", "first_token", "cookie_count")))
