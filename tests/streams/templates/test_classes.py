"""How grave a template is: who says so, how sure, why; feedback holds, and carries over to what is alike."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadPolicy
from streams.records.log import Severity
from streams.templates.classes import MAX_SHARED, Classes, ClassesState, Feedback
from streams.templates.expressions import service_masks
from streams.templates.template import template
from streams.templates.topics import DEFAULT_TOPICS, Topic, Topics
from streams.windows.signature import fold, signature

TELEMETRY = (
    "2026-03-01 12:00:00 ERROR [telemetry-1] Failed to flush telemetry batch to collector: connection reset by peer",
    "2026-03-01 12:00:01 ERROR [telemetry-1] Failed to flush telemetry batch to collector: deadline exceeded after 5 s",
    "2026-03-01 12:00:02 ERROR [telemetry-2] Failed to flush telemetry spans to collector: broken pipe",
    "2026-03-01 12:00:03 ERROR [telemetry-3] Failed to flush telemetry metrics to collector: end of stream",
    "2026-03-01 12:00:04 ERROR [telemetry-3] Failed to open telemetry stream to collector: TLS handshake timeout",
)
SIXTH = "2026-03-01 12:09:00 ERROR [telemetry-7] Failed to flush telemetry logs to collector: no route to host"
OTHERS = (
    "2026-03-01 12:00:00 ERROR [http-1] Failed to charge card for order 77: connection reset by peer",
    "2026-03-01 12:00:00 ERROR [http-2] Failed to open connection to orders-db: deadline exceeded",
    "2026-03-01 12:00:00 ERROR [http-1] order 7 failed",
    "2026-03-01 12:00:00 WARN [http-1] slow query took 1200 ms",
    "2026-03-01 12:00:00 ERROR [kafka] Failed to commit offsets to broker: broken pipe",
    "2026-03-01 12:00:00 FATAL [main] out of file handles",
)
UNSEEN_OTHERS = (
    "2026-03-01 12:00:00 ERROR [http-1] Failed to send mail to customer: connection reset by peer",
    "2026-03-01 12:00:00 ERROR [db] Failed to flush journal to disk: no space left on device",
    "2026-03-01 12:00:00 ERROR [main] Failed to open stream: no such file",
    "2026-03-01 12:00:00 ERROR [cart-1] unexpected end of stream while reading cart",
    "2026-03-01 12:00:00 ERROR [x-1] TLS handshake timeout",
)


def _template(line, severity=Severity.UNSET):
    found = signature(fold(line), severity)
    return template(found.text, found.severity)


def _after_feedback(lines=TELEMETRY, log_class="ignore", others=OTHERS):
    classes = Classes()
    for at_ns, line in enumerate(lines):
        said = Feedback(at_ns, "eve", _template(line), log_class, "the collector may fail")
        classes.learn(said, [_template(other) for other in others])
    return classes


@pytest.mark.parametrize(
    ("line", "log_class", "source"),
    [
        ("ERROR java.lang.OutOfMemoryError: Java heap space", "critical", "topic"),
        ("ERROR c.s.Cart failed\njava.lang.NullPointerException: x\n\tat a.B.c(B.java:1)", "critical", "topic"),
        ("12:00:00.123 [main] ERROR FATAL: response is empty", "critical", "topic"),
        ("ERROR order 7 failed", "error", "severity"),
        ("java.lang.NumberFormatException: 7a", "error", "severity"),
        ("GET /x status=404 in 3 ms", "error", "topic"),
        ("GET /x status=200 in 3 ms", "info", "none"),
        ('10.0.0.1 - - [1/Mar/2026] "GET /x HTTP/1.1" 503 12', "error", "topic"),
        ("WARN deprecated", "warning", "severity"),
        ("caught: EXCEPTION in module", "error", "topic"),
        ("INFO retry after java.lang.IllegalStateException", "info", "severity"),
        ("returned NO_ERROR", "info", "none"),
        ("all is well", "info", "none"),
    ],
)
def test_severity_and_topics_give_a_class(line, log_class, source):
    """Promise: topics make a line graver, never lighter, unless the line's own severity says that it is no problem."""
    found = Classes().classify(_template(line))
    assert (found.log_class, found.source) == (log_class, source)
    assert found.why
    assert 0.0 < found.sure_ratio <= 1.0


