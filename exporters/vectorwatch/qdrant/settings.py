"""Settings of the Qdrant exporter."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.http_target import HttpTarget, check_http_url
from vectorwatch.serve.settings import ConfiguredTargets, MultiTargetSettings, Port


class QdrantSettings(MultiTargetSettings, HttpTarget):
    """The exporter and its first target; further targets stand in `targets`."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_QDRANT_")

    port: Port = Field(9441, description="Port to listen on.")
    url: str = Field(
        "http://127.0.0.1:6333", description="Base URL of the first target; empty: only those of the lists."
    )
    targets: list[HttpTarget] = Field([], description="Further targets that `/probe` may read.")
    max_collections: int = Field(
        2_000, ge=1, description="Most collections read in one scrape, in order of their names."
    )
    max_concurrency: int = Field(
        8, ge=1, le=64, description="Most requests at one time; each one makes the server ask its shards."
    )
    max_answer_bytes: int = Field(
        8 * 1024 * 1024, ge=1024, description="Largest answer that is read to its end."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_http_url(url) if url else url

    def first_target(self) -> HttpTarget:
        """Return the target that the top-level settings describe."""
        return HttpTarget.model_construct(**{name: getattr(self, name) for name in HttpTarget.model_fields})

    def target_book(self) -> ConfiguredTargets[HttpTarget]:
        """Return the targets that may be read."""
        first = self.first_target()
        configured = [first, *self.targets] if first.url else self.targets
        return ConfiguredTargets(configured, self.targets_file, first.at)
