"""The web configuration of Prometheus and Alertmanager; tests/config/test_web_login.py has both read it."""

from __future__ import annotations

import bcrypt
import pytest
import yaml

from vectorwatch.setup.web_users import write_web_users


def test_without_a_password_everybody_is_let_in() -> None:
    assert yaml.safe_load(write_web_users(None, b"")) == {"basic_auth_users": {}}


def test_the_file_holds_a_hash_of_the_password_and_not_the_password() -> None:
    written = write_web_users(b"long and secret", b"")
    users = yaml.safe_load(written)["basic_auth_users"]
    assert list(users) == ["vectorwatch"]
    assert bcrypt.checkpw(b"long and secret", users["vectorwatch"].encode())
    assert b"secret" not in written


def test_a_file_that_is_right_stays_as_it_is() -> None:
    written = write_web_users(b"one", b"")
    assert write_web_users(b"one", written) == written
    assert write_web_users(b"another", written) != written
    assert write_web_users(None, written) == write_web_users(None, b"")


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\x00",
        b"[]",
        b"basic_auth_users:",
        b"basic_auth_users: {}",
        b"basic_auth_users: {vectorwatch: 1}",
        b"basic_auth_users: {vectorwatch: no hash}",
        b"basic_auth_users: [vectorwatch]",
        b"basic_auth_users: {vectorwatch",
    ],
)
def test_whatever_is_damaged_is_written_anew(before: bytes) -> None:
    written = yaml.safe_load(write_web_users(b"one", before))
    assert bcrypt.checkpw(b"one", written["basic_auth_users"]["vectorwatch"].encode())


def test_somebody_who_was_added_by_hand_does_not_stay() -> None:
    more = yaml.safe_load(write_web_users(b"one", b""))
    more["basic_auth_users"]["other"] = more["basic_auth_users"]["vectorwatch"]
    written = yaml.safe_load(write_web_users(b"one", yaml.safe_dump(more).encode()))
    assert list(written["basic_auth_users"]) == ["vectorwatch"]
