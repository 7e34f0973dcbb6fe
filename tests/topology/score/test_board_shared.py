"""Feedback for more than one workload: every partition's board knows it, and gives it to whoever comes later."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest

from streams.records.identity import Revision, Workload
from streams.records.log import Severity
from streams.risk.comparison import CompareRequest, Comparison, TemplateFeedback
from streams.risk.templates import template_id
from streams.templates.classes import MAX_SHARED
from streams.windows.signature import Signature, signature_id
from streams.windows.summary import Bundle, PodSummary, Summary
from streams.workload.state import WorkloadSettings
from topology.codecs import decode_risk_document, encode_json
from topology.score.board import Board, PartitionSnapshot, _decode_partition
from topology.score.checkpoint import Offsets
from topology.score.shared import SharedFeedback

S = 1_000_000_000
START_S, WINDOW_S, WINDOWS = 1_787_300_000, 5, 24
SERVED = Signature("INFO served", Severity.INFO)
LOST = Signature("ERROR order lost", Severity.ERROR)
EMPTIED = Signature("INFO cart emptied", Severity.INFO)
SIGNATURES = {signature_id(one): one for one in (SERVED, LOST, EMPTIED)}
SHOP, PAY, OTHER = (Workload("", *names) for names in (("prod", "shop"), ("prod", "pay"), ("dev", "other")))
COMES = {SHOP: 0, PAY: 8, OTHER: 0}
"""Workload -> the window in which its first record comes."""
NAMES = {"shop": SHOP, "pay": PAY, "other": OTHER}


def say(log_class, scope="all", *, of=SHOP, who="ops", what=LOST):
    """What somebody says of the line that canaries write."""
    name = template_id(signature_id(what))
    return TemplateFeedback(of.cluster, of.namespace, of.name, name, log_class, "known", (), who, scope, what.text)


def pair(workload):
    """Its comparison."""
    return Comparison(workload.cluster, workload.namespace, workload.name, "b", "c")


def bundle(window, workloads=COMES):
    """What ingest says of one window: every pod serves, canaries lose orders."""
    start_ns = (START_S + window * WINDOW_S) * S
    summaries = []
    for workload in sorted(workloads):
        if window < COMES[workload]:
            continue
        for name in ("b", "c"):
            pods = {f"{name}{number}": PodSummary(lines={signature_id(SERVED): 20}) for number in range(2)}
            if name == "c":
                pods["c0"].lines[signature_id(LOST)] = 1
            summaries.append(Summary(Revision(workload, name), start_ns, 41, 0, pods))
    return Bundle("w", {"logs/0": start_ns + WINDOW_S * S}, {"logs": 1}, SIGNATURES, {}, summaries)


def board(records=None):
    """As its records say; none of the workloads is forgotten within a test."""
    made = Board(WorkloadSettings(sight_ns=0), 60 * S, 0, None, 3)
    made.restore((records or {}).items())
    return made


def keep(records, of):
    """A checkpoint."""
    for key, value in of.checkpoint():
        if value is None:
            records.pop(key, None)
        else:
            records[key] = value


def begin(workload):
    """Its comparison is asked for with its first record; of the one that comes later two windows after it."""
    return START_S + COMES[workload] * WINDOW_S + (12 if COMES[workload] else 2), CompareRequest(pair(workload))


def at(window, event):
    """An event sent in the middle of a window."""
    return START_S + window * WINDOW_S + 3, event


def play(said, restarts=lambda: False, draw=None, late=0, early=False):
    """The latest documents, and the board, after all windows.

    Some messages are read again for so many later ones (`late`); all may be read before the first window (`early`).
    """
    sent = sorted([*map(begin, COMES), *said], key=lambda each: each[0])
    events = [(time_s, offset, event) for offset, (time_s, event) in enumerate(sent)]
    records, latest, made, window = {}, {}, board(), 0
    furthest = 0
    while window < WINDOWS:
        ahead_s = START_S + (window + 1) * WINDOW_S  # as the worker reads ahead, to the end of the bundle's time
        for time_s, offset, event in events:
            if (early or time_s <= ahead_s) and offset > made.offsets.rollouts - late:
                note(latest, made.apply_event(offset, event, time_s * S))
        note(latest, made.apply_bundle(window, bundle(window)))
        window += 1
        if window > furthest and restarts():
            furthest = window
            if draw.random() < 0.7:
                keep(records, made)
            made = board(records)
            window = made.resume.summaries + 1
    return latest, made


def note(latest, documents):
    """What a reader of `serinus.risk` has in the end."""
    latest.update({document.comparison.workload: encode_json(document) for document in documents})


def lost(latest, name):
    """Windows in which a canary's lost orders counted, and what is told of them."""
    document = decode_risk_document(latest[name])
    count = {one.signal: one.canary_count for one in document.signals}.get("log/error", 0.0)
    return count, [(one.who, one.scope, one.log_class) for one in document.feedback]


