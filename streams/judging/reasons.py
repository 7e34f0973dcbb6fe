"""Why is the risk what it is? Sentences with numbers, for a person; most important first.

The numbers are those of the judged windows. Texts of signatures are cut, and so is the number of sentences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from streams.judging.combine import progress
from streams.judging.evidence import Exposure, Verdict
from streams.judging.exposure import ExposureState
from streams.judging.settings import BY_REQUESTS, LOG_SIGNALS, JudgeSettings
from streams.judging.side import SignatureInfo
from streams.judging.signal import Signal
from streams.judging.tallies import Tallies, counted_as, ranked
from streams.policy.counted import REQUESTS
from streams.windows.secrets import without_secrets

_MAX_TEXT = 160
_MAX_SIGNATURES = 3
"""Sentences per log class."""
_MAX_SENTENCES = 8
_MOST_LISTED = 5
"""Names in a sentence."""
WORTH_SAYING = 0.1
"""Least own progress towards FAIL of a signal that is named while nothing is decided."""


def number(value: float) -> str:
    """A number as a person reads it.

    >>> number(5200.4), number(14.0), number(0.0213), number(3e16), number(99.6)
    ('5,200', '14', '0.021', '3e+16', '100')
    """
    if value >= 1e12:
        return f"{value:.0e}"
    if value == round(value) or value >= 99.5:
        return f"{value:,.0f}"
    return f"{value:.2g}"


def e_value(log_e: float) -> str:
    """E from its natural logarithm, also where it would overflow.

    >>> e_value(math.log(5200)), e_value(500.0)
    ('5,200', '1e+217')
    """
    return number(math.exp(log_e)) if log_e < math.log(1e6) else f"1e+{math.floor(log_e / math.log(10)):02d}"


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are.

    >>> listed(["a", "b"]), listed("abcdefg")
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    shown = ", ".join(names[:_MOST_LISTED])
    return shown if len(names) <= _MOST_LISTED else f"{shown} and {len(names) - _MOST_LISTED} more"


def in_words(names: Sequence[str]) -> str:
    """All of them.

    >>> in_words(["a"]), in_words(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


class Reason(Struct, frozen=True, gc=False):
    """A sentence and how much it weighs."""

    progress: float
    """0..1: how far what it tells of has come to failing the canary by itself."""
    sentence: str | Callable[[], str]
    """Or what makes it: of hundreds of signals few are told of."""

    @property
    def told(self) -> str:
        """The sentence."""
        return self.sentence if isinstance(self.sentence, str) else self.sentence()


def ranked_sentences(reasons: Sequence[Reason], verdict: Verdict) -> list[str]:
    """What speaks against the canary, worst first; of a canary that failed at least the worst."""
    ordered = sorted(reasons, key=lambda reason: -reason.progress)
    said = [reason.told for reason in ordered[:_MAX_SENTENCES] if reason.progress >= WORTH_SAYING]
    if verdict != "fail":
        return said
    if ordered and ordered[0].progress < 1.0:
        said.append("no signal fails by itself; all of its part together do")
    return (said or [reason.told for reason in ordered[:1]])[:_MAX_SENTENCES]


def count_reasons(
    signals: Sequence[Signal],
    own: Callable[[Signal], float],
    log_e: Callable[[Signal], float],
    tallies: Tallies,
    exposure: ExposureState,
    signatures: Mapping[int, SignatureInfo],
    at_one_pod: str,
) -> list[Reason]:
    """What counted signals say against the canary, each with the events that explain it best.

    Args:
        signals: all of them.
        own: how far each has come to failing the canary by itself.
        log_e: log of the E of each that is decided by.
        tallies: of signatures.
        exposure: of both sides.
        signatures: texts.
        at_one_pod: why E of the logs is less than their counts say; empty where it is not.
    """
    found: list[Reason] = []
    for signal in sorted(signals, key=lambda signal: (-own(signal), signal.rule.signal)):
        tag = f"{signal.rule.signal}, E = {e_value(log_e(signal))}"
        is_requests = signal.rule.signal == REQUESTS
        tag = f"({tag}: {at_one_pod})" if at_one_pod and not is_requests else f"({tag})"
        if is_requests:
            sentences = [_failed_requests(signal, exposure, tag)]
        else:
            sentences = _signatures(signal, tallies, exposure, signatures, tag)
        found += [Reason(own(signal), sentence) for sentence in sentences]
    return found


def _failed_requests(signal: Signal, exposure: ExposureState, own: str) -> str:
    canary, baseline = signal.state.canary, signal.state.baseline
    return (
        f"{number(canary)} of {number(exposure.canary_requests)} requests failed"
        f" against {number(baseline)} of {number(exposure.baseline_requests)} {own}"
    )


def _signatures(
    signal: Signal, tallies: Tallies, exposure: ExposureState, signatures: Mapping[int, SignatureInfo], own: str
) -> list[str]:
    in_requests = exposure.request_bins > 9 * (exposure.pod_bins + exposure.fallback_bins)
    unit = "requests" if in_requests else "pod-seconds"
    canary_exposure = number(exposure.canary_requests if in_requests else exposure.canary_pod_s)
    baseline_exposure = number(exposure.baseline_requests if in_requests else exposure.baseline_pod_s)
    log_class = next(name for name, one in LOG_SIGNALS.items() if one == signal.rule.signal)
    mine = counted_as(log_class, tallies)
    telling = [known for known in ranked(mine) if mine[known].contribution > 0.0]
    telling = sorted(telling, key=lambda known: says_nothing(known, signatures))[:_MAX_SIGNATURES]
    if not telling:
        counts = number(signal.state.canary), number(signal.state.baseline)
        return [f"{counts[0]} incidents in {canary_exposure} {unit} against {counts[1]} in {baseline_exposure} {own}"]
    return [
        f"`{signature_text(known, signatures)}` {number(mine[known].canary)} times in {canary_exposure} {unit}"
        f" against {number(mine[known].baseline)} in {baseline_exposure} {own}"
        for known in telling
    ]


def says_nothing(known: int, signatures: Mapping[int, SignatureInfo]) -> bool:
    """Whether it is the first line of a Python traceback that came line by line: its last line names the exception."""
    info = signatures.get(known)
    return info is not None and info.text == "Traceback (most recent call last):"


def signature_text(known: int, signatures: Mapping[int, SignatureInfo]) -> str:
    """What a signature id stands for, cut, on one line and without secrets; its number where nobody knows."""
    info = signatures.get(known)
    text = f"signature {known}" if info is None else " ".join(without_secrets(info.text).replace("`", "'").split())
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def pass_reason(required: Sequence[Signal], beside: Sequence[str], exposure: Exposure, beta: float) -> str:
    """Why it passed.

    Args:
        required: the counts that it rests on.
        beside: the parts without counts that it rests on.
        exposure: of both sides.
        beta: what it is shown at.
    """
    unit = {"requests": "requests", "pod_seconds": "pod-seconds", "log_lines": "log lines"}[exposure.unit]
    counts = (
        f"{signal.rule.signal} {number(signal.state.canary)} against {number(signal.state.baseline)}"
        for signal in sorted(required, key=lambda signal: signal.rule.signal)
    )
    found = "; ".join((*counts, *(f"the {part}" for part in beside)))
    return (
        f"no signal is worse than tolerated, shown at {100 * beta:g}% in {number(exposure.canary)} {unit}"
        f" against {number(exposure.baseline)}: {found}"
    )


def part_shown(who: str, confidence: float) -> str:
    """How much is there of what a PASS takes, rounded down: what is missing is never told as all of it.

    >>> part_shown("the levels are", 0.305), part_shown("the levels are", 0.997)[:20]
    ('cannot tell yet: 30% of the evidence that the levels are no worse is there', 'cannot tell yet: 99%')
    """
    return f"cannot tell yet: {math.floor(100 * confidence)}% of the evidence that {who} no worse is there"


def missing_reasons(required: Sequence[Signal], exposure: ExposureState, settings: JudgeSettings) -> list[str]:
    """Why nothing can be told yet: which exposure or which signal is missing, and how much."""
    sentences: list[str] = []
    by_requests = settings.exposure == "requests" or (exposure.source is not None and settings.exposure in BY_REQUESTS)
    if by_requests:
        least, sides, unit = (
            settings.minimum_requests,
            (exposure.canary_requests, exposure.baseline_requests),
            "requests",
        )
    else:
        least, sides, unit = settings.minimum_pod_s, (exposure.canary_pod_s, exposure.baseline_pod_s), "pod-seconds"
    for name, value in zip(("canary", "baseline"), sides, strict=True):
        if value < least:
            sentences.append(f"cannot tell yet: the {name} has had {number(value)} of at least {number(least)} {unit}")
    goal = -math.log(settings.beta)
    open_signals = [signal for signal in required if signal.state.not_worse < goal]
    if open_signals:
        signal = min(open_signals, key=lambda signal: (signal.state.not_worse, signal.rule.signal))
        floors = signal.floors_needed(goal)
        pod_s, requests = floors / signal.rule.floor_per_pod_s, floors / signal.rule.floor_per_request
        wants = [f"{number(math.ceil(requests))} requests"] if by_requests or signal.rule.signal == REQUESTS else []
        wants += [f"{number(math.ceil(pod_s))} pod-seconds"] if signal.rule.signal != REQUESTS else []
        sentences.append(
            f"{part_shown(f'{signal.rule.signal} is', progress(signal.state.not_worse, settings.beta))};"
            f" about {' and '.join(wants)} more of the canary without an event would do"
        )
    return sentences
