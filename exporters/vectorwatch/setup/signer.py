"""Keeps the certificate in each volume fit for use."""

from __future__ import annotations

from collections.abc import Sequence

from .certificate import Pair, explain_unfit, issue, make_authority, name_host
from .keyring import Keyring
from .volume import SecretsVolume


class Signer:
    """Signs with the authority in one volume, for a machine that others reach as `public_host`."""

    def __init__(self, authority: SecretsVolume, public_host: str) -> None:
        """Raise VectorwatchError for a `public_host` that no certificate can name."""
        name_host(public_host)
        self._authority = authority
        self._public_host = public_host

    def renew(self, volume: SecretsVolume, keyring: Keyring) -> str:
        """Make the certificate of `keyring` unless it is fit; return what was done, as the end of a line."""
        certificate, key = keyring.signed
        found = Pair(*map(volume.read, keyring.signed)) if volume.names() >= {*keyring.signed} else None
        if found and not (unfit := self._explain_unfit(found, keyring)):
            volume.protect(certificate)
            volume.protect(key)
            return ""
        made = self._make(keyring)
        volume.put(key, made.key)
        volume.put(certificate, made.certificate)
        if not found:
            return f"; signed {certificate}"
        return f"; signed {certificate} anew, because {unfit} (docs/how-to/configure.md, Certificates)"

    def issue(self, name: str) -> Pair:
        """Make a certificate for a client elsewhere."""
        return issue(self._read_authority(), "client", name)

    def _explain_unfit(self, pair: Pair, keyring: Keyring) -> str:
        authority = pair if keyring.certificate == "ca" else self._read_authority()
        return explain_unfit(pair, authority, self._hosts(keyring))

    def _make(self, keyring: Keyring) -> Pair:
        if keyring.certificate in (None, "ca"):
            return make_authority()
        return issue(self._read_authority(), keyring.certificate, keyring.service, self._hosts(keyring))

    def _hosts(self, keyring: Keyring) -> Sequence[str]:
        if keyring.certificate != "server":
            return ()
        return (keyring.service, "localhost", "127.0.0.1", self._public_host)

    def _read_authority(self) -> Pair:
        return Pair(self._authority.read("ca.crt"), self._authority.read("ca.key"))
