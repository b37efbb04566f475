"""A server that speaks the Redis protocol: its address, credentials and TLS settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from vectorwatch.serve.tls import check_tls_files
from vectorwatch.settings import Section, check_secret, read_secret

DEFAULT_PORT = 6379

_TLS_SETTINGS = ("ca_file", "cert_file", "key_file", "insecure_skip_verify", "server_name")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: `path` of a unix socket, else `host` and `port`."""

    host: str = ""
    port: int = 0
    path: str = ""
    tls: bool = False


class RedisTarget(Section):
    """One server; `label` is what users see of it."""

    url: str = Field(description="`redis://host:port`, `rediss://host:port` (TLS) or `unix:///path`.")
    name: str | None = Field(None, description="What `/probe?target=` and logs call it; else its URL.")
    username: str | None = Field(None, description="ACL user; without it the password is the default user's.")
    password: SecretStr | None = Field(None, description="Password; prefer `password_file`.")
    password_file: Path | None = Field(
        None, description="File that holds the password; read whenever a connection is opened."
    )
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's (PEM).")
    cert_file: Path | None = Field(None, description="Client certificate (PEM).")
    key_file: Path | None = Field(None, description="Key of the client certificate (PEM, not encrypted).")
    server_name: str | None = Field(None, description="Name that the certificate must carry; else the host.")
    insecure_skip_verify: bool = Field(False, description="Accept any certificate; for tests only.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parse_address(url)
        return url

    @model_validator(mode="after")
    def _check_credentials(self) -> RedisTarget:
        check_secret("password", self.password, self.password_file)
        if self.username is not None and self.password is None and self.password_file is None:
            raise ValueError("`username` needs `password_file` (or `password`)")
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> RedisTarget:
        unused = next((name for name in _TLS_SETTINGS if getattr(self, name)), None)
        if unused and self.url and not self.address.tls:
            raise ValueError(f"`{unused}` needs TLS; write the URL as `rediss://host:port`")
        if self.insecure_skip_verify and self.ca_file is not None:
            raise ValueError("`insecure_skip_verify` would ignore `ca_file`; give one of them")
        check_tls_files(self)
        return self

    @property
    def label(self) -> str:
        """Return the name of this target for logs and pages."""
        return self.name or self.url

    @property
    def address(self) -> Address:
        """Return where the server listens; nowhere for an empty URL."""
        return parse_address(self.url) if self.url else Address()

    def read_password(self) -> str | None:
        """Return the current password, or None. Raises TargetError(auth)."""
        return read_secret(self.password, self.password_file)

    def at(self, address: str) -> RedisTarget:
        """Return a target at another `address` with these credentials and TLS settings.

        A bare `host:port` gets this target's scheme. Raises ValueError for an address that cannot be used.
        """
        scheme = "rediss" if self.address.tls else "redis"
        url = address if "://" in address else f"{scheme}://{address}"
        if not parse_address(url).tls and self.address.tls:
            raise ValueError("the settings ask for TLS; write `rediss://host:port`")
        # The files were checked at start; here only the address is new.
        return self.model_copy(update={"url": url, "name": address})


def parse_address(url: str) -> Address:
    """Return the address that `url` names, or raise ValueError that says what would be right."""
    try:
        parts = urlsplit(url)
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        raise ValueError("not a URL; write `redis://host:port`") from None
    if parts.scheme == "unix":
        return _parse_socket_path(parts)
    if "@" in url or parts.query:
        # The URL is shown on pages and in logs, so the message must not repeat it either.
        raise ValueError("a URL must not hold credentials; use `username` and `password_file`")
    if parts.scheme not in ("redis", "rediss"):
        wrong = "" if "://" in url else f"; write `redis://{url}`"
        raise ValueError(f"`{url}` has no scheme redis, rediss or unix{wrong}")
    if not parts.hostname or not port:
        raise ValueError(f"`{url}` names no host and port; write `{parts.scheme}://host:port`")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"`{url}` must end after the port; all databases are read")
    return Address(parts.hostname, port, tls=parts.scheme == "rediss")


def _parse_socket_path(parts: SplitResult) -> Address:
    if parts.netloc or not parts.path.startswith("/"):
        raise ValueError("a unix socket needs three slashes; write `unix:///run/dragonfly.sock`")
    return Address(path=parts.path)
