"""Tells Grafana another password of its administrator, over its HTTP API.

`PUT /api/user/password` and `GET /api/user` are those of its documentation (HTTP API, User API), the answers
those of `pkg/api/user.go` in its source.
"""

from __future__ import annotations

from pathlib import Path

import httpx

from vectorwatch.errors import VectorwatchError

_USER = "admin"
_SECRET = "admin_password"  # noqa: S105 - the name of a file
_KEPT = f".previous.{_SECRET}"
_TIMEOUT_SECONDS = 30.0


def tell(url: str, secrets: Path) -> str:
    """Make Grafana take the password in `secrets`; return a line. Raises VectorwatchError.

    Grafana refuses a user for a while after five wrong passwords: this makes one at most.
    """
    kept = secrets / _KEPT
    if not kept.exists():
        return f"{_SECRET}: nothing to tell Grafana"
    old, new = kept.read_text(encoding="ascii"), (secrets / _SECRET).read_text(encoding="ascii")
    with httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        if _knows(client, old):
            _ask(client, "PUT", "/api/user/password", old, {"oldPassword": old, "newPassword": new})
        if not _knows(client, new):
            return (
                f"{_SECRET}: left as it is in Grafana, where somebody has chosen another;"
                " docs/how-to/configure.md, Passwords, says how to set the one that `make credentials` shows"
            )
    return f"{_SECRET}: Grafana has taken it"


def refuse_old(url: str, secrets: Path) -> str:
    """See that Grafana refuses the password of before. Raises VectorwatchError when it takes it."""
    kept = secrets / _KEPT
    with httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        if kept.exists() and _knows(client, kept.read_text(encoding="ascii")):
            raise VectorwatchError("rotate-secrets: Grafana still takes the password of before")
    return f"{_SECRET}: Grafana refuses the one before"


def _knows(client: httpx.Client, password: str) -> bool:
    return _ask(client, "GET", "/api/user", password) != httpx.codes.UNAUTHORIZED


def _ask(
    client: httpx.Client, method: str, path: str, password: str, body: dict[str, str] | None = None
) -> int:
    try:
        answer = client.request(method, path, json=body, auth=(_USER, password))
    except httpx.HTTPError as error:
        raise VectorwatchError(
            f"rotate-secrets: Grafana does not answer ({type(error).__name__}); run this again when it does"
        ) from error
    if answer.is_success or (method == "GET" and answer.status_code == httpx.codes.UNAUTHORIZED):
        return answer.status_code
    said = answer.json().get("message", "") if "json" in answer.headers.get("content-type", "") else ""
    raise VectorwatchError(
        f"rotate-secrets: Grafana refuses {method} {path} with {answer.status_code}: {said}"
    )
