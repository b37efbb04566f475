"""The few calls of Grafana's HTTP API that an import needs.

Paths, bodies and answers are those of Grafana's documentation (HTTP API: dashboard, folder, data source,
health) and of `pkg/api/apierrors` and `pkg/services/dashboards/errors.go` in its source.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from vectorwatch.errors import ConfigError, VectorwatchError

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds without a byte, and to connect."""
_LONGEST_MESSAGE = 300
PROVISIONED = "change the file that Grafana reads it from, or take that out of its provisioning"
"""What to do about a dashboard that cannot be saved, whoever asks."""
_CLOSED = "it is there but closed to this token: let its service account read it"
_UNKNOWN = {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}
"""How Grafana answers for what is not there: 13 says 403 to all but administrators."""
_REMEDIES = (
    ("provisioned", PROVISIONED),
    ("folder not found", "the folder was deleted meanwhile: run this again"),
    ("same uid", _CLOSED),
    ("folder has been changed", _CLOSED),
    ("changed by someone else", "run this again"),
    ("same name", "rename or delete the other one there"),
    ("belongs to plugin", "remove that plugin's dashboard there"),
    ("quota", "delete what is not needed there, or raise the quota"),
)
"""What to do about an answer, by a part of its message."""


class GrafanaError(VectorwatchError):
    """Grafana refuses one thing; others may succeed."""


class GrafanaUnusableError(VectorwatchError):
    """Nothing more can be asked: nobody answers, it is not Grafana, or it does not accept the token."""


@dataclass(frozen=True)
class DataSource:
    """A data source of type Prometheus."""

    uid: str
    name: str


@dataclass(frozen=True)
class Standing:
    """A dashboard as it stands in Grafana."""

    model: Mapping[str, Any]
    folder_uid: str
    provisioned_from: str | None
    """The file that Grafana reads it from, as Grafana names it; None for a dashboard that can be saved."""


