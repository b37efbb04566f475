"""TLS files of a target: checked at the start, read again for each connection."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Protocol

from vectorwatch.settings import check_readable


class TlsFiles(Protocol):
    """The TLS settings that targets have."""

    @property
    def ca_file(self) -> Path | None:
        """Return the file of the authorities to trust instead of the system's."""

    @property
    def cert_file(self) -> Path | None:
        """Return the file of the client certificate."""

    @property
    def key_file(self) -> Path | None:
        """Return the file of its key."""

    @property
    def insecure_skip_verify(self) -> bool:
        """Tell whether any certificate is accepted."""


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context of the files as they are now. Raises OSError, of which ssl.SSLError is one."""
    context = ssl.create_default_context(cafile=files.ca_file)
    if files.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.cert_file is not None:
        # Without a password function an encrypted key would make OpenSSL ask on the terminal.
        context.load_cert_chain(files.cert_file, files.key_file, password=lambda: "")
    return context


def check_tls_files(files: TlsFiles) -> None:
    """Raise ValueError unless the files can be used together."""
    if (files.cert_file is None) != (files.key_file is None):
        raise ValueError("give both `cert_file` and `key_file`, or neither")
    for name in ("ca_file", "cert_file", "key_file"):
        file = getattr(files, name)
        if file is not None:
            check_readable(name, file)
    try:
        make_context(files)
    except ssl.SSLError:
        named = " or ".join(f"`{name}`" for name in ("ca_file", "cert_file") if getattr(files, name))
        raise ValueError(
            f"{named}: not PEM that can be used, an encrypted key, or a key of another certificate"
        ) from None
