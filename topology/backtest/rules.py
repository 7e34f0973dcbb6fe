"""By what rules is a backtest judged? Those of score and ingest, but for what the command line says."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, structs

from streams.errors import BadPolicy
from streams.judging.settings import JudgeSettings
from streams.windows.summary import Limits
from streams.workload import WorkloadSettings
from topology.recording.cases import Case


class Rules(Struct, frozen=True):
    """What every case is replayed by."""

    life: WorkloadSettings = WorkloadSettings()
    limits: Limits = Limits(signatures=1000, series=2000)
    """Of a revision in one window; ingest's defaults."""
    planned_by_case: bool = True
    """A case was planned to take as long as it took, where `life` does not say how long a rollout takes."""

    def life_of(self, case: Case) -> WorkloadSettings:
        """The settings of one case."""
        judge = self.life.judge
        if judge.lifetime_ns is not None or not self.planned_by_case:
            return self.life
        return structs.replace(self.life, judge=structs.replace(judge, lifetime_ns=case.end_ns - case.start_ns))


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
