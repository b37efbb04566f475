"""Settings of the Dragonfly exporter."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.settings import ConfiguredTargets, MultiTargetSettings, Port

from .target import DEFAULT_PORT, RedisTarget, parse_address


class DragonflySettings(MultiTargetSettings, RedisTarget):
    """The exporter and its first target; further targets stand in `targets`."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_DRAGONFLY_")

    port: Port = Field(9442, description="Port to listen on.")
    url: str = Field(
        f"redis://127.0.0.1:{DEFAULT_PORT}",
        description="First target: `redis://host:port`, `rediss://host:port` (TLS) or `unix:///path`; empty: "
        "only those of the lists.",
    )
    targets: list[RedisTarget] = Field([], description="Further targets that `/probe` may read.")
    slowlog: bool = Field(
        True, description="Read the slow log; false where the server does not allow SLOWLOG."
    )
    max_commands: int = Field(
        400, ge=0, description="Most commands with series of their own; more are counted as dropped series."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url:
            parse_address(url)
        return url

    @model_validator(mode="after")
    def _check_labels(self) -> DragonflySettings:
        labels = [self.first_target().label, *(target.label for target in self.targets)]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"two targets are called `{label}`; give one a `name`")
        return self

    def first_target(self) -> RedisTarget:
        """Return the target that the top-level settings describe."""
        return RedisTarget.model_construct(**{name: getattr(self, name) for name in RedisTarget.model_fields})

    def target_book(self) -> ConfiguredTargets[RedisTarget]:
        """Return the targets that may be read."""
        first = self.first_target()
        configured = [first, *self.targets] if first.url else self.targets
        return ConfiguredTargets(configured, self.targets_file, first.at)
