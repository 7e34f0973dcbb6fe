"""What does a comparison take from its workload's past when it begins?

Everything it will be measured by: which signals and groups are judged, on which scales, at which checkpoints, with
which spreads and tails, and which share of the part's alpha each mechanism has. Frozen then, so that a comparison that
is stopped and taken up again, with another past by now, goes on to the bit.

Shares: the replay where the past has three units or more; `long_run` needs two hundred samples a pod for its
difference and its slope, and gives a tenth to each where the plan is long enough for that, half where there is no
replay. All of it is known before the first sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from streams.judging.levels.checkpoints import BLOCK_ENDS, checkpoints
from streams.judging.levels.codes import from_bytes, to_bytes
from streams.judging.levels.cohort import MOST_SIGNALS
from streams.judging.levels.contrast import Groups
from streams.judging.levels.history import FEWEST_UNITS, aligned, common_blocks
from streams.judging.levels.past import LevelPast
from streams.judging.levels.prior import LevelPrior
from streams.judging.levels.replay import Measure, measures, merged_rules, offsets_of
from streams.judging.levels.resting import resting, trust
from streams.judging.levels.scale import Floats, LevelRule, Scales, level_rule
from streams.judging.reasons import listed
from streams.signals.rule import SignalRule

FEWEST_SAMPLES = 200
"""Of one pod in the whole comparison, for `long_run`: ten blocks of twenty."""
LONG_SHARE = 0.1
USUAL_SCRAPE_NS = 60_000_000_000
"""The slowest usual scrape interval: a share of alpha given to what cannot speak is lost to the other parts."""


class LevelReference(Struct, array_like=True, frozen=True):
    """Frozen when the comparison begins."""

    rules: list[LevelRule] = []
    """Of the signals that the past knows, sorted by name."""
    offsets: bytes = b""
    """`<f8`, (signals,)."""
    largest: bytes = b""
    """`<f8`, (signals,)."""
    ends: list[int] = []
    """Last window of each block that is replayed."""
    planned_windows: int = 0
    measures: list[Measure] = []
    """Ascending by pods; empty without enough history."""
    cohorts: int = 0
    """Of the past."""
    replay_share: float = 0.0
    long_share: float = 0.0
    """Of the difference in `long_run`, and the same of its slope."""
    usual: bytes = b""
    """`<f8`, (blocks, signals): the most samples that a pod of the past brought in that block; empty: not known."""
    rests: list[bool] = []
    """Which signals rest (`resting`); empty: of none it is known."""
    trust: bytes = b""
    """`<f4`, (blocks, 2, signals), see `resting.trust`; empty: 1, as where no signal rests."""

    @property
    def scales(self) -> Scales:
        """Of the signals."""
        shape = (len(self.rules),)
        offsets, largest = from_bytes(self.offsets, "<f8", shape), from_bytes(self.largest, "<f8", shape)
        return Scales(self.rules, offsets, largest, np.array(self.rests, dtype=bool) if self.rests else None)

    @property
    def groups(self) -> Groups:
        """Of the signals."""
        return Groups(self.rules, self.scales)


def freeze(
    past: LevelPast, prior: LevelPrior, rules: Mapping[str, SignalRule], planned_windows: int, window_ns: int
) -> LevelReference:
    """What a comparison that begins now is measured by.

    Args:
        past: of the workload.
        prior: of the cluster's other workloads.
        rules: by signal; where one is missing, that of the past holds.
        planned_windows: length of the comparison.
        window_ns: length of a window.
    """
    own = [level_rule(rules[rule.signal]) if rule.signal in rules else rule for rule in merged_rules(past.cohorts)][
        :MOST_SIGNALS
    ]
    signals = [rule.signal for rule in own]
    offsets, largest = offsets_of(past.cohorts, signals)
    rests = resting(past.cohorts, own)
    offsets = np.where(rests, 0.0, offsets)
    scales = Scales(own, offsets, largest, rests)
    ends = checkpoints(planned_windows)
    blocks = common_blocks(past.cohorts, len(ends))
    samples = _usual(past, signals, blocks)
    trusted = trust(rests, samples, ends[blocks - 1] + 1, window_ns) if blocks else np.ones((0, 2, len(own)))
    found = measures(past.cohorts, own, scales, trusted, prior, blocks) if blocks else []
    long = _is_long(past, planned_windows, window_ns)
    both = 2 * LONG_SHARE * long
    return LevelReference(
        own,
        to_bytes(offsets, "<f8"),
        to_bytes(largest, "<f8"),
        list(ends[:blocks]),
        planned_windows,
        found,
        len(past.cohorts),
        1.0 - both if found else 0.0,
        (LONG_SHARE if found else 0.5) * long,
        to_bytes(samples, "<f8"),
        rests.tolist(),
        to_bytes(trusted, "<f4") if rests.any() else b"",
    )


def _usual(past: LevelPast, signals: Sequence[str], blocks: int) -> Floats:
    """The most samples of one pod, (blocks, signals)."""
    usual = np.zeros((blocks, len(signals)))
    for cohort in past.cohorts:
        if cohort.blocks >= blocks:
            usual = np.maximum(usual, aligned(cohort, signals, blocks)[1].max(axis=0, initial=0.0))
    return usual


def _is_long(past: LevelPast, planned_windows: int, window_ns: int) -> bool:
    """Whether a pod will bring enough samples, by what the past brought; one a minute where there is none."""
    if not past.cohorts:
        return planned_windows * window_ns >= FEWEST_SAMPLES * USUAL_SCRAPE_NS
    newest = past.cohorts[-1]
    samples = np.frombuffer(newest.samples, dtype="<u2").reshape(newest.shape)
    return bool(
        samples.sum(axis=1, dtype=np.int64).max(initial=0) * _stretch(newest.blocks, planned_windows) >= FEWEST_SAMPLES
    )


def _stretch(blocks: int, planned_windows: int) -> float:
    """How much longer the plan is than so many blocks."""
    lasted = BLOCK_ENDS[blocks - 1] + 1
    return planned_windows / lasted


def no_history(reference: LevelReference, signals: Sequence[str]) -> list[str]:
    """Sentences: what cannot be replayed, and why."""
    if not reference.measures and not signals:
        return ["levels: no pod has reported a level that counts"]
    if not reference.measures:
        only = "; only what lasts for hours is judged" if reference.long_share > 0.0 else ""
        needed = f"{len(signals)} signals, {FEWEST_UNITS} are needed{only}"
        return [f"levels: {reference.cohorts} earlier rollouts for {needed}"]
    known = {rule.signal for rule in reference.rules}
    new = sorted(set(signals).difference(known))
    judged = np.max([measure.group_weight for measure in reference.measures], axis=0)
    groups = [name for name, weight in zip(reference.groups.names, judged, strict=True) if weight <= 0.0]
    return [
        *([f"levels: no history of {listed(new)}"] if new else []),
        *([f"levels: too little history of the groups {listed(groups)}"] if groups else []),
    ]
