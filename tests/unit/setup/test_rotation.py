"""Secrets made anew: what changes, what stays, and what a run that was cut off leaves to the next."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from vectorwatch.demo.repository import find_repository
from vectorwatch.errors import VectorwatchError
from vectorwatch.setup import certificate
from vectorwatch.setup.certificate import Pair, explain_unfit, split
from vectorwatch.setup.keyring import KEYRINGS
from vectorwatch.setup.rotation import begin, choose, end, list_items, list_work, read_begun
from vectorwatch.setup.service import prepare
from vectorwatch.setup.volume import SecretsVolume

Contents = Mapping[str, bytes]
STAYS = {"grafana/secret_key"}
_SERVERS = ("elasticsearch/server", "logstash/server", "filebeat/client")


class CutOffError(Exception):
    """Stands for the end of the process."""


@dataclass(frozen=True)
class Stack:
    secrets: Path
    checkout: Path
    chown: Any

    def rotate(self, *names: str, logs: bool = True) -> list[str]:
        return list(begin(self.secrets, self.checkout, names, logs=logs, chown=self.chown))

    def end(self) -> None:
        end(self.secrets, self.chown)

    def read(self) -> Contents:
        return {
            f"{path.parent.name}/{path.name}": path.read_bytes()
            for path in self.secrets.glob("*/*")
            if not path.name.startswith(".")
        }

    def kept(self) -> Contents:
        found = self.secrets.glob("*/.previous.*")
        return {f"{path.parent.name}/{path.name[len('.previous.') :]}": path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def keys() -> Sequence[rsa.RSAPrivateKey]:
    """More keys than a test takes; to make them is what takes the time."""
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(24)]


@pytest.fixture(autouse=True)
def from_stock(keys: Sequence[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch) -> None:
    stock = cycle(keys)
    monkeypatch.setattr(certificate, "_make_key", lambda: next(stock))
    monkeypatch.setattr(certificate, "_load", load)


load = cache(certificate._load)
"""To read a key checks it, which takes long as well."""


@pytest.fixture
def stack(secrets: Path, checkout: Path, lists: Path, data: Path, chown: Any) -> Stack:
    for _ in prepare(secrets, checkout, lists, data, chown=chown):
        pass
    return Stack(secrets, checkout, chown)


def cut_off(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """End the process before its file number `step` takes the place of another."""
    written: list[str] = []
    write = SecretsVolume._write

    def stop(volume: SecretsVolume, name: str, content: bytes, *, give: bool = True) -> None:
        if len(written) == step:
            raise CutOffError
        write(volume, name, content, give=give)
        written.append(name)

    monkeypatch.setattr(SecretsVolume, "_write", stop)


def find_random() -> set[str]:
    return {f"{keyring.service}/{name}" for keyring in KEYRINGS for name in keyring.random}


def test_every_secret_is_another_afterwards_but_those_that_must_stay(stack: Stack) -> None:
    before = stack.read()
    stack.rotate()
    after = stack.read()
    assert after.keys() == before.keys()
    assert {name for name in find_random() if after[name] == before[name]} == STAYS
    assert after["certificate_authority/ca.key"] != before["certificate_authority/ca.key"]


def test_copies_follow(stack: Stack) -> None:
    stack.rotate()
    after = stack.read()
    for keyring in KEYRINGS:
        for name, source in keyring.shared.items():
            assert after[f"{keyring.service}/{name}"] == after[source]


def test_the_old_ones_are_kept_until_the_end(stack: Stack) -> None:
    before = stack.read()
    stack.rotate()
    kept = stack.kept()
    assert find_random() - STAYS - {"kibana/previous_encryption_key"} <= kept.keys()
    assert all(before[name] == content for name, content in kept.items())
    stack.end()
    assert (stack.kept(), read_begun(stack.secrets)) == ({}, [])


def test_kibana_can_read_what_the_key_before_has_encrypted(stack: Stack) -> None:
    before = stack.read()
    stack.rotate("kibana/encryption_key")
    assert stack.read()["kibana/previous_encryption_key"] == before["kibana/encryption_key"]


def test_what_is_yours_is_not_touched(stack: Stack) -> None:
    before = stack.read()
    stack.rotate()
    after = stack.read()
    made = {"alertmanager/alertmanager_password", "alertmanager/web.yml"}
    yours = [name for name in before if name.startswith("alertmanager/") and name not in made]
    assert yours
    assert all(after[name] == before[name] for name in yours)


def test_whoever_reads_a_password_at_each_use_is_not_started_again(stack: Stack) -> None:
    stack.rotate("prometheus/prometheus_password", "alertmanager/alertmanager_password")
    assert list(list_work(stack.secrets)) == ["restart grafana"]


def test_caddy_sends_the_new_password_from_now_on(stack: Stack) -> None:
    (stack.secrets / "caddy").mkdir()
    with SecretsVolume(stack.secrets / "caddy", 0, stack.chown).open():
        pass
    stack.rotate("prometheus/prometheus_password")
    after = stack.read()
    login = b64encode(b"vectorwatch:" + after["prometheus/prometheus_password"])
    assert after["caddy/prometheus_login"] == login


def test_only_what_is_named_changes(stack: Stack) -> None:
    before = stack.read()
    stack.rotate("elastic_setup/logstash_writer_password")
    after = stack.read()
    assert {name for name in after if after[name] != before[name]} == {
        "elastic_setup/logstash_writer_password",
        "logstash/logstash_writer_password",
    }
    assert list(list_work(stack.secrets)) == ["restart logstash", "tell elasticsearch"]


def test_both_authorities_are_trusted_until_the_overlap_ends(stack: Stack) -> None:
    before = stack.read()
    stack.rotate()
    stack.end()
    during = stack.read()
    bundle = during["certificate_authority/ca.crt"]
    assert split(bundle)[1] == split(before["certificate_authority/ca.crt"])[0]
    old, new = (Pair(one, during["certificate_authority/ca.key"]) for one in reversed(split(bundle)))
    # A Filebeat elsewhere trusts the old one alone: Logstash goes on showing it a certificate of that.
    logstash = Pair(during["logstash/server.crt"], during["logstash/server.key"])
    assert explain_signer(logstash, old) == ""
    filebeat = Pair(during["filebeat/client.crt"], during["filebeat/client.key"])
    assert explain_signer(filebeat, new) == ""
    stack.rotate("old-authority")
    stack.end()
    after = stack.read()
    assert after["logstash/ca.crt"] == split(bundle)[0]
    logstash = Pair(after["logstash/server.crt"], after["logstash/server.key"])
    assert explain_signer(logstash, new) == ""


def explain_signer(pair: Pair, authority: Pair) -> str:
    said = explain_unfit(pair, authority)
    return "" if said == "it was for other names" else said


def test_no_second_authority_before_the_first_overlap_ends(stack: Stack) -> None:
    stack.rotate()
    stack.end()
    before = stack.read()
    said = stack.rotate()
    assert [line for line in said if "the one before it is still trusted" in line]
    assert stack.read()["certificate_authority/ca.crt"] == before["certificate_authority/ca.crt"]
    assert stack.read()["logstash/server.crt"] == before["logstash/server.crt"]
    stack.end()
    with pytest.raises(VectorwatchError, match="ONLY=old-authority"):
        stack.rotate("authority")


def test_without_the_log_half_its_secrets_stay(stack: Stack) -> None:
    before = stack.read()
    stack.rotate(logs=False)
    after = stack.read()
    web = {one.service for one in KEYRINGS if "prometheus_password" in (*one.random, *one.shared)}
    assert {name for name in after if after[name] != before[name]} == {
        "grafana/admin_password",
        *(f"{service}/prometheus_password" for service in web),
        *(f"{service}/alertmanager_password" for service in ("alertmanager", "prometheus", "grafana")),
    }
    with pytest.raises(VectorwatchError, match=r"of the log half, which is off"):
        choose(["certificates"], logs=False)


def test_an_unknown_name_is_one_line_and_changes_nothing(stack: Stack) -> None:
    before = stack.read()
    with pytest.raises(
        VectorwatchError, match=r"^rotate-secrets: no secret kibana; there are .*certificates"
    ):
        stack.rotate("kibana")
    assert stack.read() == before


def test_before_the_first_start_there_is_nothing_to_rotate(secrets: Path, checkout: Path) -> None:
    with pytest.raises(VectorwatchError, match="start the stack first"):
        list(begin(secrets, checkout, []))


def test_elasticsearch_starts_again_before_those_that_speak_to_it(stack: Stack) -> None:
    stack.rotate()
    work = list(list_work(stack.secrets))
    assert work[0] == "restart elasticsearch"
    assert {"restart logstash", "restart grafana", "tell grafana", "tell kibana", "overlap"} <= set(work)
    assert not [line for line in work if "setup" in line]


@pytest.mark.parametrize(
    ("step", "up_between"),
    # `make up` at each step, also where one file of two has changed: Kibana's keys, the authority.
    [*((step, True) for step in range(66)), *((step, False) for step in range(0, 66, 3))],
)
def test_a_run_that_was_cut_off_is_finished_by_the_next(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    lists: Path,
    data: Path,
    step: int,
    up_between: bool,
) -> None:
    before = stack.read()
    with monkeypatch.context() as patch:
        cut_off(patch, step)
        try:
            stack.rotate()
        except CutOffError:
            pass
        else:
            assert step > 20, "nothing was cut off"
    see_nothing_lost(before, stack)
    made = {name: stack.read()[name] for name in stack.kept() if name in find_random()}
    done = {name for name, content in made.items() if content != before[name]}
    if up_between:
        for _ in prepare(stack.secrets, stack.checkout, lists, data, chown=stack.chown):
            pass
        see_nothing_lost(before, stack)
        assert stack.read()["kibana/previous_encryption_key"] != stack.read()["kibana/encryption_key"]
    stack.rotate()
    see_nothing_lost(before, stack)
    after = stack.read()
    assert {name for name in find_random() if after[name] == before[name]} == STAYS
    assert all(after[name] == made[name] for name in done), "what a server may have been told was replaced"
    assert after["kibana/previous_encryption_key"] == before["kibana/encryption_key"]
    assert split(after["certificate_authority/ca.crt"])[1:] == split(before["certificate_authority/ca.crt"])
    for name in _SERVERS:
        authority = Pair(after["certificate_authority/ca.crt"], after["certificate_authority/ca.key"])
        pair = Pair(after[f"{name}.crt"], after[f"{name}.key"])
        assert explain_unfit(pair, authority, by_earlier=True) in ("", "it was for other names")
    stack.end()
    assert stack.kept() == {}


def see_nothing_lost(before: Contents, stack: Stack) -> None:
    """See that of each password the server's own is in its file or kept beside it."""
    now, kept = stack.read(), stack.kept()
    for name in find_random() - {"kibana/previous_encryption_key"}:
        assert before[name] in (now[name], kept.get(name)), name


def test_every_secret_stands_in_the_page() -> None:
    page = (find_repository() / "docs/how-to/rotate-secrets.md").read_text(encoding="utf-8")
    for name in {*STAYS, *(item.name for item in list_items()), "old-authority"}:
        assert f"`{name}`" in page, name
