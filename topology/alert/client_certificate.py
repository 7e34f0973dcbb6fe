"""By which certificate the alert role says who it is, where a receiver asks for one (mutual TLS).

Certificates live for hours where something like cert-manager makes them, so the files are looked at before every
message and read again when they change; one that cannot be used then is told, and the former one stays.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from streams.errors import BadPolicy
from topology.file_mark import Mark, mark

log = logging.getLogger(__name__)


class ClientCertificate:
    """Keeps a TLS context's certificate as its files have it.

    Args:
        context: of the connections to come; those that are open keep what they have shown.
        cert_file: PEM of the certificate, and of those between it and the authority.
        key_file: PEM of its key, without a passphrase; None: it is in `cert_file`.

    Raises:
        BadPolicy: they cannot be read, or do not go together.
    """

    def __init__(self, context: ssl.SSLContext, cert_file: str, key_file: str | None) -> None:
        self._context = context
        self._cert_file = cert_file
        self._key_file = key_file
        try:
            self._seen = self._marks()
            self._load()
        except (OSError, ssl.SSLError) as error:
            allowed = f"give a PEM file of a certificate, with its key here or in key-file ({error})"
            raise BadPolicy("cert-file", cert_file, allowed) from None

    def refresh(self) -> None:
        """Take what the files hold now, if they have changed; never raises."""
        try:
            if (seen := self._marks()) == self._seen:
                return
            self._seen = seen  # told once, however long it stays so
            self._load()
        except (OSError, ssl.SSLError) as error:
            log.error("%s cannot be used, the former certificate stays: %s", self._cert_file, error)  # noqa: TRY400
        else:
            log.info("client certificate taken anew: %s", self._cert_file)

    def _load(self) -> None:
        # First elsewhere: one that does not go with its key would put out the former one.
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._context):
            # An empty password, or OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self._cert_file, self._key_file, password="")

    def _marks(self) -> list[Mark]:
        return [mark(Path(file)) for file in (self._cert_file, self._key_file) if file]
