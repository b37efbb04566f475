"""Keeps the certificate in each volume fit for use."""

from __future__ import annotations

from collections.abc import Sequence

from .certificate import Pair, explain_unfit, issue, make_authority, name_host, split
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
        self.replace(volume, keyring)
        if not found:
            return f"; signed {certificate}"
        return f"; signed {certificate} anew, because {unfit} (docs/how-to/configure.md, Certificates)"

    def replace(self, volume: SecretsVolume, keyring: Keyring) -> None:
        """Make the certificate of `keyring` anew; beside an authority that of before is trusted if kept."""
        certificate, key = keyring.signed
        made = self._make(keyring)
        volume.put(key, made.key)
        volume.put(certificate, made.certificate + (volume.kept(certificate) or b""))

    @property
    def overlaps(self) -> bool:
        """Tell whether an earlier authority is trusted beside the one that signs."""
        return len(split(self._authority.read("ca.crt"))) > 1

    def end_overlap(self) -> None:
        """Trust the authority that signs and no earlier one."""
        self._authority.put("ca.crt", split(self._authority.read("ca.crt"))[0])

    def issue(self, name: str) -> Pair:
        """Make a certificate for a client elsewhere."""
        return issue(self._read_authority(), "client", name)

    def _explain_unfit(self, pair: Pair, keyring: Keyring) -> str:
        authority = pair if keyring.certificate == "ca" else self._read_authority()
        return explain_unfit(pair, authority, self._hosts(keyring), by_earlier=keyring.known_elsewhere)

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
