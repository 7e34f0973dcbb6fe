"""Templates, classes and feedback in the life of a workload."""

from __future__ import annotations

import random

import msgspec
import pytest
from msgspec import structs

from streams.policy.workload_policy import LogClassRule, LogPolicy, WorkloadPolicy
from streams.records.identity import Revision, Source
from streams.records.log import LogRecord
from streams.risk.comparison import TemplateFeedback
from streams.risk.document import RiskDocument
from streams.risk.reading import read_at
from streams.templates.example import Example
from streams.workload import judged_lines
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadState

from .test_life import BASELINE, CANARY, COMPARISON, PODS, SETTINGS, SHOP, T0, WINDOW_NS, S, deltas

REAL = [
    "dfs.DataNode$PacketResponder: Received block blk_{0} of size {0} from /10.250.{0}.4",
    "dfs.DataNode$DataXceiver: writeBlock blk_{0} received exception java.io.IOException: Connection reset by peer",
    "dfs.DataNode$DataXceiver: readBlock blk_{0} received exception java.io.IOException: Connection reset by peer",
    "dfs.DataNode$DataXceiver: copyBlock blk_{0} received exception java.net.SocketTimeoutException: reset by peer",
    "dfs.DataNode$PacketResponder: writeBlock {0} received exception java.io.InterruptedIOException: reset by peer",
    "dfs.DataNode$DataTransfer: transferBlock blk_{0} received exception java.io.IOException: Connection reset by peer",
]
SIXTH = (
    "dfs.DataNode$BlockReceiver: receiveBlock blk_{0} received exception java.io.IOException: Connection reset by peer"
)


def said(life: WorkloadLife, texts, seconds, *, who=CANARY, policy=None, severity="ERROR"):
    """Both revisions say something harmless for so long; one says the texts in every window; the last document."""
    records = []
    for second in range(seconds):
        for name, pods in PODS.items():
            for pod in pods:
                source = Source(Revision(SHOP, name), pod)
                records.append(LogRecord(source, T0 + second * S, f"INFO served {second}"))
        if second % 5 == 0:
            source = Source(Revision(SHOP, who), PODS[who][0])
            records += [LogRecord(source, T0 + second * S + 7, f"{severity} {text.format(second)}") for text in texts]
    life.compare(COMPARISON, T0, None, policy)
    return records, _fed(life, records)


def _fed(life: WorkloadLife, records) -> RiskDocument:
    for delta in sorted(deltas(records, 2, 1), key=lambda each: each[0].start_ns):
        life.add(*delta)
    life.close(max(record.time_ns for record in records) + WINDOW_NS)
    return life.documents()[-1]


def feedback(row, log_class, reason="known"):
    """What an operator says of a row of the document."""
    return TemplateFeedback("", "prod", "shop", row.id, log_class, reason, who="eve")


def row_of(document: RiskDocument, part: str):
    """The row whose text holds this."""
    (found,) = [row for row in document.templates if part in row.text]
    return found


@pytest.fixture
def life() -> WorkloadLife:
    """A workload of which nothing is known."""
    return WorkloadLife(SETTINGS, WorkloadState(SHOP))


def test_what_only_the_canary_says_is_unexpected_and_has_an_impact(life):
    """Promise: new templates are told as such, with counts on both sides and their share of the risk."""
    _, document = said(life, ["order {0} lost"], 60)
    row = row_of(document, "lost")
    assert (row.verdict, row.canary_count, row.baseline_count, row.log_class) == ("unexpected", 12, 0, "error")
    assert row.impact == max(one.risk for one in document.signals if one.signal == "log/error")


def test_what_only_the_baseline_says_is_told_and_harmless(life):
    """Promise: it is `baseline-only`, without impact."""
    _, document = said(life, ["order {0} lost"], 60, who=BASELINE)
    assert (row_of(document, "lost").verdict, row_of(document, "lost").impact) == ("baseline-only", 0.0)


def test_a_fault_of_the_machine_counts_however_mildly_it_is_told(life):
    """Promise: OutOfMemoryError at INFO is critical; a mild IllegalStateException is not."""
    texts = ["caught java.lang.OutOfMemoryError", "caught java.lang.IllegalStateException"]
    _, document = said(life, texts, 60, severity="INFO")
    assert [(row.log_class, row.verdict) for row in document.templates] == [("critical", "unexpected")]


