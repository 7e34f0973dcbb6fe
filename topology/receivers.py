"""Whom alarms are told to, and how it is said to a child process."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, structs

_FLAGS = {"alertmanager_urls": "--alertmanager-url", "labels": "--label"}
"""Options that may be given more than once; the others are named as their fields."""


class Receivers(Struct, frozen=True, kw_only=True):
    """The receivers of alarms; no field holds a secret."""

    alertmanager_urls: tuple[str, ...] = ()
    """Base URLs of Alertmanagers, each of which is told all."""
    alertmanager_token_file: str | None = None
    """File that holds the bearer token of the Alertmanagers; None: none is sent."""
    webhook_url: str | None = None
    """Gets a signed POST for each change of an alarm."""
    webhook_secret_file: str | None = None
    """File that holds the secrets that sign it, one a line; needed with `webhook_url`."""
    webhook_token_file: str | None = None
    """File that holds the bearer token of the webhook; None: none is sent."""
    ca_file: str | None = None
    """PEM of the authorities trusted for https; None: the system's."""
    cert_file: str | None = None
    """PEM of the certificate shown to a receiver that asks for one (mutual TLS); None: none is."""
    key_file: str | None = None
    """PEM of its key, without a passphrase; None: it is in `cert_file`."""
    labels: dict[str, str] = {}
    """Further labels of every alert, such as a severity."""

    @property
    def named(self) -> bool:
        """Something was said of them, though perhaps nobody is named: of that `AlertSettings` complains."""
        return self != Receivers()

    def words(self) -> Iterator[str]:
        """The options of `serinus alert` that say the same.

        >>> list(Receivers(alertmanager_urls=("http://am:9093",), labels={"team": "a"}).words())
        ['--alertmanager-url', 'http://am:9093', '--label', 'team=a']
        """
        for name, value in structs.asdict(self).items():
            flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
            if isinstance(value, dict):
                said = [f"{label}={text}" for label, text in value.items()]
            else:
                said = list(value) if isinstance(value, tuple) else [value]
            for one in said:
                if one is not None:
                    yield from (flag, one)
