"""By what rules is a backtest judged? Those of score and ingest, but for what the command line says."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from streams.errors import BadPolicy
from streams.judging.settings import JudgeSettings
from streams.windows.summary import Limits
from streams.workload import WorkloadSettings


class Rules(Struct, frozen=True):
    """What every case is replayed by."""

    life: WorkloadSettings = WorkloadSettings()
    limits: Limits = Limits(signatures=1000, series=2000)
    """Of a revision in one window; ingest's defaults."""


def rules_of(policy: Path | None, alpha: float | None, beta: float | None) -> Rules:
    """The rules that the command line asks for.

    Raises:
        BadPolicy: they cannot be followed.
    """
    if policy is not None:
        raise BadPolicy("--policy", str(policy), "policies cannot be read yet")
    usual = JudgeSettings()
    judge = JudgeSettings(
        alpha=usual.alpha if alpha is None else alpha,
        beta=usual.beta if beta is None else beta,
    )
    return Rules(WorkloadSettings(judge=judge))