class Grafana:
    """Grafana at `url`; every method raises GrafanaError and GrafanaUnusableError with one line."""

    def __init__(self, url: str, token: str, ca_file: Path | None = None) -> None:
        """Raise ConfigError for an address or a file of authorities that cannot be used."""
        self.url = _check_url(url)
        self._client = httpx.Client(timeout=_TIMEOUT, verify=_make_context(ca_file))
        self._signature = {"Authorization": f"Bearer {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def check_health(self) -> None:
        """Make sure that Grafana answers and has its database, before anybody else is shown the token."""
        answer = self._send("GET", "/api/health", signed=False)
        found = _read_object(answer)
        if "database" not in found:
            raise GrafanaUnusableError(
                f"dashboards: {self.url} answers, but not as Grafana (/api/health gave "
                f"{answer.status_code}); give Grafana's address with --url, with its path if it has one"
            )
        if found["database"] != "ok":
            raise GrafanaUnusableError(
                f"dashboards: Grafana at {self.url} cannot use its database ({found['database']}); "
                "its log says why"
            )

    def list_data_sources(self) -> list[DataSource]:
        """Return the data sources that a variable of type Prometheus can be."""
        answer = self._send("GET", "/api/datasources")
        try:
            rows = answer.json() if answer.is_success else None
        except ValueError:
            rows = None
        if not isinstance(rows, list):
            raise self._explain(answer, "reading the data sources", "datasources:read")
        return [DataSource(row["uid"], row["name"]) for row in rows if row["type"] == "prometheus"]

    def find_dashboard(self, uid: str) -> Standing | None:
        """Return a dashboard, None if there is none or this token may not see it."""
        answer = self._send("GET", f"/api/dashboards/uid/{uid}")
        found = _read_object(answer)
        if answer.status_code in _UNKNOWN and found:
            return None
        if not (answer.is_success and "dashboard" in found):
            raise self._explain(answer, "reading it", "dashboards:read")
        meta = found.get("meta") or {}
        file = (meta.get("provisionedExternalId") or "a file") if meta.get("provisioned") else None
        return Standing(found["dashboard"], meta.get("folderUid") or "", file)

    def save_dashboard(self, model: Mapping[str, Any], folder_uid: str, message: str) -> None:
        """Create a dashboard, or replace the one of the same uid."""
        body = {
            "dashboard": {**model, "id": None},
            "folderUid": folder_uid,
            "message": message,
            "overwrite": True,
        }
        answer = self._send("POST", "/api/dashboards/db", body)
        if not (answer.is_success and _read_object(answer).get("status") == "success"):
            raise self._explain(answer, "saving it", "dashboards:create and dashboards:write in its folder")

    def has_folder(self, uid: str) -> bool:
        """Tell whether there is a folder that this token may see."""
        answer = self._send("GET", f"/api/folders/{uid}")
        found = _read_object(answer)
        if answer.status_code in _UNKNOWN and found:
            return False
        if not (answer.is_success and "uid" in found):
            raise self._explain(answer, "reading its folder", "folders:read")
        return True

    def create_folder(self, uid: str, title: str) -> None:
        """Create a folder at the top."""
        answer = self._send("POST", "/api/folders", {"uid": uid, "title": title})
        if not (answer.is_success and "uid" in _read_object(answer)):
            raise self._explain(answer, f"creating its folder {title}", "folders:create")

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, signed: bool = True
    ) -> httpx.Response:
        headers = self._signature if signed else None
        try:
            answer = self._client.request(method, f"{self.url}{path}", json=body, headers=headers)
        except httpx.TimeoutException:
            problem = f"does not answer in time ({method} {path})"
            raise GrafanaUnusableError(f"dashboards: {self.url} {problem}; is Grafana well there?") from None
        except httpx.HTTPError as error:
            raise GrafanaUnusableError(f"dashboards: {self.url} {_explain_failure(error)}") from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise GrafanaUnusableError(
                f"dashboards: {self.url} does not accept the token ({_read_message(answer)}); "
                "make one in Grafana for a service account with the role Editor"
            )
        if answer.has_redirect_location:
            raise GrafanaUnusableError(
                f"dashboards: {self.url} leads on to {answer.headers['location']}; "
                "give Grafana's own address with --url"
            )
        return answer

    def _explain(self, answer: httpx.Response, what: str, permission: str) -> GrafanaError:
        """Return the error of an answer that is not the expected one."""
        said = _read_message(answer)
        status = answer.status_code
        remedy = next((remedy for part, remedy in _REMEDIES if part in said.lower()), "")
        if not remedy and status == httpx.codes.FORBIDDEN:
            remedy = f"give the token's service account {permission}, or the role Editor"
        elif not remedy and answer.is_server_error:
            remedy = "Grafana's log says why"
        return GrafanaError(f"{what} gave {status}: {said}{f'; {remedy}' if remedy else ''}")


def _check_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    is_address = parsed.scheme in ("http", "https") and parsed.host and (parsed.port or 0) < 65536
    if not is_address or parsed.query or parsed.fragment:
        raise ConfigError(
            f"dashboards: --url: {url} is no address; write it like https://grafana.example.com"
        )
    if parsed.userinfo:
        raise ConfigError("dashboards: --url: leave user and password out; a token is read from --token-file")
    return url.rstrip("/")


def _make_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise ConfigError(f"dashboards: --ca: {ca_file} holds no certificate in PEM") from None
    except OSError as error:
        raise ConfigError(f"dashboards: --ca: cannot read {ca_file}: {error.strerror}") from None


def _explain_failure(error: httpx.HTTPError) -> str:
    for cause in _walk(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has no certificate to trust ({cause.verify_message}); give its authority with --ca"
        if isinstance(cause, ssl.SSLError):
            return f"does not speak TLS as expected ({cause.reason}); should --url begin with http://?"
    if isinstance(error, httpx.ProxyError):
        return f"is not let through by the proxy ({error}); see HTTPS_PROXY and NO_PROXY"
    said = re.sub(r"^\[Errno -?\d+\] ", "", str(error))
    return f"does not answer ({said}); is Grafana running there? Give its address with --url"


def _walk(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _read_object(answer: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer, empty for anything else."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_message(answer: httpx.Response) -> str:
    """Return what Grafana says, in one line; an answer without a message is probably not Grafana's."""
    said = str(_read_object(answer).get("message") or "")
    return (
        " ".join(said.split())[:_LONGEST_MESSAGE] or "an answer that is not Grafana's; is a proxy in between?"
    )