def test_it_holds_for_all_from_the_next_window_on():
    """Promise: in every workload, those that came later too, from the window on in which it was said; and is told."""
    latest, _ = play([at(11, say("ignore"))])
    for workload, counted in ((SHOP, 11), (PAY, 3), (OTHER, 11)):
        assert lost(latest, workload.name) == (counted, [("ops", "all", "ignore")])
    before, _ = play([at(2, say("ignore"))])
    assert lost(before, "pay") == (0.0, [("ops", "all", "ignore")])


def test_it_holds_for_a_namespace():
    """Promise: of that one, in that cluster, and no other."""
    latest, _ = play([at(11, say("ignore", "namespace"))])
    assert [lost(latest, name)[0] for name in ("shop", "pay", "other")] == [11, 3, WINDOWS]
    assert lost(latest, "other")[1] == []


def test_what_a_workload_says_itself_counts():
    """Promise: before what is said for all, whichever came first; taken back, the other holds again."""
    own, taken_back = say("error", "workload", of=PAY, who="eve"), say(None, "workload", of=PAY, who="eve")
    for order in ([at(9, own), at(11, say("ignore"))], [at(10, say("ignore")), at(11, own)]):
        latest, _ = play(order)
        assert lost(latest, "pay")[0] == (WINDOWS - COMES[PAY] - (order[0][1] is not own))
        assert lost(latest, "shop")[0] < WINDOWS
    latest, _ = play([at(9, own), at(11, say("ignore")), at(14, taken_back)])
    assert lost(latest, "pay")[0] == 14 - COMES[PAY]


def test_it_may_be_taken_back_at_any_workload():
    """Promise: for all it was said for; the history keeps who said what.

    (`pay` was compared when it held already, by the classes of that moment: all its windows before count for nothing.)
    """
    latest, _ = play([at(9, say("ignore")), at(13, say(None, of=OTHER, who="eve"))])
    for name, counted in (("shop", WINDOWS - 4), ("pay", WINDOWS - 13), ("other", WINDOWS - 4)):
        assert lost(latest, name) == (counted, [("eve", "all", ""), ("ops", "all", "ignore")])


SAID = [
    at(1, say("warning")),
    at(3, say("ignore", "namespace", of=PAY)),
    at(9, say("critical", who="eve")),
    at(12, say(None, "namespace")),
    at(15, say("error", "workload", of=PAY)),
    at(18, say("ignore", of=OTHER)),
]


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_random_moments(seed):
    """Promise: documents are the same to the bit, however often a worker is killed and reads again."""
    draw = random.Random(seed)
    undisturbed, _ = play(SAID)
    again, _ = play(SAID, lambda: draw.random() < 0.4, draw)
    assert {name: again[name] == undisturbed[name] for name in NAMES} == dict.fromkeys(NAMES, True)


def test_read_long_before_its_time_it_waits():
    """Promise: a scorer that catches up may have read what was said long before the windows of that time."""
    assert play(SAID, early=True)[0] == play(SAID)[0]
    made, latest = board(), {}
    made.apply_event(0, say("ignore"), (START_S + 12 * WINDOW_S + 3) * S)
    for window in range(WINDOWS):
        if window == COMES[PAY] + 1:
            note(latest, made.apply_event(1, CompareRequest(pair(PAY)), (START_S + window * WINDOW_S) * S))
        note(latest, made.apply_bundle(window, bundle(window)))
    assert lost(latest, "pay")[0] == 12 - COMES[PAY]


@pytest.mark.parametrize("asked_at", [2, 9])
def test_a_first_record_that_comes_late(asked_at):
    """Promise: whether a workload is known by a question read early or by its first record, which is late, is one."""
    made, latest = board(), {}
    made.apply_event(0, say("error", what=EMPTIED), (START_S + 5 * WINDOW_S + 3) * S)
    for window in range(WINDOWS):
        if window == asked_at:
            asked_ns = (START_S + 9 * WINDOW_S + 3) * S
            note(latest, made.apply_event(1, CompareRequest(pair(PAY)), asked_ns))
        bundled = bundle(window)
        if window == 8:
            for name in ("b", "c"):
                lines = {signature_id(EMPTIED): 1, signature_id(SERVED): 20}
                pods = {f"{name}0": PodSummary(lines=lines)}
                late = Summary(Revision(PAY, name), (START_S + 3 * WINDOW_S) * S, 21, 0, pods)
                bundled.summaries.append(late)
        note(latest, made.apply_bundle(window, bundled))
    assert lost(latest, "pay")[0] == 1 + WINDOWS - COMES[PAY]