@pytest.mark.parametrize("topic", DEFAULT_TOPICS, ids=lambda topic: topic.text)
def test_every_default_topic_is_found(topic):
    """Promise: each name of the list gives its class where a line has no severity of its own."""
    found = Topics().default(_template(f"it was {topic.text} here").text, Severity.UNSET)
    assert found is not None
    assert found.log_class == topic.log_class


ACCESS_LOGS = {
    "nginx combined": '172.17.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET /x HTTP/1.1" {} 615 "-" "Mozilla/5.0" "-"',
    "Apache common": '172.17.0.1 - frank [01/Mar/2026:12:00:00 +0000] "GET /x HTTP/1.1" {} 615',
    "Envoy": '[2026-03-01T12:00:00.123Z] "GET /status HTTP/1.1" {} UF 0 91 3 - "-" "curl" "id" "host" "10.0.0.1:80"',
    "Envoy, JSON": '{{"method":"GET","path":"/x","protocol":"HTTP/1.1","response_code":{},"duration":3}}',
    "HAProxy": "haproxy[14389]: 10.0.1.2:33317 [01/Mar/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 {} 2750 "
    '- - ---- 1/1/1/1/0 0/0 {{1wt.eu}} {{}} "GET /index.html HTTP/1.1"',
    "HAProxy, aborted": "10.0.1.2:33317 [01/Mar/2026:12:14:14.655] in static/<NOSRV> 0/-1/-1/-1/+0 {} 0 - - SC-- "
    '1/1/1/1/0 0/0 "GET / HTTP/1.1"',
    "Traefik": '10.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET /api HTTP/1.1" {} 11 "-" "-" 17 "web@docker" '
    '"http://10.0.0.2:80" 3ms',
    "uvicorn": 'INFO:     10.0.0.1:51234 - "GET /orders HTTP/1.1" {} Internal Server Error',
    "uvicorn, in JSON": '{{"level": "INFO", "logger": "uvicorn.access", '
    '"message": "10.0.0.1:51234 - \\"GET /orders HTTP/1.1\\" {}"}}',
    "uvicorn, an apostrophe asked for": 'INFO:     10.0.0.1:51234 - "GET /o\'neil HTTP/1.1" {} Internal Server Error',
    "gunicorn": '10.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET /orders HTTP/1.1" {} 141 "-" "curl/8.0"',
    "Tomcat": '10.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET /shop HTTP/1.1" {} 682',
    "gin": '[GIN] 2026/03/01 - 12:00:00 | {} |      13.2µs |       127.0.0.1 | GET      "/orders"',
    "gin, in colours": "[GIN] 2026/03/01 - 12:00:00 |\x1b[97;41m {} \x1b[0m|      13.2µs |       127.0.0.1 |"
    '\x1b[97;44m GET     \x1b[0m "/orders"',
    "chi": '2026/03/01 12:00:00 "GET http://localhost:3333/orders HTTP/1.1" from 127.0.0.1:5000 - {} 33B in 2.1ms',
    "Django": '[01/Mar/2026 12:00:00] "GET /orders HTTP/1.1" {} 145',
}
"""As they are written by default. Sources: the projects' documentation, at "access log" or "logging"."""


@pytest.mark.parametrize("name", ACCESS_LOGS)
def test_a_server_that_fails_is_an_error_in_any_access_log(name):
    """Promise: 5xx is an error by the default topics, at INFO too where all is written so; other answers are none."""
    found = {
        status: _class_of(Classes(), *_read(ACCESS_LOGS[name].format(status)))[0]
        for status in (200, 302, 404, 500, 503)
    }
    assert found == {200: "info", 302: "info", 404: "info", 500: "error", 503: "error"}


@pytest.mark.parametrize(
    "line",
    [
        'DEBUG urllib3.connectionpool: http://stock:80 "GET /items HTTP/1.1" 503 None',
        'INFO httpx: HTTP Request: GET http://stock/items "HTTP/1.1 503 Service Unavailable"',
        "INFO stock answered status=503, trying again",
        '10.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 503',
        '[GIN] 2026/03/01 - 12:00:00 | 200 |      500ms |       127.0.0.1 | GET      "/orders"',
        'INFO stock answered "GET /items HTTP/1.1" 503, trying again',
    ],
)
def test_what_a_client_was_told_or_a_size_is_no_error(line):
    """Promise: whoever calls others may have tried again; his own level counts. A number of bytes is no status."""
    assert _class_of(Classes(), *_read(line))[0] == "info"


