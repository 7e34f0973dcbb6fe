"""What do low, medium and high sensitivity change?

The words are Autopilot's (whose default is high; its numbers are not public), the numbers ours:

- `medium` is what Serinus does when nothing is set; `policy.counted` says how its numbers were chosen.
- `high` tolerates 10%, Autopilot's default threshold up and down, and lets warnings weigh more than half as much as
  errors.
- `low` tolerates twice as much as medium, and of the log classes in effect listens to critical ones only.

The weights of one row sum to 1: they share out what the logs have of alpha, so sensitivity moves weight between classes
and takes nothing from other signals. A class that is worse by itself needs an e-value of 1/(weight*alpha) for the
logs' own alpha; where that is .01, for critical, error, warning: low 130, 400, 33,000; medium 190, 220, 3,300; high
250, 280, 420.
"""

from __future__ import annotations

from msgspec import Struct

from streams.policy.written import Sensitivity


class SensitivityRow(Struct, frozen=True):
    """One row of the table."""

    critical: float
    """Weight of critical log events among the log classes."""
    error: float
    """Weight of errors."""
    warning: float
    """Weight of warnings."""
    tolerance_factor: float
    """Of every tolerance that no policy sets: that of the built-in rules and the general one of 20%."""


SENSITIVITIES: dict[Sensitivity, SensitivityRow] = {
    "low": SensitivityRow(0.75, 0.247, 0.003, 2.0),
    "medium": SensitivityRow(0.52, 0.45, 0.03, 1.0),
    "high": SensitivityRow(0.40, 0.36, 0.24, 0.5),
}
