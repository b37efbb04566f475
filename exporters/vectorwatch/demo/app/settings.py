"""Settings of the demo service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.settings import Port, ServeSettings


class AppSettings(ServeSettings):
    """Settings of `vectorwatch demo-app`."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_APP_")

    port: Port = Field(8000, description="Port to listen on.")
    qdrant_url: str = Field("http://127.0.0.1:6333", description="Qdrant that keeps the passages.")
    cache_url: str = Field(
        "redis://127.0.0.1:6379", description="DragonflyDB, Valkey or Redis that keeps answers."
    )
    data: Path = Field(
        Path(".demo/app"), description="Folder of the API keys (`keys.json`) and of the SQLite file."
    )
    database: str = Field("", description="SQLAlchemy URL; empty: the SQLite file `app.db` in `data`.")
    demo_faults: bool = Field(
        False, description="Serve /demo/faults, by which anybody can break this service for a while."
    )
    llm_seconds: float = Field(
        0.25, gt=0, description="Median time of one simulated call of the large model."
    )
    llm_timeout_seconds: float = Field(2.5, gt=0, description="Longest wait before the small model is asked.")
    answer_seconds: int = Field(600, ge=1, description="How long an answer stays in the cache.")
    cache_entries: int = Field(1_000, ge=1, description="Most answers in the cache.")
    requests_per_minute: int = Field(300, ge=1, description="Requests that one API key may make.")
    background_seconds: float = Field(
        5.0,
        gt=0,
        description="Time between two looks of the background jobs; the slower ones take multiples.",
    )
    reindex_seconds: float = Field(
        21_600.0, gt=0, description="Time between two re-indexings of the passages; one is done at the start."
    )
