"""Grave lines are shown with what stood around them: few, short, without secrets, and the same however deltas merge."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from streams.records.identity import Source
from streams.records.log import LogRecord, Severity
from streams.windows import secrets
from streams.windows.continuation import goes_on
from streams.windows.excerpts import MAX_CHARACTERS, Excerpt
from streams.windows.roller import Roller
from streams.windows.signature import fold, signature
from streams.windows.summary import Limits, PodSummary, Summary, merge, trim
from tests.streams.windows.test_summary import REVISION, WINDOW_NS, canonical
from tests.streams.windows.traces import TRACES

LIMITS = Limits(excerpts=5, excerpts_per_signature=2)
excerpts = st.builds(Excerpt, st.integers(0, 3), st.sampled_from("abc"), st.just(("x",)), st.just(()))
parts = st.builds(
    lambda pods: Summary(
        REVISION, 0, pods={f"p{n}": PodSummary(lines={0: 1}, excerpts=each) for n, each in pods.items()}
    ),
    st.dictionaries(st.integers(0, 5), st.dictionaries(st.integers(0, 5), excerpts, min_size=1), max_size=4),
)


def rolled(records, limits=LIMITS, run=1000):
    """The one summary of a pod's records, read in runs, and what its numbers stand for."""
    roller = Roller(WINDOW_NS, limits)
    for start in range(0, len(records), run):
        roller.add_all(records[start : start + run])
    result = roller.drain()
    return result.summaries[0], result.signatures


def log(text, pod="p", time_ns=0):
    """One line."""
    return LogRecord(Source(REVISION, pod), time_ns, text)


def test_an_error_is_shown_with_the_lines_of_its_pod_around_it():
    """Promise: five lines before and after, of the same pod and run; other lines are not shown."""
    records = (
        [log(f"INFO {word}") for word in "abcdef"] + [log("ERROR no stock")] + [log(f"INFO {w}") for w in "ghijklm"]
    )
    mixed = [record for each in records for record in (each, log("INFO other", "q"))]
    summary, signatures = rolled(mixed)
    (number,) = summary.pods["p"].excerpts
    assert signatures[number].text == "ERROR no stock"
    assert summary.pods["p"].excerpts[number] == Excerpt(
        0,
        "ERROR no stock",
        ("INFO b", "INFO c", "INFO d", "INFO e", "INFO f"),
        ("INFO g", "INFO h", "INFO i", "INFO j", "INFO k"),
    )
    assert summary.pods["q"].excerpts == {}


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_shown_with_the_line_that_names_the_exception(name):
    """Promise: frames, causes and source lines stand below the line they go on with, and are no context of it."""
    lines = ["INFO before", *TRACES[name].split("\n"), "INFO after"]
    summary, signatures = rolled([log(line) for line in lines])
    shown = summary.pods["p"].excerpts
    assert shown
    for number, excerpt in shown.items():
        head, *event = excerpt.line.split("\n")
        assert signature(fold(head)) == signatures[number]
        assert all(goes_on(line, Severity.UNSET) for line in event)
        assert not excerpt.after or not goes_on(excerpt.after[0], Severity.UNSET)


def test_a_sidecars_lines_are_none_of_what_stands_around_an_error():
    """Promise: those of the same container are, of either stream; only one stream's go on with the event."""

    def written(text, container="app", stream="stderr"):
        return LogRecord(Source(REVISION, "p"), 0, text, container=container, stream=stream)

    lines = [
        written("INFO a", stream="stdout"),
        written("GET /cart", "proxy"),
        written("ERROR no stock"),
        written("\tat proxy.Filter", "proxy"),
        written("INFO b", stream="stdout"),
        written("\tat a.B.c(B.java:1)"),
        written("INFO c"),
        written("GET /pay", "proxy"),
    ]
    for run in (lines, [lines]):
        made = Roller(WINDOW_NS, LIMITS)
        made.add_all(run)
        (excerpt,) = made.drain().summaries[0].pods["p"].excerpts.values()
        assert excerpt == Excerpt(0, "ERROR no stock\n\tat a.B.c(B.java:1)", ("INFO a",), ("INFO b", "INFO c"))


def test_context_within_one_message_of_many_records():
    """Promise: the records of one message (OTLP) are lines around each other, and those of the messages beside it."""
    several = [log("INFO b"), log("ERROR no stock"), log("\tat a.B.c(B.java:1)"), log("INFO c")]
    roller = Roller(WINDOW_NS, LIMITS, 2)
    roller.add_all([log("INFO a"), several, [log("INFO d"), log("INFO e")]])
    (excerpt,) = roller.drain().summaries[0].pods["p"].excerpts.values()
    assert excerpt == Excerpt(0, "ERROR no stock\n\tat a.B.c(B.java:1)", ("INFO a", "INFO b"), ("INFO c", "INFO d"))