def test_what_a_client_was_told_is_no_error_where_a_shipper_calls_all_of_it_info():
    """Promise: an access log says who asked, or when, before the request; urllib3 says whom it asked."""
    what = signature(fold('urllib3.connectionpool: http://stock:80 "GET /items HTTP/1.1" 503 None'), Severity.INFO)
    assert _class_of(Classes(), what.text, what.severity)[0] == "info"


def test_a_path_before_a_number_is_no_line_of_haproxy():
    """Promise: HAProxy writes five times before the status; four parts of a path are none, and 500 is no status."""
    assert _class_of(Classes(), *_read('read /reports/2026/03/01/12 500 of "GET /reports HTTP/1.1"'))[0] == "info"


def _read(line):
    what = signature(fold(line))
    return what.text, what.severity


def test_the_policy_has_the_last_word_before_feedback():
    """Promise: an operator's own topic wins over severity and defaults, in any line; defaults may be switched off."""
    topics = Topics([Topic("heap space", "ignore"), Topic("qu[o0]ta.*exceeded", "critical", expression=True)])
    classes = Classes(topics)
    assert classes.classify(_template("ERROR java.lang.OutOfMemoryError: Java heap space")).log_class == "ignore"
    assert classes.classify(_template("INFO quota of shop exceeded")).log_class == "critical"
    assert Classes(Topics(defaults=False)).classify(_template("it was NullPointerException")).log_class == "info"


@pytest.mark.parametrize(
    "topic",
    [
        Topic("", "error"),
        Topic("x" * 501, "error"),
        Topic("ORA-00942", "error"),
        Topic("a", "grave"),  # type: ignore[arg-type]
        Topic("(", "error", expression=True),
        Topic(r"(a)\1", "error", expression=True),
        Topic("a(?=b)", "error", expression=True),
    ],
)
def test_a_topic_that_cannot_be_followed_is_refused(topic):
    """Promise: what can never match, or not in linear time, stops at start, naming the field."""
    with pytest.raises(BadPolicy, match="topics"):
        Topics([topic])


def test_masks_that_match_nothing_change_nothing():
    """Promise: a match of nothing makes no hole, and too many are refused."""
    assert service_masks([r"\bx*"])("abc") == "abc"
    with pytest.raises(BadPolicy, match="masks"):
        service_masks(["a"] * 101)


def test_feedback_holds_for_the_template_and_may_be_taken_back():
    """Promise: the last thing said counts, by its time and not by when it comes; None takes it back."""
    classes, what = Classes(), _template("ERROR order 7 failed")
    classes.learn(Feedback(2, "eve", what, "critical", "orders are all we have"))
    classes.learn(Feedback(1, "bob", what, "ignore"))
    found = classes.classify(what)
    assert (found.log_class, found.source, found.sure_ratio) == ("critical", "feedback", 1.0)
    assert "eve" in found.why
    classes.learn(Feedback(3, "eve", what, None))
    assert classes.classify(what).source == "severity"


def test_a_sixth_template_of_a_kind_is_classed_right():
    """Promise: after five of a kind were reclassified an unseen sixth is too, and it says why and how sure it is."""
    found = _after_feedback().classify(_template(SIXTH))
    assert (found.log_class, found.source) == ("ignore", "learned")
    assert 0.5 < found.sure_ratio < 1.0
    assert "4 templates set to ignore" in found.why
    assert "telemetry" in found.why


@pytest.mark.parametrize("line", [*OTHERS, *UNSEEN_OTHERS])
def test_what_is_not_of_the_kind_keeps_its_class(line):
    """Promise: sharing a few words with what was reclassified changes nothing."""
    what = _template(line)
    assert _after_feedback().classify(what) == Classes().classify(what)


def test_a_kind_may_become_graver_as_well():
    """Promise: it works in both directions."""
    assert _after_feedback(log_class="critical").classify(_template(SIXTH)).log_class == "critical"


