from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import trustme
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from vectorwatch.dragonfly.settings import DragonflySettings
from vectorwatch.errors import ConfigError, TargetError
from vectorwatch.settings import load

PREFIX = "VECTORWATCH_DRAGONFLY_"

BAD_VARIABLES = {
    "no scheme": (
        {"URL": "cache:6379"},
        "config: VECTORWATCH_DRAGONFLY_URL: `url`: `cache:6379` has no scheme redis, rediss or unix; "
        "write `redis://cache:6379`",
    ),
    "credentials in the URL": (
        {"URL": "redis://mon:hunter2@cache:6379"},
        "config: VECTORWATCH_DRAGONFLY_URL: `url`: a URL must not hold credentials; "
        "use `username` and `password_file`",
    ),
    "misspelt variable": (
        {"PASSWORDFILE": "/x"},
        "config: unknown variable `VECTORWATCH_DRAGONFLY_PASSWORDFILE`; "
        "did you mean `VECTORWATCH_DRAGONFLY_PASSWORD_FILE`?",
    ),
    "list that is no JSON": (
        {"TARGETS": "redis://a"},
        "config: VECTORWATCH_DRAGONFLY_TARGETS: not valid JSON; lists and objects are JSON",
    ),
    "missing password file": (
        {"PASSWORD_FILE": "/nowhere/password"},
        "config: `password_file`: cannot read /nowhere/password: no such file or directory",
    ),
    "two passwords": (
        {"PASSWORD": "hunter2", "PASSWORD_FILE": "/nowhere/password"},
        "config: give `password` or `password_file`, not both",
    ),
    "user without a password": (
        {"USERNAME": "mon"},
        "config: `username` needs `password_file` (or `password`)",
    ),
    "TLS settings without TLS": (
        {"INSECURE_SKIP_VERIFY": "true"},
        "config: `insecure_skip_verify` needs TLS; write the URL as `rediss://host:port`",
    ),
    "trust all and trust one": (
        {"URL": "rediss://cache", "INSECURE_SKIP_VERIFY": "true", "CA_FILE": "/nowhere/ca.pem"},
        "config: `insecure_skip_verify` would ignore `ca_file`; give one of them",
    ),
    "certificate without its key": (
        {"URL": "rediss://cache", "CERT_FILE": "/nowhere/cert.pem"},
        "config: give both `cert_file` and `key_file`, or neither",
    ),
    "missing CA file": (
        {"URL": "rediss://cache", "CA_FILE": "/nowhere/ca.pem"},
        "config: `ca_file`: cannot read /nowhere/ca.pem: no such file or directory",
    ),
    "CA file that is no PEM": (
        {"URL": "rediss://cache", "CA_FILE": __file__},
        "config: `ca_file`: not PEM that can be used, an encrypted key, or a key of another certificate",
    ),
    "two targets of one name": (
        {"URL": "redis://cache", "TARGETS": '[{"url": "redis://cache"}]'},
        "config: two targets are called `redis://cache`; give one a `name`",
    ),
    "bad target in the list": (
        {"TARGETS": '[{"url": "cache:6379"}]'},
        "config: VECTORWATCH_DRAGONFLY_TARGETS: `targets.0.url`: `cache:6379` has no scheme redis, rediss or "
        "unix; write `redis://cache:6379`",
    ),
}


