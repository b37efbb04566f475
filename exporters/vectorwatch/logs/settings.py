"""Settings of the log exporter: one fixed set of sources."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.http_target import check_http_url
from vectorwatch.serve.settings import ExporterSettings, Port
from vectorwatch.settings import check_readable, check_secret

_DATA_STREAM = re.compile(r"[a-z0-9][a-z0-9_.*-]*")


@dataclass(frozen=True)
class LogPipeline:
    """The only target: the log half of this stack."""

    label: str = "log-pipeline"


class LogPipelineBook:
    """The book with the one target."""

    @property
    def default(self) -> LogPipeline:
        """Return the pipeline."""
        return LogPipeline()

    def find(self, wanted: str) -> LogPipeline | None:
        """Return the pipeline if it is meant."""
        return LogPipeline() if wanted == LogPipeline().label else None

    def labels(self) -> list[str]:
        """Return the label of the pipeline."""
        return [LogPipeline().label]


class LogsSettings(ExporterSettings):
    """Settings of `vectorwatch exporter logs`; an empty URL leaves that source out."""

    model_config = SettingsConfigDict(env_prefix="VECTORWATCH_LOGS_")

    port: Port = Field(9447, description="Port to listen on.")
    logstash_url: str = Field("", description="Logstash's API, such as http://logstash:9600.")
    filebeat_url: str = Field("", description="Filebeat's HTTP endpoint, such as http://filebeat:5066.")
    kibana_url: str = Field("", description="Kibana, such as http://kibana:5601.")
    elasticsearch_url: str = Field(
        "", description="Elasticsearch, such as https://elasticsearch:9200; events are counted there."
    )
    elasticsearch_user: str = Field("", description="User that may read the log data streams.")
    elasticsearch_password_file: Path | None = Field(
        None, description="File that holds that user's password; read at each search."
    )
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's (PEM).")
    data_streams: str = Field(
        "logs-*",
        description="Data streams whose documents are counted, with `*` and commas.",
    )
    interval_seconds: float = Field(
        15.0, ge=1, le=300, description="Pause between two searches that count events in Elasticsearch."
    )
    max_services: int = Field(
        200, ge=1, le=400, description="Most services with series of their own; the others are one, `other`."
    )
    max_answer_bytes: int = Field(
        8 * 1024 * 1024, ge=1024, description="Largest answer that is read to its end."
    )

    @field_validator("logstash_url", "filebeat_url", "kibana_url", "elasticsearch_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_http_url(url) if url else url

    @field_validator("data_streams")
    @classmethod
    def _check_data_streams(cls, names: str) -> str:
        if not all(_DATA_STREAM.fullmatch(name) for name in names.split(",")):
            raise ValueError(f"`{names}` is no list of names; write `logs-*` or `logs-a-*,logs-b-*`")
        return names

    @model_validator(mode="after")
    def _check_sources(self) -> LogsSettings:
        urls = (self.logstash_url, self.filebeat_url, self.kibana_url, self.elasticsearch_url)
        if not any(urls):
            raise ValueError("nothing to read; give `logstash_url` or another URL")
        if self.ca_file is not None:
            check_readable("ca_file", self.ca_file)
            _check_certificates(self.ca_file)
        check_secret("elasticsearch_password", None, self.elasticsearch_password_file)
        if bool(self.elasticsearch_user) != (self.elasticsearch_password_file is not None):
            raise ValueError("give both `elasticsearch_user` and `elasticsearch_password_file`, or neither")
        return self


def _check_certificates(file: Path) -> None:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError(f"`ca_file`: {file}: not certificates in PEM") from None
