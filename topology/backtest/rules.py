"""By what rules is a backtest judged? Those of score and ingest, but for what the command line says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, structs

from streams.judging.settings import JudgeSettings
from streams.policy.effective import effective
from streams.policy.policy_file import PolicyFile
from streams.policy.workload_policy import WorkloadPolicy
from streams.windows.log_fields import LogField, fields_of
from streams.windows.summary import Limits
from streams.workload.state import WorkloadSettings
from topology import policy_file
from topology.recording.cases import Case


class Rules(Struct, frozen=True):
    """What every case is replayed by."""

    life: WorkloadSettings = WorkloadSettings(sight_ns=0)
    """A case says itself when its comparison begins and ends."""
    limits: Limits = Limits()
    """Of a revision in one window; ingest's defaults."""
    policy: PolicyFile = PolicyFile()
    """Says what holds for which workload; may say nothing."""
    alpha: float | None = None
    """For all, whatever the policy says."""
    beta: float | None = None
    """The same."""
    log_fields: tuple[LogField, ...] = ()
    """Of JSON lines that are signals, as ingest is told."""
    planned_by_case: bool = True
    """A case was planned to take as long as it took, where no policy says how long a rollout takes."""

    def policy_of(self, case: Case) -> WorkloadPolicy:
        """What holds for one case."""
        policy = effective(self.policy, case.workload)
        lifetime_ns = case.end_ns - case.start_ns if self.planned_by_case else None
        return structs.replace(
            policy,
            alpha=policy.alpha if self.alpha is None else self.alpha,
            beta=policy.beta if self.beta is None else self.beta,
            lifetime_ns=lifetime_ns if policy.lifetime_ns is None else policy.lifetime_ns,
        )


def rules_of(policy: Path | None, alpha: float | None, beta: float | None, log_fields: Sequence[str] = ()) -> Rules:
    """The rules that the command line asks for.

    Raises:
        BadPolicy: they cannot be followed.
    """
    usual = JudgeSettings()
    structs.replace(  # refused now, not at the first case
        usual, alpha=usual.alpha if alpha is None else alpha, beta=usual.beta if beta is None else beta
    )
    fields = fields_of(log_fields)
    found = PolicyFile() if policy is None else policy_file.load(policy)
    return Rules(policy=found, alpha=alpha, beta=beta, log_fields=fields)