def test_one_example_is_no_kind():
    """Promise: a single reclassified template changes no other."""
    assert _after_feedback(TELEMETRY[:1]).classify(_template(SIXTH)).source == "severity"


@given(st.permutations(range(len(TELEMETRY))))
def test_feedback_in_any_order_is_the_same(order):
    """Promise: the same feedback gives the same classes to the bit, and the state round-trips."""
    said = [Feedback(at, "eve", _template(line), "ignore") for at, line in enumerate(TELEMETRY)]
    one, other = Classes(), Classes()
    for each in said:
        one.learn(each, [_template(line) for line in OTHERS])
    for place in order:
        other.learn(said[place], [_template(line) for line in reversed(OTHERS)])
    encoded = msgspec.msgpack.encode(one.to_state())
    again = Classes(state=msgspec.msgpack.decode(encoded, type=ClassesState))
    for line in (*TELEMETRY, SIXTH, *UNSEEN_OTHERS):
        found = one.classify(_template(line))
        assert other.classify(_template(line)) == found
        assert again.classify(_template(line)) == found


def test_feedback_is_bounded():
    """Promise: the oldest goes first, contrast keeps the gravest, a long reason is refused."""
    classes = Classes()
    for at_ns in range(600):
        what = template(f"line x{at_ns}", Severity.ERROR)
        classes.learn(Feedback(at_ns, "eve", what, "ignore"), [template(f"other y{at_ns}", Severity.INFO)])
    state = classes.to_state()
    assert min(said.at_ns for said in state.feedback.values()) == 100
    assert len(state.contrast) == 200
    with pytest.raises(BadPolicy, match="reason"):
        classes.learn(Feedback(1, "eve", template("x", Severity.INFO), "ignore", "y" * 501))


def test_tags_are_kept_with_feedback():
    """Promise: tags of a template are those last given."""
    classes, what = Classes(), template("x", Severity.INFO)
    classes.learn(Feedback(1, "eve", what, "info", tags=("db", "slow")))
    assert classes.tags(what) == ("db", "slow")
    assert classes.tags(template("y", Severity.INFO)) == ()


def _shared(line, log_class, *, at_ns=0, scope="all", who="ops", tags=(), severity=Severity.ERROR):
    return Feedback(at_ns, who, template(line, severity), log_class, "everywhere", tags, scope)


def _class_of(classes, line, severity=Severity.ERROR):
    found = classes.classify(template(line, severity))
    return found.log_class, found.source


def test_what_was_said_nearest_counts():
    """Promise: of the workload, else of its namespace, else of all; each is taken back by itself."""
    classes, line = Classes(), "order lost"
    expected = []
    for scope, log_class in (("all", "ignore"), ("namespace", "warning"), ("workload", "critical")):
        said = _shared(line, log_class, scope=scope)
        if scope == "workload":
            classes.learn(said)
        else:
            classes.share(said, [template(line, Severity.ERROR).number])
        expected.append((log_class, "feedback"))
        assert _class_of(classes, line) == expected[-1]
    classes.learn(_shared(line, None, scope="workload", at_ns=1))
    assert _class_of(classes, line) == expected[1]
    classes.share(_shared(line, None, scope="namespace", at_ns=1), [template(line, Severity.ERROR).number])
    found = classes.classify(template(line, Severity.ERROR))
    assert (found.log_class, found.why) == ("ignore", "set by ops for all workloads: everywhere")
    classes.share(_shared(line, None, at_ns=1), [template(line, Severity.ERROR).number])
    assert _class_of(classes, line) == ("error", "severity")