def test_read_again_it_was_said_once():
    """Promise: messages that are read several times change nothing."""
    assert play(SAID, late=3)[0] == play(SAID)[0]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_copies_arrive_does_not_show(seed):
    """Promise: two that were sent at about the same time may stand in another order in each partition."""
    draw, parts = random.Random(seed), []
    same = [
        (START_S + 40, say(log_class, scope)) for scope in ("all", "namespace") for log_class in ("ignore", "error")
    ]
    for _ in range(2):
        draw.shuffle(same)
        made, latest = board(), {}
        for window in range(WINDOWS):
            if window == 4:
                for offset, (time_s, event) in enumerate([begin(SHOP), *same]):
                    note(latest, made.apply_event(offset, event, time_s * S))
            note(latest, made.apply_bundle(window, bundle(window)))
        parts.append(latest)
    assert parts[0] == parts[1]


@pytest.mark.parametrize("anew", [False, True])
def test_a_workload_that_comes_when_kafka_has_forgotten_the_message(anew):
    """Promise: the partition's record keeps it, also where it holds no workload, and where the topic was made anew."""
    records, made = {}, board()
    made.apply_event(7, say("ignore"), START_S * S)
    made.apply_bundle(0, bundle(0, ()))
    for turn in range(5):
        keep(records, made)
        made = board(records)
        if anew:
            assert made.truncate(1, 0) == (turn == 0)
    assert [name for name in records if not name.startswith(b"@")] == []
    latest = {}
    for window in range(1, WINDOWS):
        time_s, event = begin(PAY)
        if window == COMES[PAY] + 2:
            note(latest, made.apply_event(8, event, time_s * S))
        note(latest, made.apply_bundle(window, bundle(window)))
    assert lost(latest, "pay") == (0.0, [("ops", "all", "ignore")])


def test_what_a_later_word_replaced_is_forgotten():
    """Promise: once nothing is read again from before it; and of many templates the latest stay."""
    made = SharedFeedback()
    for offset, log_class in enumerate(("ignore", "error", None, "warning")):
        made.take(offset, offset * S, say(log_class))
    made.take(1, 1 * S, say("error"))  # read again
    assert len(made.state) == 4
    made.forget(Offsets(0, 1), 10 * S)
    assert [said.offset for said in made.state] == [1, 2, 3]
    made.forget(Offsets(0, 3), 2 * S)
    assert [said.offset for said in made.state] == [2, 3]
    made.forget(Offsets(0, 3), 3 * S)
    assert [said.event.log_class for said in made.state] == ["warning"]
    for offset, log_class in (
        (5, "ignore"),
        (4, "critical"),
    ):  # at one time: as the workloads know it, by what was said
        made.take(offset, 5 * S, say(log_class))
    made.forget(Offsets(0, 5), 5 * S)
    assert [said.event.log_class for said in made.state] == ["ignore"]
    for number in range(MAX_SHARED + 9):
        made.take(10 + number, (10 + number) * S, say("ignore", what=Signature(f"ERROR no {number}", Severity.ERROR)))
    made.forget(Offsets(0, 10_000), 10_000 * S)
    assert [said.offset for said in made.state] == list(range(19, 19 + MAX_SHARED))
    assert all(one.time_ns < other.time_ns for one, other in pairwise(made.state))


def test_a_text_that_is_not_that_of_the_template_is_no_feedback():
    """Promise: nobody can have one line reclassified under the name of another."""
    wrong = TemplateFeedback("", "prod", "shop", "00000000000000ff", "ignore", "", (), "eve", "all", LOST.text)
    latest, _ = play([at(3, wrong)])
    assert lost(latest, "shop") == (WINDOWS, [])


def test_a_record_from_before_is_read():
    """Promise: a partition's record that knows of no feedback for all is one without any."""
    snapshot = PartitionSnapshot(1, Offsets(4, 2), board()._watermark.state)
    old = msgspec.msgpack.encode(msgspec.to_builtins(snapshot)[:4])
    assert _decode_partition(old) == snapshot
