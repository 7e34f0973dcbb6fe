"""What of a comparison whose baseline is not heard, or no longer: is it the right hash, or is its shipper away?"""

from __future__ import annotations

from streams.risk.comparison import Comparison

_SILENT_NS = 60_000_000_000
"""Longer than a pod is silent that is there, with the usual intervals."""


def unheard(comparison: Comparison, canary_from_ns: int, as_of_ns: int | None) -> tuple[str, ...]:
    """A sentence, once the canary has been seen without the baseline that was named; nothing before.

    >>> unheard(Comparison("", "prod", "shop", "5d5", "6f8"), 1_000_000_000, 61_000_000_000)[0][:56]
    'nothing of the baseline 5d5 has been seen, whereas the c'
    """
    if comparison.is_alone or not canary_from_ns or as_of_ns is None or as_of_ns <= canary_from_ns:
        return ()
    sentence = (
        f"nothing of the baseline {comparison.baseline} has been seen, whereas the canary {comparison.canary} is there"
        f" since {(as_of_ns - canary_from_ns) / 1e9:.0f} s: is the hash right, and do its records carry it?"
    )
    return (sentence,)


def silent(comparison: Comparison, without_baseline_ns: int) -> tuple[str, ...]:
    """A sentence, once the baseline has been silent for long beside its canary; nothing before.

    >>> silent(Comparison("", "prod", "shop", "5d5", "6f8"), 240_000_000_000)[0][:44]
    'nothing of the baseline 5d5 has come for 240'
    """
    if without_baseline_ns < _SILENT_NS:
        return ()
    sentence = (
        f"nothing of the baseline {comparison.baseline} has come for {without_baseline_ns / 1e9:.0f} s, whereas the"
        f" canary {comparison.canary} is there: was it promoted, or do the baseline's records not come?"
    )
    return (sentence,)