@pytest.mark.parametrize(
    ("said", "line", "holds"),
    [
        ("lookup of key <*> failed", "lookup of key <*> failed", True),
        ("lookup of key <*> failed", "lookup of key ant failed", True),
        ("lookup of key ant failed", "lookup of key <*> failed", False),
        ("lookup of key ant failed", "lookup of key bee failed", False),
        ("lookup of key <*> failed", "lookup of key ant failed twice", False),
        ("lookup of key <*> failed", "lookup of java.io.IOException: <*> failed", False),
        ("write failed: <*>", "write failed: java.io.IOException:", False),
        ("<*> of <*>", "loss of money", False),
        ("<*>", "Crashed", False),
        ("<*>", "<*>", True),
        ("order <*> lost | java.io.IOException @ a.B.c", "order ant lost | java.io.IOException @ a.B.c", True),
        ("order <*> lost | java.io.IOException @ <*>", "order ant lost | java.io.IOException @ a.B.c", False),
    ],
)
def test_what_was_said_for_all_is_never_wider_than_what_was_seen(said, line, holds):
    """Promise: it holds for the template, and where a workload has a word in the place of its hole; no further."""
    classes = Classes()
    classes.share(_shared(said, "ignore"), ())
    assert (_class_of(classes, line)[0] == "ignore") == holds
    assert _class_of(classes, line, Severity.WARN)[0] == "warning"


def test_the_narrowest_that_fits_counts():
    """Promise: of two that were said for all and fit, the one with fewer holes, then the later."""
    classes = Classes()
    wide, narrow = "key <*> of <*> is not there", "key <*> of cart is not there"
    classes.share(_shared(wide, "ignore", at_ns=5), ())
    classes.share(_shared(narrow, "critical", at_ns=1), ())
    assert _class_of(classes, "key ant of cart is not there")[0] == "critical"
    assert _class_of(classes, "key ant of shop is not there")[0] == "ignore"


def test_the_policy_of_a_workload_counts_before_what_was_said_for_all():
    """Promise: nobody mutes from elsewhere what an operator named for this workload; feedback here does."""
    classes = Classes(Topics([Topic("order lost", "critical")]))
    classes.share(_shared("order lost", "ignore"), ())
    assert _class_of(classes, "order lost") == ("critical", "topic")
    classes.learn(_shared("order lost", "ignore", scope="workload"))
    assert _class_of(classes, "order lost") == ("ignore", "feedback")


def test_what_was_said_for_all_teaches_no_kind():
    """Promise: the same words may mean another thing in another workload, whose lines the speaker did not see."""
    classes = Classes()
    for at_ns, line in enumerate(TELEMETRY):
        classes.share(Feedback(at_ns, "eve", _template(line), "ignore", "noise", (), "all"), ())
    assert classes.classify(_template(TELEMETRY[0])).log_class == "ignore"
    assert classes.classify(_template(SIXTH)).source == "severity"


@given(st.permutations([(at, scope, one) for at in range(3) for scope in ("all", "namespace") for one in "ab"]))
def test_what_was_said_for_more_in_any_order_is_the_same(order):
    """Promise: the time at which it was said decides, not when it came."""
    classes = Classes()
    for at_ns, scope, word in order:
        log_class = ("ignore", "warning", None)[at_ns]
        classes.share(_shared(f"order {word} lost", log_class, at_ns=at_ns, scope=scope), ())
    state = classes.to_state()
    assert {one.at_ns for held in state.shared.values() for one in held.values()} == {2}
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ClassesState)
    assert Classes(None, stored).to_state() == state


def test_what_was_said_for_more_is_bounded():
    """Promise: the oldest go first, and own feedback is pushed out by none of it."""
    classes = Classes()
    classes.learn(_shared("own", "ignore", scope="workload"))
    for at_ns in range(MAX_SHARED + 50):
        classes.share(_shared(f"line {at_ns}", "ignore", at_ns=at_ns), ())
    state = classes.to_state()
    assert (len(state.feedback), len(state.shared["all"])) == (1, MAX_SHARED)
    assert min(one.at_ns for one in state.shared["all"].values()) == 50


def test_a_snapshot_from_before_is_read():
    """Promise: one that knows of no feedback but the workload's own."""
    old = msgspec.msgpack.encode([1, {}, {}])
    assert msgspec.msgpack.decode(old, type=ClassesState) == ClassesState()


def test_tags_of_what_was_said_for_all():
    """Promise: they are shown where the workload gave none itself."""
    classes, what = Classes(), template("order lost", Severity.ERROR)
    classes.share(_shared("order lost", "ignore", tags=("library",)), ())
    assert classes.tags(what) == ("library",)
    classes.learn(_shared("order lost", "error", scope="workload", tags=("ours",)))
    assert classes.tags(what) == ("ours",)
