"""An HTTP server to read: its address, credentials and TLS settings."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from vectorwatch.errors import Reason, TargetError
from vectorwatch.settings import Section, check_secret, read_secret

from .tls import check_tls_files, make_context


class HttpTarget(Section):
    """One server; `label` is what users see of it."""

    url: str = Field(description="Base URL, such as http://qdrant:6333; a path in front is kept.")
    name: str | None = Field(None, description="What `/probe?target=` and logs call it; else its URL.")
    api_key: SecretStr | None = Field(None, description="API key; prefer `api_key_file`.")
    api_key_file: Path | None = Field(None, description="File that holds the API key; read at each scrape.")
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's (PEM).")
    cert_file: Path | None = Field(None, description="Client certificate (PEM).")
    key_file: Path | None = Field(None, description="Key of the client certificate (PEM).")
    insecure_skip_verify: bool = Field(False, description="Accept any certificate; for tests only.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_http_url(url)

    @model_validator(mode="after")
    def _check_files(self) -> HttpTarget:
        check_secret("api_key", self.api_key, self.api_key_file)
        check_tls_files(self)
        return self

    @property
    def label(self) -> str:
        """Return the name of this target for logs and pages."""
        return self.name or self.url

    def headers(self) -> Mapping[str, str]:
        """Return the request headers with the current API key. Raises TargetError(auth)."""
        key = read_secret(self.api_key, self.api_key_file)
        return {"api-key": key} if key else {}

    def tls(self) -> ssl.SSLContext | bool:
        """Return what aiohttp takes as `ssl`. Raises TargetError(tls) when a file cannot be used any more."""
        if not (self.insecure_skip_verify or self.ca_file or self.cert_file):
            return True
        try:
            return make_context(self)
        except OSError as error:  # ssl.SSLError is one
            raise TargetError(Reason.TLS, f"TLS files cannot be used: {error.strerror}") from error

    def at(self, address: str) -> Self:
        """Return a target at another `address` with these credentials and TLS settings.

        A bare `host:port` gets this target's scheme. Raises ValueError for an address that cannot be used.
        """
        scheme = "https" if self.url.startswith("https://") else "http"
        url = check_http_url(address if "://" in address else f"{scheme}://{address}")
        # The files were checked at start; here only the address is new.
        return self.model_copy(update={"url": url, "name": address})


def check_http_url(url: str) -> str:
    """Return `url` without a final slash, or raise ValueError that says what would be right."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises ValueError when it is no port
    except ValueError:
        raise ValueError("not a URL; write `http://host:port`") from None
    if parts.username is not None or parts.password is not None:
        # The URL is shown on pages and in logs, so the message must not repeat it either.
        raise ValueError("a URL must not hold credentials; use `api_key_file`")
    if parts.scheme not in ("http", "https"):
        wrong = "" if "://" in url else f"; write `http://{url}`"
        raise ValueError(f"`{url}` has no scheme http or https{wrong}")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("a URL must not hold spaces or control characters")
    if not parts.hostname:
        raise ValueError(f"`{url}` names no host; write `{parts.scheme}://host:port`")
    if parts.query or parts.fragment:
        raise ValueError(f"`{url}` must end before `?` and `#`")
    return url.rstrip("/")
