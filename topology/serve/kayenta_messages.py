"""What Argo's kayenta provider sends and reads (argo-rollouts, metricproviders/kayenta/kayenta.go), and our run's id.

A run has no state with us: its id holds all of it, so that any replica answers for it, also after a restart.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from streams.risk.comparison import ClusterName, HashValue, ObjectName
from streams.shippers.faults import DECODE_FAULTS

MOST_SCOPES = 10

Threshold = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
"""Of scores, which go from 0 to 100; whatever fits into 32 bits has an answer."""


class CanaryConfig(Struct, frozen=True, rename="camel"):
    """One line of the list of canary configs."""

    id: str
    name: str
    updated_timestamp: int = 0
    """Milliseconds since 1970."""
    updated_timestamp_iso: str = "1970-01-01T00:00:00Z"
    applications: tuple[str, ...] = ()


class ScopeRequest(Struct, frozen=True):
    """Where and when one side is looked at."""

    scope: str
    location: str = ""
    """`region` of the template; it only tells apart what has the same hashes, as a namespace."""
    start: Annotated[datetime, Meta(tz=True)] | None = None
    end: Annotated[datetime, Meta(tz=True)] | None = None


class ScopePair(Struct, frozen=True, rename="camel"):
    """Both sides."""

    control_scope: ScopeRequest
    experiment_scope: ScopeRequest


class Thresholds(Struct, frozen=True):
    """From which score on the run passes, and from which it is marginal."""

    passing: Threshold = field(name="pass", default=75)
    marginal: Threshold = 50


class RunRequest(Struct, frozen=True):
    """The body of `POST /kayenta/canary/{id of the config}`."""

    scopes: Annotated[dict[str, ScopePair], Meta(min_length=1, max_length=MOST_SCOPES)]
    thresholds: Thresholds = Thresholds()


class RunBegun(Struct, frozen=True, rename="camel"):
    """The answer to it."""

    canary_execution_id: str


class Pair(Struct, frozen=True, array_like=True):
    """One scope's pair as it was asked for; names left out are looked up by the hashes."""

    baseline: HashValue
    canary: HashValue
    cluster: ClusterName = ""
    namespace: ObjectName | None = None
    workload: ObjectName | None = None
    app_hint: str = ""
    namespace_hint: str = ""


class Run(Struct, frozen=True, array_like=True):
    """All there is to know of a run."""

    version: Literal[1]
    config: str
    passing: Threshold
    marginal: Threshold
    until_s: float
    """From then on it ends without a verdict; seconds since 1970."""
    pairs: Annotated[list[Pair], Meta(max_length=MOST_SCOPES)] = []
    fault: str = ""
    """Why it cannot be judged at all."""

    @property
    def id(self) -> str:
        """Its canaryExecutionId, safe in a path."""
        return base64.urlsafe_b64encode(_encode(self)).decode().rstrip("=")

    @classmethod
    def from_id(cls, text: str) -> Run | None:
        """The run of an id; None for a text that no replica of ours has made."""
        try:
            run = _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError, *DECODE_FAULTS):
            return None
        return run if run.pairs or run.fault else None


class Score(Struct, frozen=True, rename="camel"):
    """The score that Argo holds against the thresholds, and in words why."""

    score: int
    classification: Literal["Pass", "Marginal", "Fail"]
    classification_reason: str


class JudgeResult(Struct, frozen=True, rename="camel"):
    """What the judge says."""

    judge_name: str
    score: Score


class Result(Struct, frozen=True, rename="camel"):
    """What a run found."""

    judge_result: JudgeResult


class RunStatus(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `GET /kayenta/canary/{id of the run}`."""

    complete: bool
    status: Literal["running", "succeeded"]
    report_url: str
    """Ours, beside what Kayenta has."""
    result: Result | None = None
    """Once complete."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Run).decode