def test_ignored_lines_bring_no_more_evidence(life):
    """Promise: what is set to `ignore` counts no longer, from the next window on; what was counted stays."""
    records, document = said(life, ["order {0} lost"], 30)
    counted = row_of(document, "lost").canary_count
    life.reclassify(feedback(row_of(document, "lost"), "ignore"), T0 + 30 * S)
    (given,) = life.documents()[-1].feedback
    assert (given.who, given.log_class, given.reason) == ("eve", "ignore", "known")
    later = [msgspec.structs.replace(record, time_ns=record.time_ns + 40 * S) for record in records]
    document = _fed(life, later)
    assert {one.signal: one.canary_count for one in document.signals}["log/error"] == counted


@pytest.mark.parametrize("log_class", ["critical", "ignore"])
def test_what_was_counted_stays_with_the_class_it_was_counted_as(life, log_class):
    """Promise: reasons tell of each class what was counted as that; the impact is that of all, at any reading."""
    records, document = said(life, ["order {0} lost"], 60)
    before = row_of(document, "lost")
    life.reclassify(feedback(before, log_class), T0 + 60 * S)
    later = [msgspec.structs.replace(record, time_ns=record.time_ns + 70 * S) for record in records]
    document = _fed(life, later)
    row, signals = row_of(document, "lost"), {one.signal: one for one in document.signals}
    counted = {name: signals[f"log/{name}"].canary_count for name in ("error", "critical")}
    assert counted == {"error": before.canary_count, "critical": 12.0 if log_class == "critical" else 0.0}
    for name, count in counted.items():
        told = [reason for reason in document.reasons if f"(log/{name}, E" in reason and "lost" in reason]
        assert len(told) == (count > 0)
        assert all(f"lost` {count:.0f} times" in reason for reason in told)
    assert (row.log_class, row.canary_count, row.former_shares) == (log_class, sum(counted.values()), {"error": 1.0})
    assert row.impact == signals["log/error"].risk + (signals["log/critical"].risk if counted["critical"] else 0.0)
    assert all(read_at(document, each).templates[0].impact > 0.0 for each in ("low", "high"))


@pytest.mark.parametrize("scope", ["workload", "namespace", "all"])
def test_what_looks_like_a_secret_is_never_told_and_may_be_spoken_of(life, scope):
    """Promise: the document holds none in a template's text, nor in the history; feedback by what is shown holds."""
    records, document = said(life, ["no login, password: hunter of {0}"], 30)
    row = row_of(document, "no login")
    assert row.text == "ERROR no login, password: [masked] of <*>"
    given = msgspec.structs.replace(feedback(row, "ignore"), scope=scope, text="" if scope == "workload" else row.text)
    life.reclassify(given, T0 + 30 * S)
    later = [msgspec.structs.replace(record, time_ns=record.time_ns + 40 * S) for record in records]
    document = _fed(life, later)
    assert {one.signal: one.canary_count for one in document.signals}["log/error"] == row.canary_count
    assert [one.text for one in document.feedback] == [row.text]
    assert b"hunter" not in msgspec.json.encode(document)


def test_five_of_a_kind_teach_the_sixth(life):
    """Promise: after five reclassified templates of one kind, an unseen sixth is classed right; other lines are not."""
    _, document = said(life, [*REAL[1:], "Namenode is in safe mode"], 30)
    for row in document.templates:
        if "received exception" in row.text:
            life.reclassify(feedback(row, "ignore"), T0 + 30 * S)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(life.to_state()), type=WorkloadState)
    after = WorkloadLife(SETTINGS, stored)
    source = Source(Revision(SHOP, CANARY), "c0")
    sixth = [LogRecord(source, T0 + 60 * S, f"ERROR {SIXTH.format(7)}")]
    other = [LogRecord(source, T0 + 60 * S, "ERROR Lease of /tmp expired, recovery begins")]
    document = _fed(after, [*sixth, *other])
    assert not [row for row in document.templates if "receiveBlock" in row.text]
    life_state = after.to_state()
    texts = {info.text for info in life_state.signatures.values()}
    assert any("Lease of" in text for text in texts)
    assert not any("receiveBlock" in text for text in texts)


