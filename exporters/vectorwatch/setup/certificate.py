"""Certificates for the log half, signed by an authority of this stack alone (RFC 5280)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vectorwatch.errors import VectorwatchError

Kind = Literal["ca", "server", "client"]

_KEY_BITS = 2048
"""As `elasticsearch-certutil` makes them, so that every part of the log half is known to take them."""
_LIFE = timedelta(days=3650)
_LEAST_LEFT = timedelta(days=365)
_CLOCKS_DIFFER = timedelta(days=1)
_USES = {
    # Elasticsearch speaks to itself with its server's certificate.
    "server": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
}
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both as PEM; the key is PKCS #8, the form that Logstash demands."""

    certificate: bytes
    key: bytes


def make_authority(now: datetime | None = None) -> Pair:
    """Make an authority that can sign certificates of servers and clients and no further authority."""
    key = _make_key()
    name = _name("vectorwatch authority")
    builder = (
        _begin(name, name, key, now or _now())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_allow(sign_others=True), critical=True)
    )
    return _finish(builder, key, key)


def issue(
    authority: Pair, kind: Kind, name: str, hosts: Sequence[str] = (), now: datetime | None = None
) -> Pair:
    """Make a certificate for `name`, that of a server for the names and addresses in `hosts`."""
    signer = _load(authority)
    key = _make_key()
    builder = (
        _begin(_name(name), signer.certificate.subject, key, now or _now())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_allow(sign_others=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USES[kind]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False
        )
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
    return _finish(builder, key, signer.key)


def split(bundle: bytes) -> Sequence[bytes]:
    """Return the certificates of a file one by one, none of a damaged one."""
    try:
        found = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return ()
    return [one.public_bytes(serialization.Encoding.PEM) for one in found]


def explain_unfit(
    pair: Pair,
    authority: Pair,
    hosts: Sequence[str] = (),
    now: datetime | None = None,
    *,
    by_earlier: bool = False,
) -> str:
    """Return why a certificate must be made anew, nothing if it need not; an authority is its own.

    An authority's first certificate signs; those after it are of earlier ones, which may have signed too if
    `by_earlier`.
    """
    try:
        own, signer = _load(pair), _load(authority)
        signers = x509.load_pem_x509_certificates(authority.certificate) if by_earlier else []
    except (ValueError, TypeError):
        return "it was damaged"
    if own.certificate.public_key() != own.key.public_key():
        return "it did not belong to its key"
    if not any(_has_signed(one, own.certificate) for one in (signer.certificate, *signers)):
        return "another authority had signed it"
    if own.certificate.not_valid_after_utc - (now or _now()) < _LEAST_LEFT:
        return f"it would end on {own.certificate.not_valid_after_utc:%Y-%m-%d}"
    return "" if _hosts_of(own.certificate) == set(_general_names(hosts)) else "it was for other names"


def name_host(host: str) -> x509.GeneralName:
    """Return the form in which a certificate names a machine. Raises VectorwatchError."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))  # an IPv6 address in a URL has brackets
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            raise VectorwatchError(
                f"setup: PUBLIC_HOST={host} is neither a name nor an address of a machine;"
                " write one like watch.example.com, without http:// and port"
            ) from None
        return x509.DNSName(host)


@dataclass(frozen=True)
class _Loaded:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def _load(pair: Pair) -> _Loaded:
    key = serialization.load_pem_private_key(pair.key, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return _Loaded(x509.load_pem_x509_certificate(pair.certificate), key)


def _has_signed(signer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _now() -> datetime:
    return datetime.now(UTC)


def _make_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _begin(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _allow(*, sign_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_others,
        key_encipherment=not sign_others,
        key_cert_sign=sign_others,
        crl_sign=sign_others,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _finish(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey) -> Pair:
    return Pair(
        builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _general_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [name_host(host) for host in dict.fromkeys(hosts)]


def _hosts_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()
