"""Who may use Prometheus and Alertmanager: the web configuration that both read at each request.

Its form: https://prometheus.io/docs/prometheus/latest/configuration/https/
"""

from __future__ import annotations

import bcrypt
import yaml

from vectorwatch.serve.web_login import WEB_USER

FILE = "web.yml"
_USERS = "basic_auth_users"
_COST = 4
"""The least there is (2⁴ rounds): nobody guesses a random password, and questions would wait for more."""


def write_web_users(password: bytes | None, before: bytes) -> bytes:
    """Return the file that lets in whoever has `password`; None: everybody, whatever password is sent.

    A file `before` that says so is returned as it is, for each hash of a password is another.
    """
    if password is None:
        return _write({})
    if _lets_in(before, password):
        return before
    return _write({WEB_USER: bcrypt.hashpw(password, bcrypt.gensalt(_COST)).decode()})


def _lets_in(content: bytes, password: bytes) -> bool:
    try:
        users = yaml.safe_load(content)[_USERS]
        return list(users) == [WEB_USER] and bcrypt.checkpw(password, users[WEB_USER].encode())
    except (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError):
        return False


def _write(users: dict[str, str]) -> bytes:
    return yaml.safe_dump({_USERS: users}).encode()