def test_what_feedback_raises_counts_side_by_side_only(life):
    """Promise: earlier baselines were not counted that way, so it is not held against the past."""
    records, _ = said(life, ["cart {0} emptied by itself"], 30, severity="INFO")
    (known,) = [one for one in life.to_state().lines.templates.templates if "cart" in _text(life, one)]
    raised = TemplateFeedback("", "prod", "shop", f"{known:016x}", "error", "bug 7", who="eve")
    life.reclassify(raised, T0 + 30 * S)
    document = _fed(life, [msgspec.structs.replace(one, time_ns=one.time_ns + 40 * S) for one in records])
    counts = {one.signal: one.canary_count for one in document.signals}
    assert counts["log/error"] > 0
    assert counts.get("logs/errors", 0.0) == 0.0


def test_undo_takes_it_back(life):
    """Promise: feedback without a class makes the template what it was; the history keeps both."""
    _, document = said(life, ["order {0} lost"], 30)
    row = row_of(document, "lost")
    life.reclassify(feedback(row, "warning"), T0 + 30 * S)
    assert row_of(life.documents()[-1], "lost").log_class == "warning"
    life.reclassify(feedback(row, None), T0 + 31 * S)
    document = life.documents()[-1]
    assert row_of(document, "lost").log_class == "error"
    assert [one.log_class for one in document.feedback] == ["", "warning"]


def test_what_is_said_at_one_time_has_an_order(life):
    """Promise: also where one of the two takes back; sent twice, it was said once."""
    _, document = said(life, ["order {0} lost"], 30)
    row = row_of(document, "lost")
    for log_class in ("warning", None, "warning", "error"):
        life.reclassify(feedback(row, log_class), T0 + 30 * S)
    document = life.documents()[-1]
    assert [one.log_class for one in document.feedback] == ["warning", "error", ""]
    assert row_of(document, "lost").log_class == "warning"


def test_the_policys_classes_and_masks_are_followed(life):
    """Promise: its own strings win over severity, and its masks make one template of many."""
    logs = LogPolicy(classes=(LogClassRule("lost", False, "warning"),), masks=("tenant [a-z]+",))
    texts = ["order lost of tenant acme", "order lost of tenant bravo"]
    _, document = said(life, texts, 30, policy=WorkloadPolicy(logs=logs))
    assert [(row.log_class, row.source) for row in document.templates] == [("warning", "topic")]


def test_templates_merge_and_keep_their_counts(life):
    """Promise: lines that differ in one word become one row, in which all are counted."""
    texts = [f"lookup of key {word} failed" for word in ("ant", "bee", "cow", "dog", "elk", "fox")]
    _, document = said(life, texts, 60)
    assert row_of(document, "lookup").canary_count == 12 * 6


@pytest.mark.parametrize("log_class", ["ignore", "info", "critical"])
def test_a_template_that_is_reclassified_stays_one_row_with_its_name(life, log_class):
    """What was counted of its signatures is told as one, by its text, whatever it is called, and after a restart."""
    words = ["eu", "us", "asia", "africa", "south", "north"]
    _, document = said(life, [f"ledger {word} out of balance" for word in words] * 4, 60)
    before = row_of(document, "ledger")
    life.reclassify(feedback(before, log_class), T0 + 60 * S)
    (document,) = life.documents()
    row = row_of(document, "ledger")
    assert (row.id, row.canary_count, row.log_class) == (before.id, before.canary_count, log_class)
    assert "ledger" in document.reasons[0]
    assert not [reason for reason in document.reasons if "signature " in reason]
    life.reclassify(feedback(row, None), T0 + 61 * S)
    assert row_of(life.documents()[-1], "ledger") == before


def _text(life: WorkloadLife, number: int) -> str:
    return life.to_state().lines.templates.templates[number].text


