"""Who is let in: those who bring the token of a file, which may be replaced at any time."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from pathlib import Path

from streams.errors import BadPolicy
from topology.errors import unreadable
from topology.file_mark import mark

log = logging.getLogger(__name__)

_LOOK_S = 1.0
"""How often the file is looked at; Kubernetes replaces a mounted Secret while we run."""


class BearerToken:
    """The token of now.

    Raises:
        BadPolicy: the file holds none.
    """

    def __init__(self, file: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(file)
        self._clock = clock
        self._looked_at = clock()
        try:
            self._seen = mark(self._path)
            self._token = self._read()
        except OSError as error:
            raise unreadable("token-file", file, error) from error
        if not self._token:
            raise BadPolicy("token-file", file, "it must hold a token")

    def admits(self, authorization: str) -> bool:
        """Whether a request with this Authorization header is let in; takes as long for any wrong token."""
        self._look()
        scheme, _, given = authorization.partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)
        return same and scheme.lower() == "bearer"

    def _look(self) -> None:
        """Read the file anew if it was replaced; a file that is gone or empty changes nothing."""
        if self._clock() - self._looked_at < _LOOK_S:
            return
        self._looked_at = self._clock()
        try:
            seen = mark(self._path)
            if seen == self._seen:
                return
            token = self._read()
        except OSError as error:
            log.error("the token cannot be read (%s): the last one stays", error.strerror)  # noqa: TRY400 - no stack
            return
        if token:
            self._seen, self._token = seen, token
            log.info("the token was replaced")
        else:
            log.error("the token file is empty: the last one stays")

    def _read(self) -> bytes:
        return self._path.read_bytes().strip()
