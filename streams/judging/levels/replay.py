"""How large are the deviations of a workload's own healthy pods, replayed as if they were canary and baseline?

Every ordered pair of units of the past (`history`) is compared as a canary and its baseline would be, at the same
checkpoints, by the same contrasts (`contrast`). That gives, per signal and checkpoint, the spread to standardise by,
and the distribution of S, the largest deviation over the whole life, whose tail is one p for the canary however often
it is looked at.

**Spread.** variance = (n0*s0^2 + k*q) / (n0 + k) + floor^2: q the mean square contrast over pairs, k = units - 1, s0
what the cluster's other workloads have (mean of their variances and of a prior guess of .35: pods of one revision
differ by a third), n0 = 4 + min(2, W/2) what it counts. The floor of .1 is what nobody minds. It is learned per
checkpoint: early means are noisier than late ones, and one spread for all of them lets the first minute set the size
of the largest deviation.

**Leave-out.** A pair is standardised by the spread without any pair that holds one of its two units, for its own
contrasts are in the spread otherwise and look smaller than a new canary's (in-sample at t4: 3.6% false at .01).

**Tail.** x = log(1 + S) of the replayed pairs; mean and variance shrunk to the cluster's as if it were two units (and
min(6, units/3) for the variance), the uncertainty of the mean added: `tail`. What is below the usual size does not
matter, hence 1 + S and not S, whose logarithm has a long *lower* tail that widens the upper one.

Source: judge-sketch.md (disjoint pods, leave-out, shrinkage); permutation of exchangeable units as in Romano & Wolf
2005 (max-statistics); simulations with their budgets in `tests/simulation/test_levels.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from streams.judging.levels.codes import from_bytes, to_bytes
from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.contrast import Groups, Levels, contrast, size, unevenness
from streams.judging.levels.history import FEWEST_UNITS, Comparable, aligned, common_blocks, comparable, runs
from streams.judging.levels.prior import LevelPrior, LevelSummary
from streams.judging.levels.resting import resting
from streams.judging.levels.scale import OFFSET_SHARE, Floats, LevelRule, Scales
from streams.judging.levels.tail import MOST_DF, Tail

Numbers = NDArray[np.intp]
SPREAD_GUESS, SPREAD_FLOOR = 0.35, 0.1
COUNT_SPREAD_GUESS = 2.0**0.5
"""On the `count` scale two Poisson numbers differ by this much."""
GUESS_UNITS = 4.0
SIZE_MEAN, SIZE_SD = 1.2, 0.35
"""log(1 + S) where nothing is known."""
GROUP_MEAN, GROUP_SD = 0.7, 0.35
"""The same of the largest mean deviation of one group, one way."""
SIZE_UNITS = 2.0


class Measure(Struct, array_like=True, frozen=True):
    """What a comparison with so many pods a side is measured by; frozen when it begins."""

    pods: int
    units: int
    spread: bytes
    """`<f4`, (blocks, 2, signals): of level and step contrasts."""
    typical: bytes
    """`<f4`, (blocks, signals): usual unevenness."""
    group_weight: list[float]
    """0: not judged with so many pods."""
    tail: Tail
    group_tails: list[Tail]
    """Of the largest mean deviation of each group."""


class Replayed(Struct, frozen=True):
    """One replay, before it is frozen."""

    measure: Measure
    variance: Floats
    """Of the last checkpoint, without the floor; (2, signals)."""
    sizes: Floats
    """log(1 + S) of each ordered pair."""


def offsets_of(cohorts: Sequence[LevelCohort], signals: Sequence[str]) -> tuple[Floats, Floats]:
    """A share of the mean level of each signal, and the largest; not a number and 0 where there is none."""
    total, count, largest = (np.zeros(len(signals)) for _ in range(3))
    for cohort in cohorts:
        levels, samples = aligned(cohort, signals, cohort.blocks)
        there = ~np.isnan(levels)
        total += np.where(there, levels * samples, 0.0).sum(axis=(0, 1))
        count += np.where(there, samples, 0.0).sum(axis=(0, 1))
        largest = np.maximum(largest, np.where(there, levels, 0.0).max(axis=(0, 1), initial=0.0))
    mean = np.divide(total, count, out=np.full(len(signals), np.nan), where=count > 0.0)
    return OFFSET_SHARE * mean, largest


def replay(
    found: Comparable,
    rules: Sequence[LevelRule],
    scales: Scales,
    groups: Groups,
    trusted: Floats,
    prior: LevelPrior,
) -> Replayed:
    """All pairs of the units against each other; at least `FEWEST_UNITS` that show every group."""
    units, full = found.units, found.full
    traces = [unit.trace(scales) for unit in units]
    all_ = Levels(*(np.stack(arrays) for arrays in zip(*traces, strict=True)))
    left, right = np.triu_indices(len(units), 1)
    one, other = (Levels(*(array[rows] for array in all_)) for rows in (left, right))
    uneven = unevenness(one.samples, other.samples)
    typical = _median(uneven)
    ahead, behind = contrast(one, other, typical, scales), contrast(other, one, typical, scales)
    variance, leave_out = _variances(ahead, behind, (left, right), len(units), _guess(rules, prior), prior.workloads)
    weight = groups.weight * found.judged
    whole = right < full
    spreads = np.sqrt(leave_out[whole] + SPREAD_FLOOR**2)
    z = np.concatenate([ahead[whole] / spreads, behind[whole] / spreads])
    sizes = np.log1p(size(groups.squares(z * trusted), weight).max(axis=1))
    grouped = np.nan_to_num(groups.means(z[..., 0, :]), nan=0.0).max(axis=1)
    measure = Measure(
        units[0].levels.shape[0],
        full,
        to_bytes(np.sqrt(variance + SPREAD_FLOOR**2), "<f4"),
        to_bytes(typical, "<f4"),
        weight.tolist(),
        _tail(sizes, full, prior),
        [_group_tail(np.log1p(np.maximum(column, 0.0)), full) for column in grouped.T],
    )
    return Replayed(measure, variance[-1], sizes)


def summarise(cohorts: Sequence[LevelCohort]) -> LevelSummary | None:
    """What these lend to other workloads; None while there are too few."""
    merged = merged_rules(cohorts)
    rests = resting(cohorts, merged).tolist()
    rules = [
        structs.replace(rule, group_weight=1.0) for rule, at_rest in zip(merged, rests, strict=True) if not at_rest
    ]
    signals = [rule.signal for rule in rules]
    scales = Scales(rules, *offsets_of(cohorts, signals))
    groups = Groups(rules, scales)
    blocks = common_blocks(cohorts, max((cohort.blocks for cohort in cohorts), default=0))
    found = comparable(runs(cohorts, signals, 1, blocks), groups)
    if not found.full:
        return None
    replayed = replay(found, rules, scales, groups, np.ones((1, 1, len(rules))), LevelPrior())
    spreads = {
        signal: (float(level), float(step))
        for signal, level, step in zip(signals, *replayed.variance, strict=True)
        if np.isfinite(level + step)
    }
    return LevelSummary(spreads, float(replayed.sizes.mean()), float(replayed.sizes.var()), found.full)


def merged_rules(cohorts: Sequence[LevelCohort]) -> list[LevelRule]:
    """The rules of all signals, the newest of each, sorted."""
    rules = {rule.signal: rule for cohort in cohorts for rule in cohort.rules}
    return [rules[signal] for signal in sorted(rules)]


def _guess(rules: Sequence[LevelRule], prior: LevelPrior) -> Floats:
    """Variances to begin with; (2, signals)."""
    guess = np.empty((2, len(rules)))
    for number, rule in enumerate(rules):
        own = COUNT_SPREAD_GUESS if rule.scale == "count" else SPREAD_GUESS
        level, step, workloads = prior.spreads.get(rule.signal, (0.0, 0.0, 0))
        guess[:, number] = (own**2 + level) / (1 + workloads), (own**2 + step) / (1 + workloads)
    return guess


def _variances(
    ahead: Floats, behind: Floats, pairs: tuple[Numbers, Numbers], units: int, guess: Floats, workloads: int
) -> tuple[Floats, Floats]:
    """Of all pairs, (blocks, 2, signals), and for each pair without those that share a unit with it, (pairs, ...)."""
    left, right = pairs
    squares = 0.5 * (ahead**2 + behind**2)
    there = (~np.isnan(squares)).astype(float)
    squares = np.where(there > 0.0, squares, 0.0)
    sums = np.stack([squares, there])
    total = sums.sum(axis=1)
    by_unit = np.zeros((2, units, *squares.shape[1:]))
    for number in range(units):
        by_unit[:, number] = sums[:, (left == number) | (right == number)].sum(axis=1)
    rest = total[:, None] - by_unit[:, left] - by_unit[:, right] + sums
    return _shrunk(total, guess, workloads), _shrunk(np.maximum(rest, 0.0), guess, workloads)


def _shrunk(sums: Floats, guess: Floats, workloads: int) -> Floats:
    """Variances shrunk to the guess; `sums` are of squares and of pairs; k + 1 units have (k + 1)*k/2 of these."""
    worth = GUESS_UNITS + min(2.0, workloads / 2.0)
    squares, pairs = sums[0], np.rint(sums[1])
    k = np.where(pairs > 0.0, 0.5 * (np.sqrt(1.0 + 8.0 * pairs) - 1.0), 0.0)
    shrunk: Floats = (worth * guess + k * squares / np.maximum(pairs, 1.0)) / (worth + k)
    return shrunk


def _median(values: Floats) -> Floats:
    """Over the first axis, of what is there; not a number where there is nothing."""
    ordered = np.sort(values, axis=0)
    count = (~np.isnan(values)).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    pick = [np.take_along_axis(ordered, np.minimum(at, len(ordered) - 1)[None], axis=0)[0] for at in (low, high)]
    return np.where(count > 0, 0.5 * (pick[0] + pick[1]), np.nan)


def _tail(sizes: Floats, units: int, prior: LevelPrior) -> Tail:
    """Of the largest deviation of a canary, given those of the pairs."""
    borrowed = min(6.0, prior.units / 3.0)
    mean = (SIZE_UNITS * SIZE_MEAN + prior.mean) / (SIZE_UNITS + prior.workloads)
    variance = (SIZE_UNITS * SIZE_SD**2 + prior.variance) / (SIZE_UNITS + prior.workloads)
    return _fitted(sizes, units, mean, variance, SIZE_UNITS + borrowed)


def _group_tail(sizes: Floats, units: int) -> Tail:
    return _fitted(sizes, units, GROUP_MEAN, GROUP_SD**2, SIZE_UNITS)


def _fitted(sizes: Floats, units: int, mean: float, variance: float, worth: float) -> Tail:
    own = float(sizes.var())
    centre = (SIZE_UNITS * mean + units * float(sizes.mean())) / (SIZE_UNITS + units)
    spread = (worth * variance + units * own) / (worth + units)
    df = min(worth + units, MOST_DF)
    return Tail(centre, float(np.sqrt(spread * (1.0 + 1.0 / (SIZE_UNITS + units)))), df)


def measures(
    cohorts: Sequence[LevelCohort],
    rules: Sequence[LevelRule],
    scales: Scales,
    trusted: Floats,
    prior: LevelPrior,
    blocks: int,
) -> list[Measure]:
    """What comparisons are measured by, for each number of pods a side that the past can show; ascending."""
    found = []
    groups = Groups(rules, scales)
    signals = [rule.signal for rule in rules]
    for pods in (1, 2, 4):
        units = comparable(runs(cohorts, signals, pods, blocks), groups)
        if units.full >= FEWEST_UNITS:
            found.append(replay(units, rules, scales, groups, trusted, prior).measure)
    return found


def unpack(measure: Measure, blocks: int, signals: int) -> tuple[Floats, Floats]:
    """Spread, (blocks, 2, signals), and typical unevenness, (blocks, signals)."""
    return (
        from_bytes(measure.spread, "<f4", (blocks, 2, signals)),
        from_bytes(measure.typical, "<f4", (blocks, signals)),
    )
