"""All cases of all recordings, in as many processes as help; the result is that of one process, to the bit."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from streams.errors import BadPolicy
from streams.judging.past import Prior
from topology.backtest.mirror import mirrored, mirrored_case, pivot_ns
from topology.backtest.past import Ending, Pasts, past_of
from topology.backtest.replay import Played, replay
from topology.backtest.row import Row, row_of
from topology.backtest.rules import Rules
from topology.backtest.schedule import Schedule
from topology.recording.cases import Case
from topology.recording.faults import Faults
from topology.recording.reading import CaseFiles, Recording, is_recording, open_recording, records


class Task(Struct, frozen=True):
    """What a process needs to replay one case."""

    of: CaseFiles
    case: Case
    """The case as it is replayed; mirrored where time runs backwards."""
    pivot_ns: int | None
    """Of the mirror; None where time runs as it did."""
    rules: Rules
    past: bytes
    """Of the workload, as `past.Pasts` writes it."""
    prior: Prior


class Backtest(Struct, frozen=True):
    """One recording, replayed."""

    recording: Recording
    rows: tuple[Row, ...]
    """In order of start."""
    played: dict[str, Played]
    """Case id -> what became of it."""
    faults: Faults


def find(directories: Sequence[Path]) -> list[Path]:
    """The recordings among these directories, and of a directory that is none, those right in it; each once.

    Raises:
        BadPolicy: one of them neither is nor holds a recording.
    """
    found: dict[Path, Path] = {}
    for directory in directories:
        inside = [directory] if is_recording(directory) else sorted(filter(is_recording, _directories_in(directory)))
        if not inside:
            raise BadPolicy("DIR", str(directory), "a recording has a cases.json; docs/backtest.md says more")
        for path in inside:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def run(
    directories: Sequence[Path],
    rules: Rules,
    scratch: Path,
    *,
    jobs: int,
    reverse: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Backtest]:
    """Replay recordings.

    Args:
        directories: one a recording; none knows the past of another.
        rules: what every case is replayed by.
        scratch: an empty directory for the lines, laid out by case.
        jobs: processes; 1 stays in this one.
        reverse: let time run backwards.
        progress: told cases done and cases in all.

    Raises:
        BadPolicy: one of the directories is no recording.
    """
    opened = []
    for number, directory in enumerate(directories):
        place = scratch / str(number)
        place.mkdir()
        opened.append(open_recording(directory, place))
    sets = [_Set(recording, rules, reverse=reverse) for recording in opened]
    total = sum(len(each.recording.cases) for each in sets)
    if jobs > 1:
        with _processes(min(jobs, max(total, 1))) as pool:
            _drive(sets, pool, total, progress)
    else:
        _drive_here(sets, total, progress)
    return [each.result() for each in sets]


def play(task: Task) -> tuple[Played, Faults]:
    """Replay one case, in whichever process."""
    faults = Faults()
    found = records(task.of, faults)
    if task.pivot_ns is not None:
        found = mirrored(found, task.pivot_ns)
    return replay(task.case, found, task.rules, faults, past_of(task.past), task.prior), faults


class _Set:
    """One recording while it is being replayed."""

    def __init__(self, recording: Recording, rules: Rules, *, reverse: bool) -> None:
        self.recording = recording
        self._rules = rules
        cases = [files.case for files in recording.cases]
        self._pivot_ns = pivot_ns(cases) if reverse and cases else None
        if self._pivot_ns is not None:
            cases = [mirrored_case(case, self._pivot_ns) for case in cases]
        self._files = {files.case.id: files for files in recording.cases}
        self._schedule: Schedule[Ending] = Schedule(cases)
        self._pasts = Pasts(rules)
        self._played: dict[str, tuple[Case, Played, Faults]] = {}

    def ready(self) -> Iterator[Task]:
        """Cases that may begin now."""
        for learned, case in self._schedule.ready():
            for each, end in learned:
                self._pasts.learn(each, end)
            yield Task(self._files[case.id], case, self._pivot_ns, self._rules, *self._pasts.before(case))

    def end(self, case: Case, played: Played, faults: Faults) -> None:
        """One of them is over."""
        self._schedule.end(case, played.ending)
        self._played[case.id] = (case, played, faults)

    def result(self) -> Backtest:
        """All of it, once every case is over."""
        order = sorted(self._played.values(), key=lambda each: (each[0].start_ns, each[0].id))
        rows = tuple(row_of(self.recording.name, case, played) for case, played, _ in order)
        faults = Faults()
        for each in (self.recording.faults, *(faults for _, _, faults in order)):
            faults.merge(each)
        return Backtest(self.recording, rows, {case.id: played for case, played, _ in order}, faults)


def _drive_here(sets: Sequence[_Set], total: int, progress: Callable[[int, int], None]) -> None:
    done = 0
    for each in sets:
        while tasks := list(each.ready()):
            for task in tasks:
                each.end(task.case, *play(task))
                done += 1
                progress(done, total)


def _drive(sets: Sequence[_Set], pool: Executor, total: int, progress: Callable[[int, int], None]) -> None:
    running: dict[Future[tuple[Played, Faults]], tuple[_Set, Case]] = {}
    done = 0
    while True:
        for each in sets:
            running |= {pool.submit(play, task): (each, task.case) for task in each.ready()}
        if not running:
            return
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            each, case = running.pop(future)
            each.end(case, *future.result())
            done += 1
            progress(done, total)


@contextmanager
def _processes(number: int) -> Iterator[Executor]:
    """New processes, which share nothing with this one; Ctrl-C is heard by this one alone, and ends what they do."""
    pool = ProcessPoolExecutor(
        number, multiprocessing.get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _directories_in(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_dir()] if directory.is_dir() else []
