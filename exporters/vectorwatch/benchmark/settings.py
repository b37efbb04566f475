"""Settings of the benchmarks."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.http_target import HttpTarget, check_http_url
from vectorwatch.serve.settings import Port, ServeSettings
from vectorwatch.settings import check_secret, read_secret, state_folder


def default_folder() -> Path:
    """Return where baselines are kept when nothing else is said."""
    return state_folder("benchmark")


class BenchmarkSettings(ServeSettings):
    """Settings of `vectorwatch benchmark serve`; an empty URL and no list leave that kind of server out."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_BENCHMARK_")

    port: Port = Field(9449, description="Port to listen on.")
    data: Path = Field(
        default_factory=default_folder,
        description="Folder of the baseline, created when missing; "
        "by default `~/.local/state/vectorwatch/benchmark`.",
    )
    interval_seconds: float = Field(
        300.0, ge=1, le=86_400, description="From the start of one run to the start of the next."
    )
    requests: int = Field(
        30, ge=5, le=1000, description="Timed requests of a benchmark in a run, one after another."
    )
    longest_seconds: float = Field(
        3.0,
        gt=0,
        le=300,
        description="Longest time of one benchmark in a run; a slower one makes fewer requests, at least 5.",
    )
    timeout_seconds: float = Field(5.0, gt=0, le=300, description="Longest wait for one answer.")
    baseline_runs: int = Field(
        12, ge=3, le=1000, description="Runs of which a baseline is made, the first one by itself."
    )
    qdrant_url: str = Field("", description="A Qdrant, such as http://qdrant:6333.")
    qdrant_api_key: SecretStr | None = Field(None, description="API key; prefer `qdrant_api_key_file`.")
    qdrant_api_key_file: Path | None = Field(None, description="File that holds the API key of all of them.")
    qdrant_ca_file: Path | None = Field(
        None, description="Certificates to trust instead of the system's (PEM)."
    )
    qdrant_targets_file: Path | None = Field(
        None, description="Prometheus file_sd file with further ones; `*` in the path stands for any name."
    )
    collections: list[str] = Field([], description="Collections to search; else every one.")
    max_collections: int = Field(
        20, ge=1, le=1000, description="Most collections of a server, in order of their names."
    )
    k: int = Field(10, ge=1, le=1000, description="Results that a search asks for.")
    cache_url: str = Field("", description="A cache: `redis://host:port`, or `rediss://host:port` for TLS.")
    cache_username: str | None = Field(
        None, description="ACL user; without it the password is the default user's."
    )
    cache_password: SecretStr | None = Field(None, description="Password; prefer `cache_password_file`.")
    cache_password_file: Path | None = Field(None, description="File that holds the password of all of them.")
    cache_ca_file: Path | None = Field(
        None, description="Certificates to trust instead of the system's (PEM)."
    )
    cache_targets_file: Path | None = Field(None, description="As `qdrant_targets_file`, for caches.")
    cache_writes: bool = Field(
        True,
        description="Write keys `vectorwatch:benchmark:…` of some KB in all, which expire after a minute. "
        "Without them only `ping` is measured.",
    )
    value_bytes: int = Field(1024, ge=1, le=1_000_000, description="Size of a value in the cache.")

    @field_validator("qdrant_url")
    @classmethod
    def _check_qdrant_url(cls, url: str) -> str:
        return check_http_url(url) if url else url

    @field_validator("cache_url")
    @classmethod
    def _check_cache_url(cls, url: str) -> str:
        return check_cache_url(url) if url else url

    @model_validator(mode="after")
    def _check_secrets(self) -> BenchmarkSettings:
        check_secret("qdrant_api_key", self.qdrant_api_key, self.qdrant_api_key_file)
        check_secret("cache_password", self.cache_password, self.cache_password_file)
        return self

    def qdrant_at(self, address: str) -> HttpTarget:
        """Return a Qdrant at `address` with these credentials. Raises ValueError."""
        base = HttpTarget(
            url=self.qdrant_url or "http://nowhere",
            api_key=self.qdrant_api_key,
            api_key_file=self.qdrant_api_key_file,
            ca_file=self.qdrant_ca_file,
        )
        return base.at(address)

    def cache_at(self, address: str) -> str:
        """Return the URL of a cache at `address`. Raises ValueError."""
        scheme = "rediss" if self.cache_url.startswith("rediss") or self.cache_ca_file else "redis"
        return check_cache_url(address if "://" in address else f"{scheme}://{address}")

    def cache_secret(self) -> str | None:
        """Return the present password. Raises TargetError(auth)."""
        return read_secret(self.cache_password, self.cache_password_file)


def check_cache_url(url: str) -> str:
    """Return `url`, or raise ValueError that says what would be right."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("not a URL; write `redis://host:port`") from None
    if "@" in url or parts.query:
        raise ValueError("a URL must not hold credentials; use `cache_password_file`")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not port:
        raise ValueError("write `redis://host:port`, or `rediss://host:port` for TLS")
    return url
