"""One partition's workloads, its watermark, and how far it has read: what a snapshot holds and what recovery rebuilds.

Exactly once in effect: every snapshot carries the offsets it includes. A checkpoint writes workloads that have changed
first and the partition's own record last, so that the record never includes more than they do; what is read again after
a crash is skipped by whoever has included it. Not all that have changed are written each time: see `checkpoint`.

Two topics have no common order, so that a comparison must not end *after what was read before*: it ends at the event
time of its end, once the watermark has come there. Then all readers of the two topics see the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from streams.errors import BadPolicy, BrokenInvariant
from streams.judging.past import prior_of
from streams.policy.workload_policy import WorkloadPolicy
from streams.records.identity import Workload
from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded, TemplateFeedback
from streams.risk.document import RiskDocument
from streams.watch.alarm import Alarm
from streams.watch.feedback import WorkloadEvent
from streams.watch.suspects import Neighbour
from streams.windows.summary import Bundle
from streams.windows.watermark import Watermark, WatermarkState
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadSettings, WorkloadState
from topology.score.checkpoint import Checkpoint, Offsets, is_due, oldest
from topology.score.shared import Shared, SharedFeedback
from topology.topics import LARGEST_VALUE_BYTES

_PARTITION_PREFIX = b"@partition/"
"""Begins the changelog key of a partition's own record; no workload's key begins with @."""


class _Snapshot(Struct, array_like=True):
    """What every record of every version begins with."""

    version: int
    """Of all that is in it; a `version` within a part only keeps its place and is not read. Fields may be added
    at the end of any part without a new one."""


class PartitionSnapshot(_Snapshot, array_like=True):
    """The partition's own record."""

    offsets: Offsets
    """From which on all is read again: what some workload's record does not include yet is after it."""
    watermark: WatermarkState
    """As it was there."""
    workloads: dict[str, Offsets] = {}
    """Workload's key -> what its record has to include; one that includes less was written by a worker that did not
    know that the partition was no longer its own."""
    shared: list[Shared] = []
    """What was said for more than one workload, in order of time."""
    window_ns: int = 0
    """Length of the windows that all of it is of; 0: not said, as before it was."""


class WorkloadSnapshot(_Snapshot, array_like=True):
    """One workload's record."""

    offsets: Offsets
    state: WorkloadState
    waiting: list[tuple[int, WorkloadEvent]] = []
    """(time in ns, event), in order of time: the watermark has not come there yet."""


log = logging.getLogger(__name__)

_VERSION = 2
_WATCHED_NS = 15_000_000_000
"""Event time between two verdicts on production: a reader takes one of a minute ago for old."""
_encode = msgspec.msgpack.Encoder().encode
_decode_version = msgspec.msgpack.Decoder(_Snapshot).decode
_decode_partition = msgspec.msgpack.Decoder(PartitionSnapshot).decode
_decode_workload = msgspec.msgpack.Decoder(WorkloadSnapshot).decode


class _Entry:
    """One workload and what it has included."""

    __slots__ = (
        "begin", "checkpoint", "dirty", "learned", "life", "offsets", "pressing", "too_long", "waiting", "written",
    )  # fmt: skip

    def __init__(
        self,
        life: WorkloadLife,
        offsets: Offsets,
        begin: Callable[[WorkloadLife, CompareRequest, int, bool], None],
        checkpoint: Checkpoint,
        waiting: list[tuple[int, WorkloadEvent]] | None = None,
    ) -> None:
        self.life = life
        self.begin = begin
        self.offsets = offsets
        self.written = offsets.copy()
        """What its record has to include, and does unless an outdated worker has overwritten it."""
        self.waiting = waiting or []
        self.dirty = False
        self.checkpoint = checkpoint
        """The last checkpoint at which it was as its record has it."""
        self.pressing = True
        """Something ran or rang when it was last written, or it never was."""
        self.learned = life.learned
        self.too_long = False
        """No message holds its snapshot, and that was said."""

    @property
    def lively(self) -> bool:
        """Somebody waits for what it says: a restart must not take it far back."""
        return bool(self.pressing or self.waiting or self.life.running or self.life.ringing)

    def advance(self, low_ns: int) -> bool:
        """Close windows up to the watermark, and let what was waiting happen in between; whether anything changed."""
        changed = False
        while self.waiting and self.waiting[0][0] <= low_ns:
            time_ns, event = self.waiting.pop(0)
            self.life.close(time_ns, self._sighted)
            self.happen(time_ns, event)
            changed = True
        return self.life.close(low_ns, self._sighted) or changed

    def _sighted(self, comparison: Comparison, time_ns: int) -> None:
        self.begin(self.life, CompareRequest(comparison), time_ns, True)

    def begins_at_once(self, asked: CompareRequest) -> bool:
        """Whether it depends on nothing that is to come: not on what its revisions do after an end."""
        if self.life.runs(asked.comparison):
            return False
        return asked.told_ns > 0 or not (asked.again or self.life.has_ended(asked.comparison))

    def take(self, time_ns: int, event: WorkloadEvent, low_ns: int) -> None:
        """Let it happen if it depends on nothing that is to come, else when the watermark has come to its time."""
        self.dirty = True
        if time_ns <= low_ns or (isinstance(event, CompareRequest) and not self.waiting and self.begins_at_once(event)):
            self.happen(time_ns, event)
        else:
            self.waiting.append((time_ns, event))
            self.waiting.sort(key=_time)

    def happen(self, time_ns: int, event: WorkloadEvent) -> None:
        """What was asked for begins, what runs ends, what was said holds."""
        if isinstance(event, CompareRequest):
            self.begin(self.life, event, time_ns, False)
        elif isinstance(event, TemplateFeedback):
            self.life.reclassify(event, time_ns)
        elif isinstance(event, ComparisonEnded):
            self.life.end(event.comparison, event.outcome, time_ns)
        else:
            self.life.hear(event, time_ns)