def test_examples_are_told_with_their_template(life):
    """Promise: also when it has become part of another since, and after a restart."""
    texts = [f"lookup of key {word} failed" for word in ("ant", "bee", "cow", "dog", "elk", "fox")]
    lines = life._lines
    said(life, texts[:2], 30)
    number = next(one for one in life.to_state().lines.templates.templates if "ant" in _text(life, one))
    lines.show(number, Example(T0, "ERROR lookup of key ant failed, password=x", CANARY, "c0"))
    lines.show(1234, Example(T0, "of no template", CANARY, "c0"))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(life.to_state()), type=WorkloadState)
    more = said(WorkloadLife(SETTINGS, WorkloadState(SHOP)), texts, 30)[0]
    document = _fed(
        WorkloadLife(SETTINGS, stored), [msgspec.structs.replace(one, time_ns=one.time_ns + 40 * S) for one in more]
    )
    example = next(one for one in row_of(document, "lookup").examples if "password" in one.line)
    assert example.line == "ERROR lookup of key ant failed, password=[masked]"
    assert (example.revision, example.pod) == (CANARY, "c0")


def test_signatures_are_remembered_while_their_window_is_open(life):
    """Promise: each window that closes forgets those that no open one has seen, also after a restart."""
    for start, words in ((0, ("a", "b")), (1, ("b", "c")), (2, ("c", "d"))):
        source = Source(Revision(SHOP, CANARY), "c0")
        lines = [LogRecord(source, T0 + start * WINDOW_NS, f"ERROR {word} lost") for word in words]
        for delta in deltas(lines, 1, 1):
            life.add(*delta)
    heard = []
    for end in (1, 2, 3):
        life.close(T0 + end * WINDOW_NS)
        heard.append(sorted(one.text.split()[1] for one in life.to_state().heard.values()))
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(life.to_state()), type=WorkloadState)
        life = WorkloadLife(SETTINGS, stored)
    assert heard == [["b", "c", "d"], ["c", "d"], []]


def test_a_revision_without_a_baseline_is_not_judged_and_says_why(life):
    """Promise: while its baseline may still come it stays undecided, with the reason, whatever it logs."""
    source = Source(Revision(SHOP, CANARY), "c0")
    records = [LogRecord(source, T0 + second * S, "FATAL out of memory") for second in range(60)]
    life.compare(COMPARISON, T0)
    document = _fed(life, records)
    assert (document.verdict, document.risk) == ("none", 50.0)
    assert f"nothing of the baseline {BASELINE} has been seen" in document.reasons[0]


_LETTERS = str.maketrans("01234567", "abcdefgh")


def _flood():
    """Errors of the canary that differ in words, each of them again once or twice, in each of twelve windows."""
    draw, said = random.Random(1), []
    source = Source(Revision(SHOP, CANARY), PODS[CANARY][0])
    for number in range(180):
        second, words = 5 * (number // 15), []
        for each in (number, draw.randrange(number + 1)):
            words += [format(4 * each + place, "o").translate(_LETTERS) for place in range(4)]
        for first in (0, 4):
            text = "ERROR {} of {}, {} or {}".format(*words[first : first + 4])
            said.append(LogRecord(source, T0 + second * S + number, text))
    return said


@pytest.mark.parametrize(("early", "restarts"), [(True, False), (False, True)])
def test_what_is_judged_of_a_flood_of_lines_depends_on_no_order(early, restarts, monkeypatch):
    """Promise: to the bit; not on whether later windows have come when one closes, nor on restarts."""
    monkeypatch.setattr(judged_lines, "MAX_SIGNATURES", 40)
    settings = structs.replace(SETTINGS, ring_ns=20 * S)
    pending = deltas(_flood(), 2, 1)

    def lived(*, early, restarts):
        life, found = WorkloadLife(settings, WorkloadState(SHOP)), []
        life.compare(COMPARISON, T0)
        for end_ns in sorted({summary.start_ns + WINDOW_NS for summary, _, _ in pending}):
            for delta in pending:
                if (T0 if early else delta[0].start_ns) + WINDOW_NS == end_ns:
                    life.add(*delta)
            life.close(end_ns)
            found.append(life.documents()[-1])
            stored = life.to_state()
            found.append(sorted(stored.signatures.items()))
            if restarts:
                again = msgspec.msgpack.decode(msgspec.msgpack.encode(stored), type=WorkloadState)
                life = WorkloadLife(settings, again)
        return found

    assert lived(early=early, restarts=restarts) == lived(early=False, restarts=False)
