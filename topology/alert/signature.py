"""The signature of a webhook's message, by which the receiver knows who sent it, and that it is not an old one.

Source: the Standard Webhooks specification, "Signature scheme": three headers, of which the signature is over id,
timestamp and body, so that any of its libraries verifies our messages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from contextlib import suppress
from pathlib import Path

from streams.errors import BadPolicy
from topology.errors import unreadable
from topology.file_mark import Mark, mark

log = logging.getLogger(__name__)

LEAST_BYTES = 24
"""Of a secret, as the specification has it."""
_PREFIX = "whsec_"


class Secrets:
    """Those of a file, read again when it changes; what cannot be used then is told, and the former ones stay.

    Raises:
        BadPolicy: as `secrets`.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._seen = self._mark()
        self._keys = secrets(file)

    def current(self) -> tuple[bytes, ...]:
        """Those of now. Never raises."""
        if (seen := self._mark()) != self._seen:
            self._seen = seen  # told once, however long it stays so
            try:
                self._keys = secrets(self._file)
            except BadPolicy as error:
                log.error("the former webhook secrets stay: %s", error)  # noqa: TRY400 - no stack
            else:
                log.info("webhook secrets taken anew: %s", self._file)
        return self._keys

    def _mark(self) -> Mark | None:
        """Of the file; None where there is none, of which reading it tells."""
        with suppress(OSError):
            return mark(Path(self._file))
        return None


def secrets(file: str) -> tuple[bytes, ...]:
    """The secrets of a file, one a line: the second one is there while the receiver changes from one to the other.

    A line is `whsec_` and base64, as the specification writes it, or the secret itself.

    Raises:
        BadPolicy: the file cannot be read, holds none, or one that is too short; none of them is in the message.
    """
    try:
        lines = map(str.strip, Path(file).read_text(encoding="utf-8").splitlines())
        found = tuple(_secret(line) for line in lines if line)
    except OSError as error:
        raise unreadable("webhook-secret-file", file, error) from error
    except (UnicodeDecodeError, binascii.Error):
        allowed = "each line must be a secret: `whsec_` and base64, or text"
        raise BadPolicy("webhook-secret-file", file, allowed) from None
    if not found or min(map(len, found)) < LEAST_BYTES:
        raise BadPolicy("webhook-secret-file", file, f"it must hold a secret of at least {LEAST_BYTES} bytes")
    return found


def headers(message_id: str, timestamp_s: int, body: bytes, keys: tuple[bytes, ...]) -> dict[str, str]:
    """The headers of a message.

    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> body = b'{"test": 2432232314}'
    >>> headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, (key,))["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b".".join([message_id.encode(), str(timestamp_s).encode(), body])
    made = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(f"v1,{each}" for each in made),
    }


def _secret(line: str) -> bytes:
    return base64.b64decode(line.removeprefix(_PREFIX), validate=True) if line.startswith(_PREFIX) else line.encode()
