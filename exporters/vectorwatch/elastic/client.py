"""JSON over HTTP to Elasticsearch or Kibana: a login, a certificate authority, errors for people."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from vectorwatch.errors import ConfigError, VectorwatchError

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds without a byte, and to connect: a first lifecycle or data stream takes a small machine a while."""
_LONGEST_MESSAGE = 300
_NOT_READY = {429, 502, 503, 504}
"""Statuses after which the same request may succeed: too busy, or still starting."""


class ElasticError(VectorwatchError):
    """The server cannot be used, or refuses a request; waiting does not help."""


class NotReadyError(ElasticError):
    """Nobody answers, or the server is still starting or too busy: the same request may succeed later."""


class LoginError(ElasticError):
    """The server does not know the user, or by another password."""


class Server:
    """A server that is called `name` in every message; each method raises ElasticError with one line."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        user: str = "",
        password: str = "",
        ca_file: Path | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Raise ConfigError for an address or a file of authorities that cannot be used."""
        self.name = name
        self.url = _check_url(name, url)
        self.user = user
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            verify=_make_context(name, ca_file),
            headers=headers,
            auth=httpx.BasicAuth(user, password) if user else None,
            # What stands beside it on one network is asked directly, whatever proxy the machine has.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, *, absent: Collection[int] = ()) -> Mapping[str, Any]:
        """Return the object at `path`; an empty one for a status in `absent`, such as 404."""
        return self.send("GET", path, absent=absent)

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Create or replace what `path` names."""
        return self.send("PUT", path, json=body)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Do what `path` names."""
        return self.send("POST", path, json=body)

    def delete(self, path: str) -> Mapping[str, Any]:
        """Delete what `path` names; that it is gone already is no error."""
        return self.send("DELETE", path, absent=(404,))

    def send(
        self, method: str, path: str, *, absent: Collection[int] = (), **content: Any
    ) -> Mapping[str, Any]:
        """Send one request and return the object that it answers; `content` is httpx's `json`, `files` …"""
        try:
            answer = self._client.request(method, f"{self.url}{path}", **content)
        except httpx.TimeoutException:
            raise NotReadyError(
                f"{self.name} at {self.url} does not answer in time ({method} {path})"
            ) from None
        except httpx.HTTPError as error:
            raise self._explain_failure(error) from None
        if answer.status_code in absent:
            return {}
        if not answer.is_success:
            raise self._explain_refusal(answer, f"{method} {path}")
        found = _read_object(answer)
        if found is None:
            raise ElasticError(
                f"{self.name} at {self.url} answers {method} {path} with something that is no JSON object;"
                " is that its address?"
            )
        return found

    def _explain_failure(self, error: httpx.HTTPError) -> ElasticError:
        place = f"{self.name} at {self.url}"
        for cause in _walk(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ElasticError(
                    f"{place} shows a certificate that is not trusted ({cause.verify_message});"
                    " it must be signed by the authority in ca.crt and name this host"
                )
            # A server that is ending, or a port that something else still holds, cuts the greeting short.
            if isinstance(cause, ssl.SSLError) and "EOF" not in (cause.reason or "EOF"):
                return ElasticError(
                    f"{place} does not speak TLS as expected ({cause.reason}); should it be http://?"
                )
        return NotReadyError(f"{place} does not answer ({_describe(error)})")

    def _explain_refusal(self, answer: httpx.Response, request: str) -> ElasticError:
        status = answer.status_code
        said = _read_reason(answer)
        place = f"{self.name} at {self.url}"
        if status == httpx.codes.UNAUTHORIZED:
            return LoginError(f"{place} does not accept the password of {self.user or 'nobody'} ({said})")
        if status in _NOT_READY:
            return NotReadyError(f"{place} is not ready: {request} gave {status} ({said})")
        if answer.has_redirect_location:
            return ElasticError(f"{place} leads on to {answer.headers['location']}; give its own address")
        return ElasticError(f"{place} refuses {request} with {status}: {said}")


def _check_url(name: str, url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    is_address = parsed.scheme in ("http", "https") and parsed.host and (parsed.port or 0) < 65536
    if not is_address or parsed.query or parsed.fragment or parsed.userinfo:
        # Not repeated as it is: it may hold a password.
        raise ConfigError(f"the address of {name} cannot be used; write it like https://{name.lower()}:PORT")
    return url.rstrip("/")


def _make_context(name: str, ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise ConfigError(f"the authority of {name}: {ca_file} holds no certificate in PEM") from None
    except OSError as error:
        raise ConfigError(
            f"the authority of {name}: cannot read {ca_file}: {(error.strerror or '').lower()}"
        ) from None


def _describe(error: httpx.HTTPError) -> str:
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).lower() or "it closed the connection"


def _walk(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _read_object(answer: httpx.Response) -> Mapping[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _read_reason(answer: httpx.Response) -> str:
    """Return why a request was refused: Elasticsearch's `error.reason`, Kibana's `message`, in one line."""
    found = _read_object(answer) or {}
    error = found.get("error")
    said = error.get("reason") if isinstance(error, dict) else found.get("message") or error
    return " ".join(str(said or "").split())[:_LONGEST_MESSAGE] or "without a reason"
