"""Passwords that are being rotated: the server may know the new one, or still the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vectorwatch.errors import VectorwatchError

from .client import LoginError, Server
from .connection import Connection, read_password
from .logins import LOGINS, SUPERUSER, SUPERUSER_SECRET

_KEPT = ".previous."
_REENCRYPT = "/api/encrypted_saved_objects/_rotate_key"
"""https://www.elastic.co/docs/api/doc/kibana/operation/operation-rotateencryptionkey"""
_HEADERS = {"kbn-xsrf": "vectorwatch"}


def read_kept(connection: Connection, secret: str) -> str | None:
    """Return the password of before; None unless a rotation is under way."""
    path = connection.secrets / (_KEPT + secret)
    return read_password(path) if path.exists() else None


def knows(connection: Connection, user: str, password: str) -> bool:
    """Tell whether Elasticsearch takes a password. Raises ElasticError when it cannot tell."""
    with connection.open(user, password) as server:
        try:
            server.get("/_security/_authenticate")
        except LoginError:
            return False
    return True


def take_over(connection: Connection) -> str:
    """Give the superuser the new password if it still has the one before; return what was done."""
    old, new = read_kept(connection, SUPERUSER_SECRET), connection.read_password(SUPERUSER_SECRET)
    if old is None or knows(connection, SUPERUSER, new):
        return ""
    # A server that starts refuses both: that is a LoginError, after which whoever waits asks again.
    with connection.open(SUPERUSER, old) as server:
        server.post(f"/_security/user/{SUPERUSER}/_password", {"password": new})
    return f"user {SUPERUSER}: got its new password"


def refuse_old(connection: Connection) -> Iterator[str]:
    """Yield a line for each user whose new password alone is taken. Raises VectorwatchError for another."""
    secrets = {SUPERUSER: SUPERUSER_SECRET} | {login.user: login.secret for login in LOGINS}
    personal = {login.user for login in LOGINS if login.personal}
    for user, secret in secrets.items():
        old = read_kept(connection, secret)
        if old is None:
            continue
        if knows(connection, user, old):
            raise VectorwatchError(
                f"rotate-secrets: Elasticsearch still takes the password of before of {user}"
            )
        if knows(connection, user, connection.read_password(secret)):
            yield f"{secret}: Elasticsearch takes the new one and refuses the one before"
        elif user in personal:
            yield f"{secret}: left as it is in Elasticsearch, where somebody has chosen another"
        else:
            raise VectorwatchError(f"rotate-secrets: Elasticsearch does not take the new password of {user}")


def encrypt_anew(url: str, secrets: Path) -> str:
    """Make Kibana encrypt all with its present key. Raises VectorwatchError unless it is all."""
    password = read_password(secrets / SUPERUSER_SECRET)
    with Server("Kibana", url, user=SUPERUSER, password=password, headers=_HEADERS) as kibana:
        said = kibana.post(_REENCRYPT)
    if failed := said.get("failed"):
        raise VectorwatchError(
            f"rotate-secrets: Kibana could not encrypt {failed} of its objects anew; its log says which."
            " The key before stays in use for them: do not rotate it again before that is mended"
        )
    done, total = said.get("successful", 0), said.get("total", 0)
    return f"encryption_key: Kibana has encrypted {done} of {total} objects anew"
