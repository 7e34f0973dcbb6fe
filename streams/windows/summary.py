"""What one revision did in one window, as statistics that merge.

`merge` is associative and commutative **to the bit**, so that it does not matter how records were spread over workers
and transactions. Three means make it so: counts are integers; sums of floats are of multiples of 1/65536 (exact); and
what is bounded keeps the entries of *least rank* under an order that depends on the entry alone, so that an entry
dropped in a part can never belong to the whole (bottom-k sketch: Cohen & Kaplan, PODC 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from heapq import nsmallest
from itertools import chain

from msgspec import Struct

from streams.records.histogram import Histogram
from streams.records.identity import Revision
from streams.records.metric import Series
from streams.windows.excerpts import Excerpt, Places, rank
from streams.windows.signature import Signature

MOST_ALIKE = 4
"""Lines of one signature that are told apart in one trace: one, two, three, more. Few are how the code is made (two
calls, a second attempt), many are as many as there were things to do."""
NAMED_TRACES = 16
"""Traces of one revision and window of which the id goes along: an example for people. 16 ids of OpenTelemetry take .7
kB; as the least hashes they are a fair sample."""
POINTS_PER_WINDOW = 64
"""Samples of one series at one pod kept per window, the latest; 12 a second at 5 s."""


class Limits(Struct, frozen=True):
    """How much one revision may fill in one window."""

    signatures: int = 20_000
    """Pairs of pod and signature: 200 signatures at 100 pods."""
    series: int = 20_000
    """Pairs of pod and series."""
    traces: int = 10_000
    """Pairs of trace and signature, per pod: 1,000 traces of ten kinds of lines, however often each."""
    excerpts: int = 12
    """Pairs of pod and signature of which a line is shown with those around it."""
    excerpts_per_signature: int = 2
    """Pods at which a line of one signature is shown."""


class PodSummary(Struct, array_like=True):
    """One pod in one window. Keys of the metric fields are series ids."""

    lines: dict[int, int] = {}
    """Signature id -> lines."""
    gauges: dict[int, dict[int, float]] = {}
    """-> event time (ns) -> level."""
    totals: dict[int, dict[int, tuple[int, float]]] = {}
    """Cumulative sums -> event time (ns) -> (start of the total in ns or 0, total)."""
    increases: dict[int, float] = {}
    """Delta sums -> their sum, of multiples of 1/65536."""
    histogram_totals: dict[int, dict[int, tuple[int, Histogram]]] = {}
    """Cumulative histograms -> event time (ns) -> (start in ns or 0, state)."""
    histogram_increases: dict[int, Histogram] = {}
    """Delta histograms -> all together."""
    traces: dict[int, tuple[int, ...]] = {}
    """Trace (63 bits of a hash of its id) -> ids of the signatures of its lines, ascending, one per line: of lines
    alike up to `MOST_ALIKE`."""
    excerpts: dict[int, Excerpt] = {}
    """Id of a grave signature -> one line of it, with those around it; of few signatures and pods."""

    def metric_fields(self) -> tuple[dict[int, object], ...]:
        """The five fields that are keyed by series id."""
        return self.gauges, self.totals, self.increases, self.histogram_totals, self.histogram_increases  # type: ignore[return-value]

    def signatures(self) -> Iterator[int]:
        """Ids of all signatures in it; some may come twice."""
        return chain(self.lines, self.excerpts)

    def series(self) -> Iterator[int]:
        """Ids of all series in it; some may come twice."""
        return chain(*self.metric_fields())

    def any(self) -> bool:
        """Whether there is anything in it that counts; what is shown does not."""
        return bool(self.lines or self.traces or any(self.metric_fields()))


class Summary(Struct, array_like=True):
    """One revision in one window: a delta of one transaction, or any number of them merged."""

    revision: Revision
    start_ns: int
    """Start of the window; its end is start + size, exclusive."""
    records: int = 0
    """Log lines and samples, dropped ones included."""
    other_lines: int = 0
    """Lines whose signature or pod found no place."""
    pods: dict[str, PodSummary] = {}
    traces_from: int | None = None
    """Least trace of which a signature found no place: those below are whole. None: all are."""
    trace_ids: dict[int, str] = {}
    """Trace -> its id, as it may be shown (empty: not at all), of the least `NAMED_TRACES`."""


class Bundle(Struct, array_like=True):
    """A message of `serinus.summaries`: one transaction's deltas for the workloads of one partition."""

    worker: str
    reports: dict[str, int]
    """Input partition (`topic/number`) -> event time (ns) up to which its owner has read it."""
    inputs: dict[str, int]
    """Input topic -> how many partitions it has."""
    signatures: dict[int, Signature]
    """Id -> what it stands for, for all ids in `summaries`."""
    series: dict[int, Series]
    """Id -> what it stands for, for all ids in `summaries`."""
    summaries: list[Summary]
    window_ns: int = 0
    """Length of its windows; 0: not said, as before it was."""

    def fits(self, window_ns: int) -> bool:
        """Whether its summaries may be counted in windows of this length."""
        return self.window_ns in (0, window_ns)


