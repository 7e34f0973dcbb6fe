"""What of a workload finds no place within our limits, and so cannot be judged? Sentences with numbers."""

from __future__ import annotations

from collections.abc import Mapping

from streams.judging.pod_window import SERIES_PER_POD
from streams.judging.presence import PresenceState
from streams.judging.reasons import listed
from streams.signals.catalogue import (
    SERIES_PER_WORKLOAD,
    SIGNALS_PER_WORKLOAD,
    UNREAD_KNOWN,
    CatalogueState,
)
from streams.signals.rule import SignalRule


def unseen(catalogue: CatalogueState, sides: Mapping[str, PresenceState | None]) -> list[str]:
    """Series and signals that found no place.

    Args:
        catalogue: of the workload.
        sides: `baseline` and `canary`; None for one that is not there.
    """
    found = []
    if catalogue.unread_series:
        number = len(catalogue.unread_series)
        least = "at least " if number >= UNREAD_KNOWN else ""
        found.append(
            f"cannot judge: {least}{number} series found no place within {SERIES_PER_WORKLOAD} of the workload"
        )
    if catalogue.left_out:
        number = len(catalogue.left_out)
        least = "at least " if number >= SIGNALS_PER_WORKLOAD else ""
        found.append(
            f"cannot judge: {least}{number} signals found no place within {SIGNALS_PER_WORKLOAD} of the workload"
            f" ({listed(catalogue.left_out)})"
        )
    for name, side in sides.items():
        if side is not None and side.most_unfollowed:
            found.append(
                f"cannot judge: {side.most_unfollowed} series of the {name} in one window found no place within"
                f" {SERIES_PER_POD} counters of a pod"
            )
    return found


def not_zero(rules: Mapping[str, SignalRule]) -> list[str]:
    """Signals of which a policy takes missing data for zero, and that are no counters."""
    names = sorted(name for name, rule in rules.items() if rule.missing_data == "zero" and rule.kind != "events")
    if not names:
        return []
    return [f"missing_data: zero holds for counters only, so that what is missing is not judged of {listed(names)}"]
