"""Certificates as OpenSSL sees them: real handshakes, and what makes one unfit."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from vectorwatch.setup.certificate import Kind, Pair, explain_unfit, issue, make_authority

HOSTS = ("logstash", "localhost", "127.0.0.1")
Write = Callable[[str, Pair], tuple[str, str]]


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority()


@pytest.fixture(scope="module")
def server(authority: Pair) -> Pair:
    return issue(authority, "server", "logstash", HOSTS)


@pytest.fixture(scope="module")
def client(authority: Pair) -> Pair:
    return issue(authority, "client", "filebeat")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(name: str, pair: Pair) -> tuple[str, str]:
        certificate, key = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        return str(certificate), str(key)

    return run


def shake_hands(write: Write, authority: Pair, server: Pair, client: Pair | None, host: str) -> None:
    """Connect as a Filebeat that checks the server to a Logstash that demands a certificate."""
    trusted, _ = write("ca", authority)
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=trusted)
    listening.load_cert_chain(*write("server", server))
    listening.verify_mode = ssl.CERT_REQUIRED
    calling = ssl.create_default_context(cafile=trusted)
    # As Python 3.13 does by itself: the form that RFC 5280 demands.
    listening.verify_flags |= ssl.VERIFY_X509_STRICT
    calling.verify_flags |= ssl.VERIFY_X509_STRICT
    if client:
        calling.load_cert_chain(*write("client", client))
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            with listening.wrap_socket(there, server_side=True) as connection:
                connection.sendall(b"ok")
        except OSError:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with calling.wrap_socket(here, server_hostname=host) as connection:
            if connection.recv(2) != b"ok":
                raise ConnectionError("refused")
    finally:
        here.close()
        thread.join()


@pytest.mark.parametrize("host", HOSTS)
def test_a_client_and_a_server_of_one_authority_accept_each_other(
    host: str, write: Write, authority: Pair, server: Pair, client: Pair
) -> None:
    shake_hands(write, authority, server, client, host)


def test_a_client_without_a_certificate_is_refused(write: Write, authority: Pair, server: Pair) -> None:
    with pytest.raises(OSError, match=r"(?i)refused|required|reset"):
        shake_hands(write, authority, server, None, "logstash")


def test_a_client_of_another_authority_is_refused(write: Write, authority: Pair, server: Pair) -> None:
    stranger = issue(make_authority(), "client", "filebeat")
    with pytest.raises(OSError, match=r"(?i)refused|unknown|reset"):
        shake_hands(write, authority, server, stranger, "logstash")


def test_a_server_under_another_name_is_refused(
    write: Write, authority: Pair, server: Pair, client: Pair
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(write, authority, server, client, "elasticsearch")


def test_a_client_cannot_pose_as_a_server(write: Write, authority: Pair, client: Pair) -> None:
    posing = issue(authority, "client", "filebeat", HOSTS)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unsupported certificate purpose|unsuitable"):
        shake_hands(write, authority, posing, client, "logstash")


def test_nobody_signs_with_what_is_no_authority(write: Write, authority: Pair, server: Pair) -> None:
    leaf = issue(server, "client", "filebeat")
    forged = Pair(leaf.certificate + server.certificate, leaf.key)  # the whole chain, as one would send it
    with pytest.raises(OSError, match=r"(?i)refused|unknown|reset|invalid"):
        shake_hands(write, authority, server, forged, "logstash")


def test_keys_have_the_form_that_logstash_demands(authority: Pair, server: Pair, client: Pair) -> None:
    for pair in (authority, server, client):
        assert pair.key.startswith(b"-----BEGIN PRIVATE KEY-----\n")  # PKCS #8


def test_a_machine_may_be_named_by_an_address_of_either_kind(authority: Pair) -> None:
    hosts = ("logstash", "192.0.2.7", "[2001:db8::7]")
    pair = issue(authority, "server", "logstash", hosts)
    assert explain_unfit(pair, authority, hosts) == ""
    assert explain_unfit(pair, authority, ("logstash", "2001:db8::7", "192.0.2.7")) == ""


# ── What is made anew ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "hosts"), [("server", HOSTS), ("client", ())])
def test_what_was_just_made_is_fit_for_nine_years(
    kind: Kind, hosts: tuple[str, ...], authority: Pair
) -> None:
    pair = issue(authority, kind, "x", hosts)
    now = datetime.now(UTC)
    assert explain_unfit(pair, authority, hosts, now + timedelta(days=9 * 365 - 1)) == ""
    end = explain_unfit(pair, authority, hosts, now + timedelta(days=9 * 365 + 1))
    assert end.startswith(f"it would end on {now + timedelta(days=3650):%Y-}")


def test_an_authority_is_its_own_and_makes_no_other(authority: Pair) -> None:
    assert explain_unfit(authority, authority) == ""
    certificate = x509.load_pem_x509_certificate(authority.certificate)
    limits = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (limits.critical, limits.value.path_length) == (True, 0)


def test_each_reason_is_told(authority: Pair, server: Pair, client: Pair) -> None:
    other = make_authority()
    assert explain_unfit(server, authority, HOSTS) == ""
    assert explain_unfit(server, authority, ("logstash",)) == "it was for other names"
    assert explain_unfit(server, other, HOSTS) == "another authority had signed it"
    mixed = Pair(server.certificate, client.key)
    assert explain_unfit(mixed, authority, HOSTS) == "it did not belong to its key"
    for damaged in (
        Pair(server.certificate[:200], server.key),
        Pair(server.certificate, server.key[:200]),
        Pair(b"", b""),
        Pair(b"\xff\x00", server.key),
    ):
        assert explain_unfit(damaged, authority, HOSTS) == "it was damaged"
