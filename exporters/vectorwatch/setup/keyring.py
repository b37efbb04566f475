"""Which service gets which secrets: data, so that a service added later is one entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vectorwatch.serve.web_login import WEB_USER

from .certificate import Kind


@dataclass(frozen=True)
class Keyring:
    """The secrets of one service, and the user id under which it reads them.

    `random` are created here once. `copied` are folders of the checkout whose files are handed over; a file
    in a later folder takes the place of its namesake in an earlier one, an empty file never does. Where the
    last folder lacks a key of `stand_ins`, the file there that its value names takes its place. `shared` are
    secrets that belong to an earlier keyring: the name here, and `<keyring>/<name>` there. `certificate` is
    one of its own, with its key. `asks_for` is the secret that its server asks everybody for, as WEB_USER,
    where passwords are wanted. `readers` are the services that mount it, if not the one of its name.

    Of a rotation: `lasting` secrets are never rotated; `earlier` names the secret that holds what another was
    before; `known_elsewhere` are services whose certificate programs on other hosts check, so that it
    outlives its authority until these trust the next; `rereads` is for a service that reads its secrets at
    each use; `log_half` is for what LOGS=0 leaves out.
    """

    service: str
    uid: int
    random: Sequence[str] = ()
    copied: Sequence[str] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)
    certificate: Kind | None = None
    asks_for: str = ""
    readers: Sequence[str] | None = None
    lasting: Sequence[str] = ()
    earlier: Mapping[str, str] = field(default_factory=dict)
    known_elsewhere: bool = False
    rereads: bool = False
    log_half: bool = False

    @property
    def mounted_by(self) -> Sequence[str]:
        """Return the services of docker-compose.yml that mount it, besides `setup`."""
        return (self.service.replace("_", "-"),) if self.readers is None else self.readers

    @property
    def signed(self) -> Sequence[str]:
        """Return the names of the files of its certificate."""
        return (f"{self.certificate}.crt", f"{self.certificate}.key") if self.certificate else ()


@dataclass(frozen=True)
class Login:
    """A user whom a person logs in as; `service` has the secret, `page` asks for it."""

    service: str
    user: str
    secret: str
    page: str
    note: str


AUTHORITY = "certificate_authority"
_CA = {"ca.crt": f"{AUTHORITY}/ca.crt"}
_ALERTMANAGER = {"alertmanager_password": "alertmanager/alertmanager_password"}
_PROMETHEUS = {"prometheus_password": "prometheus/prometheus_password"}


def _password(name: str) -> dict[str, str]:
    return {name: f"elastic_setup/{name}"}


# The user ids are those of `user:` in docker-compose.yml; tests/config compares them.
KEYRINGS = (
    Keyring(AUTHORITY, 0, certificate="ca", readers=(), log_half=True),
    # The passwords of all users of Elasticsearch; the others have copies, which are mended from here.
    Keyring(
        "elastic_setup",
        10001,
        random=(
            "elastic_password",
            "kibana_system_password",
            "kibana_user_password",
            "logstash_writer_password",
            "grafana_reader_password",
            "log_retention_password",
            "log_snapshot_password",
            "logs_exporter_password",
            "elasticsearch_exporter_password",
        ),
        shared=_CA,
        readers=("elasticsearch-setup", "kibana-setup"),
        log_half=True,
    ),
    Keyring(
        "alertmanager",
        65534,
        random=("alertmanager_password",),
        asks_for="alertmanager_password",
        copied=("alertmanager/defaults", "alertmanager/secrets"),
        stand_ins={"slack_on_call_url": "slack_url", "slack_info_url": "slack_url"},
    ),
    Keyring(
        "prometheus",
        65534,
        random=("prometheus_password",),
        asks_for="prometheus_password",
        shared=_ALERTMANAGER,
        rereads=True,
    ),
    Keyring("status", 10001, shared=_PROMETHEUS, rereads=True),
    # Grafana encrypts with `secret_key`; its own default is the same everywhere and public.
    Keyring(
        "grafana",
        472,
        random=("admin_password", "secret_key"),
        lasting=("secret_key",),  # what it has encrypted is read with it alone: Grafana takes one key
        shared=_PROMETHEUS
        | _ALERTMANAGER
        | {
            "elasticsearch_ca.crt": _CA["ca.crt"],
            "elasticsearch_password": "elastic_setup/grafana_reader_password",
        },
    ),
    Keyring(
        "elasticsearch",
        1000,
        certificate="server",
        shared=_CA | _password("elastic_password"),
        log_half=True,
    ),
    # Kibana encrypts with `encryption_key` what it keeps in Elasticsearch, and reads what the key before has
    # encrypted. At first that is one that was never used: Kibana refuses the same twice.
    Keyring(
        "kibana",
        1000,
        random=("encryption_key", "previous_encryption_key"),
        earlier={"encryption_key": "previous_encryption_key"},
        shared=_CA | _password("kibana_system_password"),
        log_half=True,
    ),
    Keyring(
        "logstash",
        1000,
        certificate="server",
        shared=_CA | _password("logstash_writer_password"),
        known_elsewhere=True,
        log_half=True,
    ),
    Keyring("filebeat", 0, certificate="client", shared=_CA, log_half=True),
    Keyring("log_retention", 10001, shared=_CA | _password("log_retention_password"), log_half=True),
    Keyring("log_snapshot", 10001, shared=_CA | _password("log_snapshot_password"), log_half=True),
    Keyring("logs_exporter", 10001, shared=_CA | _password("logs_exporter_password"), log_half=True),
    Keyring(
        "elasticsearch_exporter",
        65534,
        shared=_CA | _password("elasticsearch_exporter_password"),
        log_half=True,
    ),
)
_WEB_NOTE = "asked for with WEB_LOGIN=1 in .env"
LOGINS = (
    Login("grafana", "admin", "admin_password", "grafana", "until you change it there"),
    Login("elastic_setup", "vectorwatch", "kibana_user_password", "kibana", "until you change it there"),
    Login(
        "elastic_setup", "elastic", "elastic_password", "elasticsearch", "for emergencies; it may do anything"
    ),
    Login("prometheus", WEB_USER, "prometheus_password", "prometheus", _WEB_NOTE),
    Login("alertmanager", WEB_USER, "alertmanager_password", "alertmanager", _WEB_NOTE),
)