def _time(waiting: tuple[int, WorkloadEvent]) -> int:
    return waiting[0]


class Board:
    """All workloads of one partition."""

    def __init__(
        self,
        settings: WorkloadSettings,
        hold_ns: int,
        number: int,
        policy: Callable[[Workload], WorkloadPolicy | None] | None = None,
        quiet_checkpoints: int = 1,
    ) -> None:
        """An empty board.

        Args:
            settings: of every workload.
            hold_ns: see `Watermark`.
            number: of the partition.
            policy: what an operator has set for a workload, now: the same object while nothing changes. Asked with
                every window, and when a comparison begins.
            quiet_checkpoints: with every so-many-th a workload is written in which nothing runs or rings.
        """
        self.number = number
        self._policy = policy or _no_policy
        self._key = _PARTITION_PREFIX + str(number).encode()
        self._settings = settings
        self._watermark = Watermark(hold_ns)
        self._hold_ns = hold_ns
        self._watched_number = 0
        self._quiet_checkpoints = quiet_checkpoints
        self._offsets = Offsets()
        self._checkpoint = Checkpoint.of(0, self._offsets, self._watermark.state)
        """The last checkpoint."""
        self.resume = Offsets()
        """The last messages that need not be read again, once restored."""
        self._entries: dict[Workload, _Entry] = {}
        self._shared = SharedFeedback()
        self._alarms: dict[str, Alarm] = {}
        self._changed: set[Workload] = set()
        """Whose alarms have changed since `watched` was last asked."""
        self._known_to_ns = 0
        """All windows up to here were closed for all workloads before the present message."""

    def restore(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over this partition's records of the changelog, into an empty board.

        Raises:
            BadPolicy: what they hold was learned of windows of another length.
            BrokenInvariant: a later Serinus has written them.
        """
        written: dict[str, Offsets] = {}
        held = dict(records)
        for key, value in held.items():
            if (version := _decode_version(value).version) > _VERSION:
                raise BrokenInvariant(
                    f"snapshot {key.decode()}: version {version} of a later Serinus; {_VERSION} is read"
                )
        if (own := held.pop(self._key, None)) is not None:
            snapshot = _decode_partition(own)
            if snapshot.window_ns not in (0, self._settings.window_ns):
                is_of = f"what this group knows is of windows of {snapshot.window_ns / 1e9:g} s"
                allowed = f"{is_of}; give that, or another --group, which begins anew"
                raise BadPolicy("window-s", self._settings.window_ns // 1_000_000_000, allowed)
            self._offsets = snapshot.offsets
            self._watermark = Watermark(self._hold_ns, snapshot.watermark)
            self._checkpoint = Checkpoint.of(0, self._offsets, self._watermark.state)
            self._shared = SharedFeedback(snapshot.shared)
            written = snapshot.workloads
        for value in held.values():
            known = _decode_workload(value)
            life = self._life(known.state)
            self._entries[life.workload] = _Entry(life, known.offsets, self._begin, self._checkpoint, known.waiting)
        self.resume = self._offsets.copy()
        for workload, entry in self._entries.items():
            expected = written.get(workload.key)
            if expected is None:
                continue
            entry.written.include(expected)
            if entry.offsets.summaries < expected.summaries:
                self.resume.summaries = min(self.resume.summaries, entry.offsets.summaries)
            if entry.offsets.rollouts < expected.rollouts:
                self.resume.rollouts = min(self.resume.rollouts, entry.offsets.rollouts)

    def truncate(self, summaries_end: int, rollouts_end: int) -> bool:
        """Tell it where its topics end; one that ends before what was read is another, made anew.

        Returns:
            Whether that was so: all of it will be read.
        """
        anew = [self._offsets.summaries >= summaries_end, self._offsets.rollouts >= rollouts_end]
        entries = self._entries.values()
        of_entries = [offsets for entry in entries for offsets in (entry.offsets, entry.written)]
        for offsets in (self._offsets, self.resume, self._checkpoint.offsets, *of_entries):
            if anew[0]:
                offsets.summaries = -1
            if anew[1]:
                offsets.rollouts = -1
        if anew[1]:
            self._shared.made_anew()
        return any(anew)

    @property
    def offsets(self) -> Offsets:
        """The last messages included."""
        return self._offsets

    @property
    def low_ns(self) -> int:
        """Event time before which all is closed."""
        return self._watermark.state.low_ns

    @property
    def incomplete(self) -> bool:
        """Whether a silent input partition has been left behind."""
        return self._watermark.incomplete

    @property
    def lives(self) -> Iterator[WorkloadLife]:
        """Of all workloads, in order."""
        return (entry.life for _, entry in sorted(self._entries.items()))

    @property
    def workloads(self) -> int:
        """How many it holds."""
        return len(self._entries)

    @property
    def comparisons(self) -> int:
        """How many run."""
        return sum(entry.life.running for entry in self._entries.values())

    @property
    def late_records(self) -> int:
        """Records that came after their window had closed."""
        return sum(entry.life.late_records for entry in self._entries.values())

    @property
    def unfollowed_records(self) -> int:
        """Records of revisions that found no place beside the others of their workload."""
        return sum(entry.life.unfollowed_records for entry in self._entries.values())

    @property
    def ringing(self) -> int:
        """Alarms that are not cleared."""
        return sum(entry.life.ringing for entry in self._entries.values())

    def newest_ns(self, bundle: Bundle) -> int:
        """Event time beyond which the watermark cannot come by this bundle."""
        return max((*self._watermark.state.read_to_ns.values(), *bundle.reports.values()), default=0)

    def apply_bundle(self, offset: int, bundle: Bundle) -> list[RiskDocument]:
        """Take in one message of `serinus.summaries`; the documents it changed."""
        for summary in bundle.summaries:
            entry = self._entry(summary.revision.workload)
            if offset > entry.offsets.summaries:
                entry.life.add(summary, bundle.signatures, bundle.series)
                entry.dirty = True
        again = offset <= self._offsets.summaries
        self._known_to_ns = self.low_ns
        if not again:
            self._watermark.learn(bundle.reports, bundle.inputs)
            self._offsets.summaries = offset
        documents: list[RiskDocument] = []
        for _, entry in sorted(self._entries.items()):  # what one learns another may borrow: always in the same order
            if offset <= entry.offsets.summaries:
                continue
            entry.offsets.summaries = offset
            if again:
                continue  # only of use to a workload whose record was overwritten; its windows close when all is read
            entry.dirty |= entry.advance(self.low_ns)
            documents += entry.life.documents()
            self._note_alarms(entry)
        return documents

    def apply_event(self, offset: int, event: WorkloadEvent, time_ns: int) -> list[RiskDocument]:
        """Take in one message of `serinus.rollouts`, sent at `time_ns`; the documents it changed.

        A comparison that does not run begins at once, as it begins with what the past holds whenever it is asked for;
        all else waits.
        """
        documents: list[RiskDocument] = []
        for entry in self._concerned(event):
            if offset > entry.offsets.rollouts:
                entry.offsets.rollouts = offset
                entry.take(time_ns, event, self.low_ns)
                self._note_alarms(entry)
                documents += entry.life.documents()
        if isinstance(event, TemplateFeedback) and event.shared:
            self._shared.take(offset, time_ns, event)
        self._offsets.rollouts = max(self._offsets.rollouts, offset)
        return documents

    def _concerned(self, event: WorkloadEvent) -> list[_Entry]:
        """The workloads, of those that are known, that it is said of; one that it names is known from then on."""
        if isinstance(event, TemplateFeedback) and event.shared:
            return [entry for workload, entry in sorted(self._entries.items()) if event.covers(workload)]
        return [self._entry(event.of)]

    def alarms(self) -> list[Alarm]:
        """What has changed since this was last called: one document per alarm, its latest."""
        fresh = list(self._alarms.values())
        self._alarms.clear()
        return fresh

    def watched(self) -> list[RiskDocument]:
        """Verdicts on production that are due: of all workloads four times a minute, at once where alarms change."""
        due, self._changed = self._changed, set()
        number = self.low_ns // _WATCHED_NS
        if number > self._watched_number:
            self._watched_number = number
            due |= self._entries.keys()
        lives = [entry.life for workload, entry in sorted(self._entries.items()) if workload in due]
        found = [life.watched(rollback=self._may_roll_back(life)) for life in lives]
        return [document for document in found if document is not None]

    def checkpoint(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Changelog records to write, in this order; None deletes. What is dirty now is clean afterwards."""
        checkpoint = self._checkpoint = Checkpoint.of(self._checkpoint.number + 1, self._offsets, self._watermark.state)
        # Others borrow from what a comparison taught: all or none of them may include it.
        taught = any(entry.life.learned != entry.learned for entry in self._entries.values())
        for workload, entry in list(self._entries.items()):
            key = workload.key.encode()
            if entry.life.idle and not entry.waiting:
                del self._entries[workload]
                yield key, None
            elif not entry.dirty:
                entry.checkpoint = checkpoint
            elif taught or entry.lively or is_due(key, checkpoint.number, self._quiet_checkpoints):
                written = self._snapshot(workload, entry, checkpoint)
                if written is not None:
                    yield key, written
        included = {workload.key: entry.written for workload, entry in self._entries.items()}
        needed = oldest((entry.checkpoint for entry in self._entries.values()), checkpoint)
        self._shared.forget(needed.offsets, needed.watermark.low_ns)
        own = PartitionSnapshot(
            _VERSION, needed.offsets, needed.watermark, included, self._shared.state, self._settings.window_ns
        )
        yield self._key, _encode(own)

    def _snapshot(self, workload: Workload, entry: _Entry, checkpoint: Checkpoint) -> bytes | None:
        """What is written of a workload; None for one that no message holds, of which all is read again instead.

        (That as long as Kafka keeps it. What others have taught since may then be known to its comparisons earlier.)
        """
        encoded = _encode(WorkloadSnapshot(_VERSION, entry.offsets, entry.life.to_state(), entry.waiting))
        entry.learned = entry.life.learned  # also where it is too long: others are written for that once
        if len(encoded) > LARGEST_VALUE_BYTES:
            if not entry.too_long:
                log.error("%s: a snapshot of %d bytes is too long, the former one stays", workload.key, len(encoded))
            entry.too_long = True
            return None
        entry.too_long = False
        entry.dirty, entry.checkpoint = False, checkpoint
        entry.written.include(entry.offsets)
        entry.pressing = bool(entry.life.running or entry.life.ringing)
        return encoded

    def _entry(self, workload: Workload) -> _Entry:
        entry = self._entries.get(workload)
        if entry is None:
            life = self._life(WorkloadState(workload))
            # What came before it was seen said nothing of it.
            entry = self._entries[workload] = _Entry(life, self._offsets.copy(), self._begin, self._checkpoint)
            for said in self._shared.of(workload):
                entry.take(said.time_ns, said.event, self.low_ns)
        return entry

    def _life(self, state: WorkloadState) -> WorkloadLife:
        of = state.workload
        return WorkloadLife(self._settings, state, lambda: self._neighbours(of), lambda: self._policy(of))

    def _neighbours(self, of: Workload) -> Sequence[Neighbour]:
        """What else was deployed in the cluster: what was known before this message, whichever workload is first."""
        return [
            Neighbour(workload, deployment)
            for workload, entry in sorted(self._entries.items())
            if workload != of and workload.cluster == of.cluster
            for deployment in entry.life.deployments
            if deployment.known_ns <= self._known_to_ns
        ]

    def _may_roll_back(self, life: WorkloadLife) -> bool:
        """What its policy says of that now; asked only where an alarm rings."""
        policy = self._policy(life.workload) if life.ringing else None
        return policy is not None and policy.rollback

    def _note_alarms(self, entry: _Entry) -> None:
        for alarm in entry.life.alarms():
            self._alarms[alarm.id] = alarm
            self._changed.add(alarm.of)

    def _begin(self, life: WorkloadLife, asked: CompareRequest, time_ns: int, found: bool) -> None:
        """A comparison begins, with what the cluster's other workloads in this partition have in common.

        Args:
            life: of its workload.
            asked: which it is.
            time_ns: event time at which it was asked for.
            found: nobody did, the records show it.
        """
        others = [entry.life for _, entry in sorted(self._entries.items()) if entry.life is not life]
        prior = prior_of(other.past for other in others if other.workload.cluster == life.workload.cluster)
        policy = self._policy(life.workload)
        life.compare(asked.comparison, time_ns, prior, policy, asked.told_ns, again=asked.again, found=found)


def _no_policy(_workload: Workload) -> None:
    return None
