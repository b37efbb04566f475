"""Settings of the status API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.http_target import check_http_url
from vectorwatch.serve.settings import Port, ServeSettings
from vectorwatch.serve.web_login import WEB_USER
from vectorwatch.settings import check_secret

from .history import THROUGHPUTS
from .matrix import COMPONENTS, find

_NAMES = ", ".join(one.name for one in COMPONENTS)


class StatusSettings(ServeSettings):
    """Settings of `vectorwatch status-api`; an empty URL leaves that check out."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_STATUS_")

    port: Port = Field(9448, description="Port to listen on.")
    prometheus_url: str = Field(
        "http://127.0.0.1:9090", min_length=1, description="Prometheus, which knows alerts and metrics."
    )
    prometheus_password_file: Path | None = Field(
        None,
        description=f"File with the password of the user `{WEB_USER}`, where Prometheus asks for one; read "
        "at each use.",
    )
    alertmanager_url: str = Field("", description="Alertmanager, such as http://alertmanager:9093.")
    grafana_url: str = Field("", description="Grafana, such as http://grafana:3000.")
    jaeger_url: str = Field("", description="Jaeger's pages, such as http://jaeger:16686.")
    inbox_url: str = Field("", description="The inbox, such as http://inbox:9446.")
    qdrant_targets_file: Path | None = Field(
        None,
        description="Prometheus file_sd file with the Qdrant servers to ask; `*` in the path stands for any "
        "name.",
    )
    cache_targets_file: Path | None = Field(None, description="The same for the caches.")
    required: list[str] = Field(
        ["vector_store"],
        description="Components without which nobody can be served: if one is unhealthy, so is all, and "
        "`/health` answers 503.",
    )
    throughput_targets: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {"searches": 500, "inferences": 200, "cache_commands": 2000, "database_queries": 150},
        description="How many a second should be possible, as the requirements say; the page shows it beside "
        "the peak of the day. `{}`: none.",
    )
    grafana_page: str = Field(
        "", description="Where people open Grafana; links to dashboards begin with it, else with `/d/`."
    )
    deadline_seconds: float = Field(
        3.0, gt=0, le=60, description="Longest a check or a question to Prometheus may take."
    )
    fresh_seconds: float = Field(
        5.0, ge=0, le=300, description="For how long an answer is given again instead of asking anew."
    )

    @field_validator(
        "prometheus_url", "alertmanager_url", "grafana_url", "jaeger_url", "inbox_url", "grafana_page"
    )
    @classmethod
    def _is_url(cls, url: str) -> str:
        return check_http_url(url) if url else url

    @model_validator(mode="after")
    def _can_read_its_password(self) -> StatusSettings:
        check_secret("prometheus_password", None, self.prometheus_password_file)
        return self

    @field_validator("throughput_targets")
    @classmethod
    def _are_throughputs(cls, targets: dict[str, float]) -> dict[str, float]:
        unknown = next((name for name in targets if name not in THROUGHPUTS), None)
        if unknown is not None:
            raise ValueError(f"`{unknown}` has no throughput; known are {', '.join(THROUGHPUTS)}")
        return targets

    @field_validator("required")
    @classmethod
    def _are_components(cls, names: list[str]) -> list[str]:
        found = []
        for name in names:
            component = find(name)
            if component is None:
                raise ValueError(f"`{name}` is no component; known are {_NAMES}")
            found.append(component.name)
        return found