def test_a_pair_is_shown_once_a_window_by_one_worker():
    """Promise: later transactions of the window cut nothing out again; one read again does."""
    roller, run = Roller(WINDOW_NS, LIMITS), [log("ERROR no stock")]

    def shown():
        roller.add_all(run)
        return sum(len(pod.excerpts) for each in roller.drain().summaries for pod in each.pods.values())

    assert (shown(), shown()) == (1, 0)
    roller.rewind()
    assert shown() == 1


def test_no_secret_leaves_and_all_is_short():
    """Promise: secrets are masked in the line and around it, also where the line is cut; each is bounded."""
    records = [log("token=abcdefgh12345678 " + "x" * 10**6), log("ERROR password=hunter2 " + "y " * 10**6)]
    summary, _ = rolled(records)
    (excerpt,) = summary.pods["p"].excerpts.values()
    assert "hunter2" not in excerpt.line
    assert "abcdefgh" not in excerpt.before[0]
    assert (len(excerpt.line), len(excerpt.before[0])) == (MAX_CHARACTERS, MAX_CHARACTERS // 4)


def test_what_is_not_seen_of_a_line_does_not_leave():
    """Promise: no terminal escape, control character or reordered text; a secret between colours is masked too."""
    coloured = "\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m \x1b[36muser\x1b[0m=\x1b[35meve\x1b[0m"
    records = [
        log(f"INFO \u202e{coloured}"),
        log(f"ERROR no\u061c stock\x00\x07 {coloured}"),
        log("\tat a.B.c(B.java:1)"),
    ]
    summary, _ = rolled(records)
    (excerpt,) = summary.pods["p"].excerpts.values()
    assert excerpt.line == "ERROR no stock password=[masked] user=eve\n\tat a.B.c(B.java:1)"
    assert excerpt.before == ("INFO password=[masked] user=eve",)


@settings(max_examples=200, deadline=None)
@given(st.lists(parts, max_size=6), st.integers(0, 2**32))
def test_excerpts_merge_in_any_order_to_the_same(deltas, seed):
    """Promise: trimmed after each merge or once at the end, in whichever order: the same excerpts, within bounds."""

    def merged(summaries, *, at_once):
        whole = Summary(REVISION, 0)
        for each in summaries:
            delta = msgpack.decode(msgpack.encode(each), type=Summary)
            if not at_once:
                trim(delta, LIMITS, severity)
            merge(whole, delta)
            if not at_once:
                trim(whole, LIMITS, severity)
        trim(whole, LIMITS, severity)
        return canonical(whole)

    def severity(number):
        return number % 3

    shuffled = random.Random(seed).sample(deltas, len(deltas))
    assert merged(shuffled, at_once=False) == merged(deltas, at_once=True)


def test_a_flood_of_distinct_errors_is_bounded_and_the_gravest_are_shown():
    """Promise: a hundred thousand distinct errors show as many as one; a later fatal one is among them; all count."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    flood = [log(f"ERROR {a}{b}{c}x failed") for a in letters for b in letters for c in letters]
    summary, signatures = rolled([*flood, log("FATAL disk gone")], Limits(excerpts=5))
    shown = [signatures[number] for number in summary.pods["p"].excerpts]
    assert len(shown) == 5
    assert Severity.FATAL in {what.severity for what in shown}
    assert summary.records == len(flood) + 1


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10**7,
        "\x1b[31mERROR\x1b[0m \x00\x07 boom",
        "ERROR \ud800 half",
        "ERROR " + "\u202e" * 5000,
        "\tat " * 10**6,
    ],
)
def test_hostile_lines_are_counted_and_shown_short(text):
    """Promise: lines of any length and of any characters count once, and what is shown can be sent."""
    summary, _ = rolled([log(text), log("INFO after")])
    assert summary.records == 2
    assert len(msgpack.encode(summary)) < 20_000


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*"aZ9 -:=@/.+", "pass", "Key", "4111 1111 1111 1111", "Q7x" * 14, "eyJ", "sk-"])).map(
        "".join
    )
)
def test_what_is_not_worth_looking_at_holds_no_secret(text):
    """Promise: the quick look never misses what the expression finds."""
    if not secrets.may_hold_secrets(text):
        assert secrets._SECRET.search(text) is None
