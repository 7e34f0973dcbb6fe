"""Whom `serinus run` has told of alarms: what its child, `serinus alert`, is given."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, structs

from topology.options import label_values
from topology.settings import AlertSettings, Kafka

_SEVERAL = {"alertmanager_urls": "--alertmanager-url", "labels": "--label"}
"""Fields whose option may be given more than once."""


class Receivers(Struct, frozen=True, kw_only=True):
    """Fields as those of `AlertSettings`, as words."""

    alertmanager_urls: tuple[str, ...] = ()
    alertmanager_token_file: str | None = None
    webhook_url: str | None = None
    webhook_secret_file: str | None = None
    webhook_token_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    labels: tuple[str, ...] = ()
    """NAME=VALUE."""

    @property
    def named(self) -> bool:
        """Something was said of them; where it names nobody, `check` complains."""
        return self != Receivers()

    def check(self, kafka: Kafka, public_url: str | None) -> None:
        """Let the settings of `alert` speak.

        Raises:
            BadPolicy: they cannot be followed.
        """
        told = structs.asdict(self)
        labels = label_values(told.pop("labels"))
        AlertSettings(kafka, labels=labels, public_url=public_url, **told)

    def words(self) -> Iterator[str]:
        """The options; secrets stand in files alone.

        >>> list(Receivers(alertmanager_urls=("http://am:9093",), ca_file="ca.pem").words())
        ['--alertmanager-url', 'http://am:9093', '--ca-file', 'ca.pem']
        """
        for name, value in structs.asdict(self).items():
            flag = _SEVERAL.get(name, f"--{name.replace('_', '-')}")
            for one in value if isinstance(value, tuple) else (value,):
                if one is not None:
                    yield from (flag, one)
