"""One POST of JSON to somebody else's server, and what became of it."""

from __future__ import annotations

import logging
import ssl
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from streams.errors import BadPolicy
from topology.alert.client_certificate import ClientCertificate
from topology.authorization import authorization

log = logging.getLogger(__name__)

_ANSWER_S = 10.0
_MOST_SHOWN = 300


class Outcome(StrEnum):
    """The label value of `serinus_alert_posts_total`."""

    TAKEN = "taken"
    """2xx."""
    REFUSED = "refused"
    """Another status by which it says that it has read it: the next may be taken."""
    UNREACHED = "unreached"
    """No answer, 5xx or 429: the next would fare no better."""


class Poster:
    """An HTTP client between `async with` and its end.

    Args:
        ca_file: PEM of the authorities whose certificates are trusted; None: the system's.
        cert_file: PEM of the certificate shown to who asks for one; None: none is.
        key_file: PEM of its key; None: it is in `cert_file`.

    Raises:
        BadPolicy: a file does not hold what it must.
    """

    def __init__(self, ca_file: str | None, cert_file: str | None = None, key_file: str | None = None) -> None:
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise BadPolicy("ca-file", ca_file, f"give a PEM file of certificates ({error})") from error
        self._certificate = None if cert_file is None else ClientCertificate(self._tls, cert_file, key_file)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls),
            timeout=aiohttp.ClientTimeout(total=_ANSWER_S),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, headers: dict[str, str], token_file: str | None) -> Outcome:
        """Send it once. No redirect is followed: it would carry what is secret to where nobody said.

        Args:
            url: without credentials.
            body: JSON.
            headers: besides Content-Type and Authorization.
            token_file: holds a bearer token, read anew each time, as a mounted Secret may change; None: none is sent.
        """
        assert self._session is not None  # noqa: S101 - `async with` makes it
        if self._certificate is not None:
            self._certificate.refresh()
        whole = {"Content-Type": "application/json", "User-Agent": "serinus", **headers, **authorization(token_file)}
        try:
            async with self._session.post(url, data=body, headers=whole, allow_redirects=False) as response:
                said = ascii((await response.content.read(_MOST_SHOWN)).decode(errors="replace"))
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("%s cannot be told: %s", _where(url), _why(error))
            return Outcome.UNREACHED
        if 200 <= status < 300:
            return Outcome.TAKEN
        log.warning("%s answers %d %s", _where(url), status, said)
        return Outcome.UNREACHED if status >= 500 or status == 429 else Outcome.REFUSED


def _why(error: Exception) -> str:
    """What may be logged of a fault: of an answer that is no HTTP aiohttp's text holds the whole address."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the answer is no HTTP ({' '.join(error.message.split())[:_MOST_SHOWN]!a})"
    return type(error).__name__ if isinstance(error, aiohttp.InvalidURL) or not str(error) else str(error)


def _where(url: str) -> str:
    """What may be logged of an address: paths and queries of webhooks hold secrets.

    >>> _where("https://hooks.example/services/T0/B0/secret?key=x")
    'https://hooks.example'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