def series_id(series: Series) -> int:
    """63 bits of a hash, the same everywhere."""
    parts = [series.name, series.unit, *(part for pair in series.attributes for part in pair)]
    digest = blake2b("\x00".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def signatures_in(summaries: Iterable[Summary]) -> set[int]:
    """Ids of all signatures in some summaries."""
    return {number for summary in summaries for pod in summary.pods.values() for number in pod.signatures()}


def series_in(summaries: Iterable[Summary]) -> set[int]:
    """Ids of all series in some summaries."""
    return {number for summary in summaries for pod in summary.pods.values() for number in pod.series()}


def merge(into: Summary, delta: Summary) -> None:
    """Add one summary to another of the same revision and window; the second stays as it is."""
    into.records += delta.records
    into.other_lines += delta.other_lines
    into.traces_from = _least(into.traces_from, delta.traces_from)
    if delta.trace_ids:
        name_traces(into, delta.trace_ids)
    for name, theirs in delta.pods.items():
        mine = into.pods.get(name)
        if mine is None:
            mine = into.pods[name] = PodSummary()
        _add(mine.lines, theirs.lines)
        _add(mine.increases, theirs.increases)
        for number, levels in theirs.gauges.items():
            merge_points(mine.gauges.setdefault(number, {}), levels)
        for number, totals in theirs.totals.items():
            merge_points(mine.totals.setdefault(number, {}), totals)
        for number, states in theirs.histogram_totals.items():
            merge_states(mine.histogram_totals.setdefault(number, {}), states)
        for number, more in theirs.histogram_increases.items():
            known = mine.histogram_increases.get(number)
            mine.histogram_increases[number] = more if known is None else known.merge(more)
        for trace, ids in theirs.traces.items():
            held = mine.traces.get(trace)
            mine.traces[trace] = ids if held is None else lines_together(held, ids)
        for number, excerpt in theirs.excerpts.items():
            shown = mine.excerpts.get(number)
            mine.excerpts[number] = excerpt if shown is None else min(shown, excerpt)


def name_traces(summary: Summary, ids: Mapping[int, str]) -> None:
    """Take over the ids of some traces. Of two spellings of one the lesser stays, of too many the least traces."""
    known = summary.trace_ids
    both = {number: min(name, known.get(number, name)) for number, name in ids.items()}
    summary.trace_ids = dict(nsmallest(NAMED_TRACES, (known | both).items()))


def lines_together(one: Iterable[int], other: Iterable[int]) -> tuple[int, ...]:
    """Lines of one trace from two places, as of `PodSummary.traces`; the same whatever is joined with what first.

    >>> lines_together((1, 1, 5), (1, 1, 1, 7))
    (1, 1, 1, 1, 5, 7)
    """
    both = sorted((*one, *other))
    return tuple(
        number for place, number in enumerate(both) if place < MOST_ALIKE or both[place - MOST_ALIKE] != number
    )


def trim(summary: Summary, limits: Limits, severity: Callable[[int], int]) -> int:
    """Drop what is over the limits: the pairs of highest rank, whichever order they came in.

    Pairs of pod and signature rank by severity (worst first), then signature, then pod; pairs of pod and series by
    series, then pod; pairs of trace and signature of a judged severity first, then by trace, signature and pod. (By the
    worst severity of the whole trace would not do: in a part of it, its error may not be seen.) Excerpts: see
    `excerpts.Places`. A pod of which nothing is left is dropped. (Limits on pods and on signatures apart would not do:
    what one drops would change what the other sees, and the order of merging would show.)

    Args:
        summary: changed in place; lines dropped are counted in `other_lines`.
        limits: what may stay.
        severity: of a signature id; the same for all that is below `Severity.WARN`.

    Returns:
        The number of samples dropped, for whoever wants to tell.
    """
    pods, dropped_samples = summary.pods, 0
    if sum(len(pod.lines) for pod in pods.values()) > limits.signatures:
        for number, name in _over(pods, limits.signatures, severity):
            summary.other_lines += pods[name].lines.pop(number)
    if sum(len(field) for pod in pods.values() for field in pod.metric_fields()) > limits.series:
        series = {(number, name) for name, pod in pods.items() for number in pod.series()}
        for number, name in sorted(series)[limits.series :]:
            dropped_samples += _drop_series(pods[name], number)
    if sum(len(ids) for pod in pods.values() for ids in pod.traces.values()) > limits.traces:
        _trim_traces(summary, limits.traces, severity)
    _trim_excerpts(summary, limits, severity)
    for name in [name for name, pod in pods.items() if not pod.any()]:
        del pods[name]
    return dropped_samples


def _over(pods: Mapping[str, PodSummary], most: int, severity: Callable[[int], int]) -> list[tuple[int, str]]:
    """The pairs of signature and pod that find no place; only those of one severity need be put in order."""
    of_severity: dict[int, list[tuple[int, str]]] = {}
    for name, pod in pods.items():
        for number in pod.lines:
            of_severity.setdefault(severity(number), []).append((number, name))
    over: list[tuple[int, str]] = []
    for each in sorted(of_severity, reverse=True):
        pairs = of_severity[each]
        if len(pairs) > most:
            over += sorted(pairs)[most:]
        most = max(0, most - len(pairs))
    return over


def _trim_traces(summary: Summary, limit: int, severity: Callable[[int], int]) -> None:
    harmless: dict[int, bool] = {}
    pairs = []
    for name, pod in summary.pods.items():
        for trace, ids in pod.traces.items():
            for number in set(ids):
                if number not in harmless:
                    harmless[number] = severity(number) == 0
                pairs.append((harmless[number], trace, number, name))
    if len(pairs) <= limit:
        return
    pairs.sort()
    summary.traces_from = _least(summary.traces_from, min(trace for _, trace, _, _ in pairs[limit:]))
    kept: dict[str, dict[int, set[int]]] = {name: {} for name in summary.pods}
    for _, trace, number, name in pairs[:limit]:
        kept[name].setdefault(trace, set()).add(number)
    for name, pod in summary.pods.items():
        pod.traces = {
            trace: tuple(number for number in pod.traces[trace] if number in ids) for trace, ids in kept[name].items()
        }


def _trim_excerpts(summary: Summary, limits: Limits, severity: Callable[[int], int]) -> None:
    keys = [(name, number) for name, pod in summary.pods.items() if pod.excerpts for number in pod.excerpts]
    if len(keys) <= limits.excerpts_per_signature:
        return
    places = Places(limits.excerpts_per_signature, limits.excerpts)
    for name, number in keys:
        places.take(rank(name, number, summary.start_ns, severity(number)))
    kept = places.kept()
    for name, number in keys:
        if (name, number) not in kept:
            del summary.pods[name].excerpts[number]


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def merge_points(mine: dict[int, float] | dict[int, tuple[int, float]], theirs: Mapping[int, object]) -> None:
    """Take over points by time. Of two at one time the larger stays; of too many the latest."""
    for time_ns, point in theirs.items():
        known = mine.get(time_ns)
        if known is None or point > known:  # type: ignore[operator] # both are floats or both are tuples
            mine[time_ns] = point  # type: ignore[assignment]
    _keep_latest(mine)


def merge_states(mine: dict[int, tuple[int, Histogram]], theirs: Mapping[int, tuple[int, Histogram]]) -> None:
    """Take over histogram states by time. Of two at one time the fuller stays; of too many the latest."""
    for time_ns, state in theirs.items():
        known = mine.get(time_ns)
        if known is None or _fullness(state) > _fullness(known):
            mine[time_ns] = state
    _keep_latest(mine)


def _keep_latest(points: dict[int, float] | dict[int, tuple[int, float]] | dict[int, tuple[int, Histogram]]) -> None:
    if len(points) > POINTS_PER_WINDOW:
        for time_ns in sorted(points)[:-POINTS_PER_WINDOW]:
            del points[time_ns]


def _fullness(state: tuple[int, Histogram]) -> tuple[object, ...]:
    """Of all there is to a state, so that two of the same fullness are the same."""
    start_ns, histogram = state
    buckets = sorted(histogram.positive.items()), sorted(histogram.negative.items())
    return start_ns, histogram.count, histogram.total, histogram.scale, histogram.zero_count, *buckets


def _add(mine: dict[int, int] | dict[int, float], theirs: Mapping[int, int | float]) -> None:
    for number, count in theirs.items():
        mine[number] = mine.get(number, 0) + count  # type: ignore[assignment] # ints meet ints, floats floats


def _drop_series(pod: PodSummary, number: int) -> int:
    """Remove one series from a pod; how many samples that were."""
    points = (pod.gauges.pop(number, None), pod.totals.pop(number, None), pod.histogram_totals.pop(number, None))
    sums = (pod.increases.pop(number, None), pod.histogram_increases.pop(number, None))
    return sum(len(each) for each in points if each) + sum(each is not None for each in sums)
