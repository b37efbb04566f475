"""Which service gets which secrets: data, so that a service added later is one entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Keyring:
    """The secrets of one service, and the user id under which it reads them.

    `random` are created here once. `copied` are folders of the checkout whose files are handed over; a file
    in a later folder takes the place of its namesake in an earlier one, an empty file never does. Where the
    last folder lacks a key of `stand_ins`, the file there that its value names takes its place.
    """

    service: str
    uid: int
    random: Sequence[str] = ()
    copied: Sequence[str] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Login:
    """A user whom a person logs in as."""

    service: str
    user: str
    secret: str


# The user ids are those of `user:` in docker-compose.yml; tests/config compares them.
KEYRINGS = (
    # Grafana encrypts with `secret_key`; its own default is the same everywhere and public.
    Keyring("grafana", 472, random=("admin_password", "secret_key")),
    Keyring(
        "alertmanager",
        65534,
        copied=("alertmanager/defaults", "alertmanager/secrets"),
        stand_ins={"slack_on_call_url": "slack_url", "slack_info_url": "slack_url"},
    ),
)
LOGINS = (Login("grafana", "admin", "admin_password"),)
