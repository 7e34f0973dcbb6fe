"""Asks serve for a risk, as Argo Rollouts' web provider would."""

from __future__ import annotations

import urllib.parse
import urllib.request

import msgspec
from msgspec import Struct

from streams.records.times import rfc3339_s
from topology.errors import Unavailable

_TIMEOUT_S = 5.0


class Answer(Struct, frozen=True):
    """What the demo reads of an answer of `GET /v1/risk`."""

    workload: str
    verdict: str
    risk: float
    confidence: float
    exposure: dict[str, str | float]
    as_of: str
    decided_at: str
    reasons: list[str]
    report_url: str

    @property
    def as_of_s(self) -> float:
        """End of the last window judged, seconds since 1970; 0 while there is none."""
        return _seconds(self.as_of)

    @property
    def decided_at_s(self) -> float:
        """When the verdict became what it is, seconds since 1970; 0 while there is none."""
        return _seconds(self.decided_at)


class RiskClient:
    """One serve replica."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ready(self) -> bool:
        """Whether it has caught up."""
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=_TIMEOUT_S) as response:  # noqa: S310 - ours
                return bool(response.status == 200)
        except OSError:  # urllib's errors are such, too
            return False

    def risk(self, namespace: str, workload: str, baseline: str, canary: str) -> Answer:
        """The answer for one comparison.

        Raises:
            Unavailable: there is none.
        """
        query = urllib.parse.urlencode(
            {"namespace": namespace, "workload": workload, "baseline": baseline, "canary": canary}
        )
        try:
            with urllib.request.urlopen(f"{self.address}/v1/risk?{query}", timeout=_TIMEOUT_S) as response:  # noqa: S310 - ours
                return msgspec.json.decode(response.read(), type=Answer)
        except OSError as error:  # urllib's errors are such, too
            raise Unavailable(f"serve at {self.address} does not answer: {error}") from error


def _seconds(time: str) -> float:
    return rfc3339_s(time) if time else 0.0
