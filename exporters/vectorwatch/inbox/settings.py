"""Settings of the inbox."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vectorwatch.serve.settings import Port, ServeSettings
from vectorwatch.settings import state_folder

MEBIBYTE = 1 << 20
ENV_PREFIX = "VECTORWATCH_INBOX_"

# Escaped as ASCII JSON a byte of mail can take six; half of the journal must hold the largest message.
_JOURNAL_PER_MESSAGE = 12


_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class InboxSettings(ServeSettings):
    """Settings of `vectorwatch inbox`."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX)

    port: Port = Field(9446, description="Port of the page, the API, `/webhook`, `/slack`, `/pagerduty`.")
    smtp_host: str = Field(
        "127.0.0.1", description="Address that takes mail, without login or TLS; 0.0.0.0 in a container."
    )
    smtp_port: Port = Field(1025, description="Port that takes mail.")
    data: Path = Field(
        default_factory=lambda: state_folder("inbox"),
        description="Folder of the journal, created when missing; "
        "by default `~/.local/state/vectorwatch/inbox`.",
    )
    max_journal_bytes: int = Field(
        128 * MEBIBYTE,
        description="Most bytes of journal to keep; above it the oldest part, about an eighth, is removed.",
    )
    max_message_bytes: int = Field(
        5 * MEBIBYTE, ge=1024, description="Largest request body or mail; a larger one is refused."
    )
    retry_window_seconds: float = Field(
        240.0,
        ge=0,
        description="A notification equal to the last one of its alert group within this time is kept, but "
        "shown as a repeat of it. Keep it below the shortest `repeat_interval` of your Alertmanager.",
    )
    allowed_hosts: list[str] = Field(
        [],
        description="Names with a dot under which browsers may open the page, for example that of a reverse "
        "proxy: `inbox.example.com`, without port. Addresses and names without a dot always may.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"`{name}` is not a host name; write it like `inbox.example.com`")
        return value

    @field_validator("data")
    @classmethod
    def _is_no_file(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError(f"{value} is a file; name a folder")
        return value

    @model_validator(mode="after")
    def _journal_holds_messages(self) -> InboxSettings:
        least = _JOURNAL_PER_MESSAGE * self.max_message_bytes
        if self.max_journal_bytes < least:
            raise ValueError(
                f"`max_journal_bytes` is {self.max_journal_bytes}; with `max_message_bytes` "
                f"{self.max_message_bytes} it must be at least {least}"
            )
        return self