@pytest.mark.parametrize(("variables", "line"), BAD_VARIABLES.values(), ids=BAD_VARIABLES)
def test_a_bad_variable_is_one_line(variables: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(DragonflySettings, environ={PREFIX + name: value for name, value in variables.items()})
    assert caught.value.problems == (line,)
    assert "hunter2" not in str(caught.value)


BAD_FILES = {
    "unknown key": (
        "max_comands: 5\n",
        "dragonfly.yml:1: unknown key `max_comands`; did you mean `max_commands`?",
    ),
    "unknown key in a list": (
        "targets:\n- url: redis://a\n  pasword: x\n",
        "dragonfly.yml:3: unknown key `pasword`; did you mean `password`?",
    ),
    "bad URL in a list": (
        "targets:\n- url: redis://a\n- url: unix://run/x\n",
        "dragonfly.yml:3: `targets.1.url`: a unix socket needs three slashes; "
        "write `unix:///run/dragonfly.sock`",
    ),
    "target without a URL": ("targets:\n- name: a\n", "dragonfly.yml:2: `targets.0.url` is required"),
}


@pytest.mark.parametrize(("text", "line"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "dragonfly.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(DragonflySettings, config_file=file, environ={})
    assert caught.value.problems == (f"config: {tmp_path}/{line}",)


def test_a_key_that_needs_a_passphrase_is_refused_and_none_is_asked_for(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf = authority.issue_cert("cache")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    (tmp_path / "key.pem").write_bytes(locked)
    with pytest.raises(ConfigError) as caught:
        load(
            DragonflySettings,
            environ={
                PREFIX + "URL": "rediss://cache",
                PREFIX + "CERT_FILE": str(tmp_path / "cert.pem"),
                PREFIX + "KEY_FILE": str(tmp_path / "key.pem"),
            },
        )
    assert caught.value.problems == (
        "config: `cert_file`: not PEM that can be used, an encrypted key, or a key of another certificate",
    )


def test_without_settings_the_local_server_is_read() -> None:
    settings = load(DragonflySettings, environ={})
    assert settings.port == 9442
    first = settings.target_book().default
    assert first is not None
    assert (first.label, first.read_password()) == ("redis://127.0.0.1:6379", None)


def test_all_targets_are_found_by_their_labels_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "dragonfly.yml"
    file.write_text("url: redis://a\nname: first\ntargets:\n- url: unix:///run/b.sock\n- url: rediss://c:1\n")
    book = load(DragonflySettings, config_file=file, environ={}).target_book()
    assert book.labels() == ["first", "unix:///run/b.sock", "rediss://c:1"]
    found = book.find("rediss://c:1")
    assert found is not None
    assert found.address.tls
    assert book.find("redis://d") is None


def test_a_file_sd_target_gets_the_first_target_s_credentials(tmp_path: Path) -> None:
    file = tmp_path / "targets.yml"
    file.write_text(yaml.safe_dump([{"targets": ["cache-2:6379", "http://cache-3"]}]))
    environ = {PREFIX + "TARGETS_FILE": str(file), PREFIX + "USERNAME": "mon", PREFIX + "PASSWORD": "hunter2"}
    book = load(DragonflySettings, environ=environ).target_book()
    found = book.find("cache-2:6379")
    assert found is not None
    assert (found.url, found.username, found.read_password()) == ("redis://cache-2:6379", "mon", "hunter2")
    assert book.find("http://cache-3") is None
    assert book.find("cache-4:6379") is None


def test_without_a_url_the_lists_alone_count_and_get_the_credentials(tmp_path: Path) -> None:
    (tmp_path / "dragonfly.yml").write_text("- targets: [cache:6379, 'rediss://cache-2:6379']\n")
    ca_file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca_file))
    environ = {
        "TARGETS_FILE": str(tmp_path / "*.yml"),
        "URL": "",
        "PASSWORD": "hunter2",
        "CA_FILE": str(ca_file),
    }
    book = load(
        DragonflySettings, environ={PREFIX + name: value for name, value in environ.items()}
    ).target_book()
    assert (book.default, book.labels()) == (None, ["cache:6379", "rediss://cache-2:6379"])
    found = book.find("rediss://cache-2:6379")
    assert found is not None
    assert (found.read_password(), found.ca_file) == ("hunter2", ca_file)


def test_secrets_stay_out_of_every_dump(tmp_path: Path) -> None:
    file = tmp_path / "dragonfly.yml"
    file.write_text("password: hunter2\ntargets:\n- url: redis://b\n  password: hunter2\n")
    settings = load(DragonflySettings, config_file=file, environ={})
    book = settings.target_book()
    shown = [
        repr(settings),
        str(settings.model_dump()),
        settings.model_dump_json(),
        repr(book.default),
        repr(book.find("redis://b")),
    ]
    assert "hunter2" not in "".join(shown)


def test_a_password_file_that_vanished_is_an_auth_failure(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    target = load(DragonflySettings, environ={PREFIX + "PASSWORD_FILE": str(file)}).first_target()
    assert target.read_password() == "hunter2"
    file.unlink()
    with pytest.raises(TargetError) as caught:
        target.read_password()
    assert caught.value.reason == "auth"


@pytest.mark.parametrize("variables", [variables for variables, _ in BAD_VARIABLES.values()][:4])
def test_the_command_ends_with_2_and_the_line(
    vectorwatch_command: list[str], variables: dict[str, str]
) -> None:
    line = next(line for known, line in BAD_VARIABLES.values() if known == variables)
    ended = subprocess.run(
        [*vectorwatch_command, "exporter", "dragonfly"],
        env={PREFIX + name: value for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr, ended.stdout) == (2, line + "\n", "")
