"""The header that lets us in where a bearer token is wanted (RFC 6750, section 2.1)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def authorization(token_file: str | None) -> dict[str, str]:
    """Of the token that the file holds now, as a mounted Secret may change; nothing without a file or a token.

    Whoever is asked says then that it is missing.
    """
    if token_file is not None:
        with suppress(OSError):
            token = Path(token_file).read_text(encoding="utf-8", errors="replace").strip()
            if token.isascii() and token.isprintable():
                return {"Authorization": f"Bearer {token}"}
    return {}
