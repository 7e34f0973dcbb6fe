"""What the document says of new shapes of traces: which line, how often, on how many traces, and where to look."""

from __future__ import annotations

import random

import msgspec

from streams.judging.judge import JudgeSettings
from streams.policy.workload_policy import WorkloadPolicy
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.risk.comparison import Comparison
from streams.windows.roller import Roller
from streams.windows.summary import Limits
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadSettings, WorkloadState

S = 1_000_000_000
WINDOW_NS = 5 * S
T0 = 1_700_000_000 * S
SHOP = Workload("", "prod", "shop")
SETTINGS = WorkloadSettings(judge=JudgeSettings(alpha=0.05, planned_ns=60 * S))
ROLLOUTS, SECONDS = 6, 60
LAST = f"v{ROLLOUTS}"
USUAL = (
    "GET /pay",
    "charged card of order 7",
    "charged fee of order 7",
    "wrote ledger entry 3",
    "wrote ledger entry 4",
)


def recording(lines, *, every_s=1, prefix=""):
    """Records of rollouts one after another: a trace a second and pod; the last canary logs these lines for some."""
    records = []
    for rollout in range(ROLLOUTS):
        for second in range(SECONDS):
            for name in (f"v{rollout}", f"v{rollout + 1}"):
                at_ns = T0 + (rollout * SECONDS + second) * S
                for pod in range(2):
                    source = Source(Revision(SHOP, name), f"shop-{name}-{pod}")
                    told, trace = (
                        lines if name == LAST and second % every_s == 0 else USUAL,
                        f"{rollout} {second} {name} {pod}",
                    )
                    trace_id = f"{prefix}{random.Random(trace).randrange(16**16):016x}"
                    records += [LogRecord(source, at_ns + at, line, trace_id=trace_id) for at, line in enumerate(told)]
    return records


def lived(records, *, parts=1, restart_each=False, policy=None):
    """The life, and the last document of the last rollout."""
    life, last, draw = WorkloadLife(SETTINGS, WorkloadState(SHOP)), None, random.Random(parts)
    shuffled = list(records)
    draw.shuffle(shuffled)
    pending = []
    for number in range(parts):
        roller = Roller(WINDOW_NS, Limits())
        roller.add_all(shuffled[number::parts])
        rolled = roller.drain()
        pending += [(summary, rolled.signatures, rolled.series) for summary in rolled.summaries]
    draw.shuffle(pending)
    for number, end_ns in enumerate(sorted({summary.start_ns + WINDOW_NS for summary, _, _ in pending})):
        rollout, first = divmod(number * 5, SECONDS)
        pair = Comparison("", "prod", "shop", f"v{rollout}", f"v{rollout + 1}")
        if not first:
            life.compare(pair, end_ns - WINDOW_NS, policy=policy)
        for delta in [each for each in pending if each[0].start_ns + WINDOW_NS == end_ns]:
            life.add(*delta)
        life.close(end_ns)
        last = next((one for one in life.documents() if one.comparison == pair), last)
        if first == SECONDS - 5 and rollout < ROLLOUTS - 1:
            life.end(pair, "promoted", end_ns)
        if restart_each:
            stored = msgspec.msgpack.encode(life.to_state())
            life = WorkloadLife(SETTINGS, msgspec.msgpack.decode(stored, type=WorkloadState))
    return life, last


MISSED = recording(("GET /pay", *USUAL[1:4]))
"""The last canary writes one ledger entry where all before write two."""


def test_the_reason_names_the_line_that_is_logged_once_instead_of_twice():
    """Promise: who is woken reads which line, how often, on how many traces of both sides, and a trace to look for."""
    document = lived(MISSED)[1]
    assert document.verdict == "fail"
    (shape,) = document.shapes
    said, found = document.reasons[0].split("): ")
    assert said.startswith("100 traces with lines, or numbers of lines, never seen together before in 120 pod-seconds")
    assert found == (
        "100 log `wrote ledger entry <*>` once instead of twice, else as 120 of the baseline"
        f" (such as trace {shape.trace_id})"
    )
    (change,) = shape.changes
    assert (change.text, change.canary_lines, change.baseline_lines) == ("wrote ledger entry <*>", 1, 2)
    assert shape.trace_id in {record.trace_id for record in MISSED if record.source.revision.pod_template_hash == LAST}


def test_portions_their_order_and_restarts_change_nothing():
    """Shapes and their ids are those of the records, however they were spread over workers; snapshots hold them."""
    whole = lived(MISSED)[1]
    assert lived(MISSED, parts=3)[1] == whole
    assert lived(MISSED, restart_each=True)[1] == whole


def test_a_line_that_only_the_canary_logs_is_named_by_itself():
    """In a third of its traces: were it in most, log statements would have changed, which is no evidence."""
    document = lived(recording((*USUAL, "released hold of order 9"), every_s=3))[1]
    (shape,) = document.shapes
    assert [(change.text, change.baseline_lines) for change in shape.changes] == [("released hold of order <*>", 0)]


def test_an_id_that_may_not_be_shown_is_not():
    """A mail address for a correlation id: the shape is told without."""
    document = lived(recording(USUAL[:4], prefix="eve@shop.example-"))[1]
    assert document.shapes[0].trace_id == ""
    assert "such as" not in document.reasons[0]


def test_a_secret_in_a_named_line_is_masked():
    """A line of any class may be named, also one that nobody looked at before."""
    document = lived(recording((*USUAL, "login of order 9, password: swordfish"), every_s=3))[1]
    (shape,) = document.shapes
    assert [change.text for change in shape.changes] == ["login of order <*>, password: [masked]"]
    assert "swordfish" not in document.reasons[0]


def test_with_a_look_back_the_sentence_of_what_failed_stands_once():
    """It is kept from the window that failed, where no lines are at hand; the document of that window tells them."""
    decided_ns = T0 + (5 * SECONDS + 40) * S
    records = [record for record in MISSED if record.time_ns < decided_ns]
    document = lived(records, policy=WorkloadPolicy(look_back_ns=120 * S))[1]
    assert (document.verdict, document.decided_at) == ("fail", document.as_of)
    (reason,) = document.reasons
    assert "): 60 log `wrote ledger entry <*>` once instead of twice" in reason
