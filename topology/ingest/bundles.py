"""Which summaries travel together: those of one partition, in messages the broker will take."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from msgspec import structs

from streams.windows.roller import Rolled
from streams.windows.summary import Bundle, PodSummary, Summary, series_in, signatures_in
from topology.codecs import encode_bundle
from topology.topics import LARGEST_VALUE_BYTES, partition_of

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 4_000_000
"""Half of what the topic admits."""


def bundles(
    rolled: Rolled,
    partitions: int,
    worker: str,
    reports: Mapping[str, int],
    inputs: Mapping[str, int],
    window_ns: int,
    too_long: Callable[[], None],
) -> Iterator[tuple[int, bytes]]:
    """Each partition of `serinus.summaries` and the messages it gets: at least one, for the reports.

    Deltas merge, so one that is too long for a message goes in parts: pods apart, then what is known of one, then the
    samples of a series. A sample that no message holds is left out, and told by `too_long`: it would be refused and
    read again for ever.
    """
    by_partition: dict[int, list[Summary]] = {number: [] for number in range(partitions)}
    for summary in rolled.summaries:
        by_partition[partition_of(summary.revision.workload, partitions)].append(summary)
    last = Bundle(worker, dict(reports), dict(inputs), {}, {}, [], window_ns)
    for number, summaries in by_partition.items():
        for payload in _payloads(summaries, rolled, last, too_long):
            yield number, payload


def _payloads(summaries: list[Summary], rolled: Rolled, last: Bundle, too_long: Callable[[], None]) -> Iterator[bytes]:
    """One partition's messages; only the last carries the reports: what they say is read has been sent by then."""
    payload = _encoded(summaries, rolled, last)
    halves = _halves(summaries) if len(payload) > MAX_MESSAGE_BYTES else None
    if halves is not None:
        yield from _payloads(halves[0], rolled, structs.replace(last, reports={}), too_long)
        yield from _payloads(halves[1], rolled, last, too_long)
    elif len(payload) > LARGEST_VALUE_BYTES:
        names = [rolled.series[number].name[:80] for number in series_in(summaries)]
        log.error("%s: too long for a message, left out: %s", summaries[0].revision, names)
        too_long()
        yield _encoded([structs.replace(one, pods={}) for one in summaries], rolled, last)
    else:
        yield payload


def _encoded(summaries: list[Summary], rolled: Rolled, last: Bundle) -> bytes:
    return encode_bundle(
        structs.replace(
            last,
            summaries=summaries,
            signatures={number: rolled.signatures[number] for number in signatures_in(summaries)},
            series={number: rolled.series[number] for number in series_in(summaries)},
        )
    )


def _halves(summaries: list[Summary]) -> tuple[list[Summary], list[Summary]] | None:
    """Two lists that merge to the one; None for a single line or sample."""
    if not summaries:
        return None
    if len(summaries) > 1:
        middle = len(summaries) // 2
        return summaries[:middle], summaries[middle:]
    only = summaries[0]
    pods = list(only.pods.items())
    middle = len(pods) // 2
    first, second = dict(pods[:middle]), dict(pods[middle:])
    if len(pods) == 1:
        ((name, pod),) = pods
        parts = _parts(pod)
        if parts is None:
            return None
        first, second = {name: parts[0]}, {name: parts[1]}
    return [structs.replace(only, pods=first)], [Summary(only.revision, only.start_ns, pods=second)]


def _parts(pod: PodSummary) -> tuple[PodSummary, PodSummary] | None:
    """Two that merge to the one, half of all lines, series and traces each; None where there is one sample alone."""
    held = [(field, key) for field in pod.__struct_fields__ for key in getattr(pod, field)]
    parts = PodSummary(), PodSummary()
    if len(held) == 1:
        ((field, key),) = held
        samples = getattr(pod, field)[key]
        if not isinstance(samples, dict) or len(samples) < 2:
            return None
        for place, (time_ns, sample) in enumerate(samples.items()):
            getattr(parts[2 * place >= len(samples)], field).setdefault(key, {})[time_ns] = sample
        return parts
    for place, (field, key) in enumerate(held):
        getattr(parts[2 * place >= len(held)], field)[key] = getattr(pod, field)[key]
    return parts
