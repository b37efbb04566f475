from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorwatch.dragonfly.target import Address, RedisTarget, parse_address

ADDRESSES = {
    "redis://cache:6380": Address("cache", 6380),
    "redis://cache": Address("cache", 6379),
    "redis://cache/": Address("cache", 6379),
    "rediss://cache:6380": Address("cache", 6380, tls=True),
    "redis://[::1]:6380": Address("::1", 6380),
    "unix:///run/dragonfly.sock": Address(path="/run/dragonfly.sock"),
    "unix:///run/a@b.sock": Address(path="/run/a@b.sock"),
}


@pytest.mark.parametrize(("url", "address"), ADDRESSES.items(), ids=list(ADDRESSES))
def test_an_url_names_an_address(url: str, address: Address) -> None:
    assert parse_address(url) == address


REFUSED = {
    "cache:6379": "`cache:6379` has no scheme redis, rediss or unix; write `redis://cache:6379`",
    "http://cache:6379": "`http://cache:6379` has no scheme redis, rediss or unix",
    "redis://user:hunter2@cache": "a URL must not hold credentials; use `username` and `password_file`",
    "redis://:hunter2@cache:6379": "a URL must not hold credentials; use `username` and `password_file`",
    "user:hunter2@cache": "a URL must not hold credentials; use `username` and `password_file`",
    "redis://cache?password=hunter2": "a URL must not hold credentials; use `username` and `password_file`",
    "redis://cache:99999": "not a URL; write `redis://host:port`",
    "redis://cache:x": "not a URL; write `redis://host:port`",
    "redis://[::1": "not a URL; write `redis://host:port`",
    "redis://cache:0": "`redis://cache:0` names no host and port; write `redis://host:port`",
    "redis://": "`redis://` names no host and port; write `redis://host:port`",
    "redis://cache:6379/3": "`redis://cache:6379/3` must end after the port; all databases are read",
    "unix://run/dragonfly.sock": "a unix socket needs three slashes; write `unix:///run/dragonfly.sock`",
    "unix:dragonfly.sock": "a unix socket needs three slashes; write `unix:///run/dragonfly.sock`",
    "": "`` has no scheme redis, rediss or unix; write `redis://`",
}


@pytest.mark.parametrize(("url", "message"), REFUSED.items(), ids=list(REFUSED))
def test_a_bad_url_is_refused_with_what_would_be_right(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_address(url)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused_without_another_error(url: str) -> None:
    with suppress(ValueError):
        address = parse_address(url)
        assert address.path.startswith("/") or (address.host and 0 < address.port <= 65535)


def target_of(**settings: str) -> RedisTarget:
    return RedisTarget.model_validate(settings)


def test_another_address_keeps_scheme_and_credentials() -> None:
    target = target_of(url="rediss://cache:6379", username="mon", password="pw")
    other = target.at("cache-2:6380")
    assert (other.label, other.address) == ("cache-2:6380", Address("cache-2", 6380, tls=True))
    assert (other.username, other.read_password()) == ("mon", "pw")
    assert target_of(url="redis://cache").at("rediss://cache-2").address.tls


@pytest.mark.parametrize(
    "address", ["redis://cache-2", "http://cache-2", "a:hunter2@cache-2", "cache-2:x", "", "unix:///x"]
)
def test_another_address_that_is_bad_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        target_of(url="rediss://cache:6379").at(address)
    assert "hunter2" not in str(caught.value)
