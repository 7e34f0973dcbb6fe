"""What do low, medium and high sensitivity change?

The words are Autopilot's (whose default is high; its numbers are not public), the numbers ours:

- `medium` is what Serinus does when nothing is set; `judging.settings` says how its numbers were chosen.
- `high` tolerates 10%, Autopilot's default threshold up and down, and lets warnings weigh half as much as errors.
- `low` tolerates twice as much as medium, and of the log classes in effect listens to critical ones only.

The log classes share what requests leave to them (0.67) in every row, so that sensitivity moves weight between classes
and never takes from the error requests. A class that is worse by itself needs an e-value of 1/(weight*alpha), at alpha
.01 for critical, error, warning: low 190, 650, 50,000; medium 290, 330, 5,000; high 360, 380, 770.
"""

from __future__ import annotations

from msgspec import Struct

from streams.policy.written import Sensitivity

CRITICAL, ERROR, WARNING, REQUESTS = "log/critical", "log/error", "log/warning", "requests/error"
REQUESTS_WEIGHT = 0.33


class SensitivityRow(Struct, frozen=True):
    """One row of the table."""

    critical: float
    """Weight of critical log events in the combined e-value."""
    error: float
    """Weight of errors."""
    warning: float
    """Weight of warnings."""
    tolerance_factor: float
    """Of every tolerance that no policy sets: that of the built-in rules and the general one of 20%."""


SENSITIVITIES: dict[Sensitivity, SensitivityRow] = {
    "low": SensitivityRow(0.515, 0.153, 0.002, 2.0),
    "medium": SensitivityRow(0.35, 0.30, 0.02, 1.0),
    "high": SensitivityRow(0.28, 0.26, 0.13, 0.5),
}
