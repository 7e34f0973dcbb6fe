"""What serve says of alarms, and what it does with what people say of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import jsonschema
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from streams.watch.alarm import AlarmSignal
from streams.watch.feedback import AlarmFeedback
from tests.topology.alarms.documents import RAISED_S, alarm, at, word
from topology.alarms.view import AlarmView
from topology.serve.alarm_answer import AlarmAnswer
from topology.serve.server import build
from topology.settings import Kafka, ServeSettings

HOSTILE = "<script>alert('x')</script>\"'&{{7*7}}"
SAID: dict[str, Any] = {"kind": "acknowledge", "reason": "looking at it", "who": "ada"}


@pytest.fixture
async def ringing(serve):
    """A server whose view of alarms the test feeds."""
    view = AlarmView()
    view.caught_up = True
    settings = ServeSettings(Kafka("localhost:1"), public_url="https://serinus.example/")
    serve.now_s = RAISED_S + 15
    app = build(settings, serve.view, serve.asker, serve.witness, serve.telemetry, lambda: serve.now_s, view)
    serve.client = TestClient(TestServer(app))
    await serve.client.start_server()

    def put(*alarms) -> None:
        for each in alarms:
            assert view.apply_alarm(each.id.encode(), msgspec.json.encode(each)) is None

    serve.alarms, serve.put = view, put
    return serve


async def listed(serve, **parameters) -> list[dict[str, Any]]:
    """The alarms that are answered."""
    response = await serve.client.get("/v1/alarms", params=parameters)
    assert response.status == 200
    found: list[dict[str, Any]] = await response.json()
    return found


async def gauges(serve) -> dict[tuple[str, ...], float]:
    """Name, workload and signal -> value."""
    families = text_string_to_metric_families(await serve.text("/metrics"))
    return {
        (sample.name, sample.labels["workload"], *filter(None, [sample.labels.get("signal")])): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(("serinus_alarm_", "serinus_watch_"))
    }


async def test_every_field_is_there(ringing):
    """Whatever is known, so that a reader may rely on each; it says how old it is and where people look."""
    ringing.put(alarm())
    (found,) = await listed(ringing)
    assert set(found) == set(AlarmAnswer.__struct_fields__)
    assert found["age_s"] == 15.0
    assert found["cleared_at"] == ""
    assert found["report_url"] == "https://serinus.example/alarms/-/prod/shop/2026-08-21T08%3A13%3A20.000Z"
    description = await (await ringing.client.get("/openapi.json")).json()
    schema = {"$ref": "#/components/schemas/AlarmAnswer", "components": description["components"]}
    jsonschema.validate(found, schema)


async def test_filters(ringing):
    """By namespace, workload and state; the active come first, by score; a fault in the query is told."""
    ringing.put(
        alarm(workload="calm", cleared_s=RAISED_S + 12),
        alarm(),
        alarm(workload="till", score=9.0, state="held"),
        alarm(workload="elsewhere", namespace="test", score=1.1),
    )

    async def names(**parameters) -> list[str]:
        return [each["workload"] for each in await listed(ringing, **parameters)]

    assert await names() == ["till", "shop", "elsewhere", "calm"]
    assert await names(namespace="test") == ["elsewhere"]
    assert await names(workload="shop") == ["shop"]
    assert await names(state="cleared") == ["calm"]
    assert await names(state="held") == ["till"]
    assert await names(state="active", limit="2") == ["till", "shop"]
    assert await names(cluster="eu") == []
    response = await ringing.client.get("/v1/alarms", params={"state": "running"})
    assert response.status == 400
    assert "raised, held, cleared or active" in (await response.json())["error"]


async def test_nothing_is_said_before_all_was_read(ringing):
    """An empty list would say that all is well."""
    ringing.alarms.caught_up = False
    assert (await ringing.client.get("/v1/alarms")).status == 503
    said = {**SAID, "alarm_id": alarm().id}
    assert (await ringing.client.post("/v1/alarms/feedback", json=said)).status == 503


async def test_gauges_vanish(ringing):
    """While it rings an alarm, its workload and its signals have series; once cleared not one is left."""
    more = AlarmSignal("cpu", "levels", "1", "higher", 0.1, 0.4, 4.0, 1.2, at(RAISED_S))
    ringing.put(alarm(signals=(*alarm().signals, more)), alarm(raised_s=RAISED_S + 5, score=2.5))
    assert await gauges(ringing) == {
        ("serinus_alarm_active", "shop"): 1.0,
        ("serinus_alarm_acknowledged", "shop"): 0.0,
        ("serinus_alarm_silenced", "shop"): 0.0,
        ("serinus_watch_score", "shop"): 2.5,
        ("serinus_watch_signal_score", "shop", "requests/error"): 1.5,
        ("serinus_watch_signal_score", "shop", "cpu"): 1.2,
    }
    ringing.put(alarm(cleared_s=RAISED_S + 30), alarm(raised_s=RAISED_S + 5, cleared_s=RAISED_S + 30))
    assert await gauges(ringing) == {}


@pytest.mark.parametrize("kind", ["nothing", "real", "acknowledge", "silence"])
async def test_what_is_said_goes_to_kafka(ringing, kind):
    """As an event of the alarm's workload, whatever it is about."""
    ringing.put(alarm())
    said = {**SAID, "alarm_id": alarm().id, "kind": kind}
    response = await ringing.client.post("/v1/alarms/feedback", json=said)
    assert response.status == 200
    assert await response.json() == {"alarm_id": alarm().id, "kind": kind}
    assert ringing.asker.told == [AlarmFeedback(alarm().id, "", "prod", "shop", kind, "looking at it", "ada")]


async def test_what_was_said_is_shown(ringing):
    """Once it has come back from Kafka: in the answer, and in the gauges."""
    ringing.put(alarm())
    for said in (word(alarm(), "acknowledge"), word(alarm(), "silence", until=at(RAISED_S + 100))):
        assert ringing.alarms.apply_event(msgspec.json.encode(said), RAISED_S + 12) is None
    (found,) = await listed(ringing)
    assert (found["acknowledged"], found["silenced"], found["silenced_until"]) == (True, True, at(RAISED_S + 100))
    assert {each["kind"] for each in found["feedback"]} == {"acknowledge", "silence"}
    assert (await gauges(ringing))["serinus_alarm_silenced", "shop"] == 1.0
    ringing.now_s = RAISED_S + 100
    (found,) = await listed(ringing)
    assert (found["acknowledged"], found["silenced"], found["silenced_until"]) == (True, False, "")
    assert (await gauges(ringing))["serinus_alarm_silenced", "shop"] == 0.0


async def test_an_acknowledgement_is_taken_back(ringing):
    """As a silence is: by an end that has passed. What was said last stays to be read; one without an end holds."""
    ringing.put(alarm())
    at_s = RAISED_S + 12
    for until, acknowledged in ((None, True), (at(at_s + 60), True), (at(at_s - 1), False)):
        said = word(alarm(), "acknowledge", until=until)
        assert ringing.alarms.apply_event(msgspec.json.encode(said), at_s) is None
        ringing.now_s = at_s
        (found,) = await listed(ringing)
        assert found["acknowledged"] is acknowledged
        assert found["feedback"][0]["until"] == (until or "")
        assert (await gauges(ringing))["serinus_alarm_acknowledged", "shop"] == float(acknowledged)
    assert "somebody is on it" not in await ringing.text("/alarms")
    back = {**SAID, "alarm_id": alarm().id, "until": at(RAISED_S)}
    assert (await ringing.client.post("/v1/alarms/feedback", json=back)).status == 200
    assert ringing.asker.told[0].until == at(RAISED_S)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"alarm_id": "/prod/shop/never"}, 404, "no alarm is known"),
        ({"kind": "boring"}, 400, "boring"),
        ({"kind": "boring"}, 400, "nothing, real, acknowledge, silence"),
        ({"reason": ""}, 400, "reason"),
        ({"who": ""}, 400, "who"),
        ({"who": "a\nb"}, 400, "who"),
        ({"reason": "\x1b[31mred"}, 400, "printable"),
        ({"note": "?"}, 400, "note"),
        ({"by": "ada"}, 400, "by"),
        ({"kind": "real", "until": at(RAISED_S + 60)}, 400, "only acknowledge and silence have an end"),
        ({"kind": "silence", "until": "tomorrow"}, 400, "tomorrow"),
        ({"kind": "silence", "until": "2026-08-21T08:20:00"}, 400, "offset"),
        ({"kind": "silence", "until": at(RAISED_S + 8 * 86_400)}, 400, "seven days"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_bad_feedback_is_refused(ringing, changes, status, words):
    """With what is wrong with it, and nothing is sent."""
    ringing.put(alarm())
    response = await ringing.client.post("/v1/alarms/feedback", json={**SAID, "alarm_id": alarm().id, **changes})
    assert response.status == status
    assert words in (await response.json())["error"]
    assert ringing.asker.told == []


async def test_a_form_of_another_page_is_refused(ringing):
    """A browser sends JSON to another site only if that site lets it."""
    ringing.put(alarm())
    body = msgspec.json.encode({**SAID, "alarm_id": alarm().id})
    response = await ringing.client.post("/v1/alarms/feedback", data=body, headers={"Content-Type": "text/plain"})
    assert response.status == 415
    assert ringing.asker.told == []


async def test_feedback_is_held_back_while_kafka_takes_nothing(ringing):
    """Rather than lost."""
    ringing.put(alarm())
    ringing.asker.full = True
    said = {**SAID, "alarm_id": alarm().id}
    assert (await ringing.client.post("/v1/alarms/feedback", json=said)).status == 503


async def test_the_page_shows_all(ringing):
    """What rings with its signals, suspects, lines and words, and what has cleared; the link leads to its place."""
    ringing.put(alarm(), alarm(workload="calm", cleared_s=RAISED_S + 12))
    ringing.alarms.apply_event(msgspec.json.encode(word(alarm(), "acknowledge")), RAISED_S + 12)
    page = await ringing.text("/alarms")
    for words in ("requests/error", "It was deployed 30 s before.", "NullPointerException", "known migration", "calm"):
        assert words in page
    (found,) = await listed(ringing, workload="shop")
    suspects, _, lines = page.partition("What may have caused it")[2].partition("Lines of it")
    assert "deployed" in suspects
    assert "NullPointerException" in lines
    path = found["report_url"].removeprefix("https://serinus.example/")
    assert f'href="./{path}"' in page
    assert "NullPointerException" in await ringing.text(f"/{path}")
    assert "No alarm is known" in await _empty(ringing)


async def _empty(serve) -> str:
    for known in serve.alarms.all():
        serve.alarms.apply_alarm(known.alarm.id.encode(), None)
    return str(await serve.text("/alarms"))


PAGE = f"/alarms/-/prod/shop/{quote(at(RAISED_S), safe='')}"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("fields", "until_s"),
    [
        ({"kind": "acknowledge", "lasts": ""}, None),
        ({"kind": "acknowledge", "lasts": "4"}, 4 * 3600),
        ({"kind": "silence", "lasts": "168"}, 7 * 86_400),
        ({"kind": "silence", "lasts": "back"}, 0),
        ({"kind": "real", "lasts": "24"}, None),
        ({"kind": "nothing"}, None),
    ],
)
async def test_the_form_of_an_alarm_is_passed_on(ringing, fields, until_s):
    """Promise: as what is posted to the API; the page is shown again, and does not load anew while somebody types."""
    ringing.put(alarm(cluster="eu"))
    page = PAGE.replace("-", "eu", 1)
    shown = await ringing.text(page)
    assert ('name="reason"' in shown, "http-equiv" in shown) == (True, False)
    form = {"reason": "known", "who": "eve", **fields}
    response = await ringing.client.post(page, data=form, headers=OURS)
    assert (response.status, response.history[0].status) == (200, 303)
    assert "on its way" in await response.text()
    until = None if until_s is None else at(ringing.now_s + until_s)
    alarm_id = alarm(cluster="eu").id
    assert ringing.asker.told == [AlarmFeedback(alarm_id, "eu", "prod", "shop", fields["kind"], "known", "eve", until)]


async def test_a_cleared_alarm_can_still_be_judged(ringing):
    """Promise: that it was real or nothing; there is nobody left to acknowledge or silence it."""
    ringing.put(alarm(cleared_s=RAISED_S + 12))
    shown = await ringing.text(PAGE)
    assert [f'value="{kind}"' in shown for kind in ("real", "nothing", "acknowledge", "silence")] == [
        True,
        True,
        False,
        False,
    ]
    response = await ringing.client.post(PAGE, data={"kind": "nothing", "reason": "a test", "who": "eve"}, headers=OURS)
    assert response.status == 200
    assert [said.kind for said in ringing.asker.told] == ["nothing"]


@pytest.mark.parametrize(
    ("changes", "headers", "status"),
    [
        ({"kind": "boring"}, OURS, 400),
        ({"kind": ""}, OURS, 400),
        ({"reason": ""}, OURS, 400),
        ({"who": ""}, OURS, 400),
        ({"lasts": "9999"}, OURS, 400),
        ({"reason": "x" * 20_000}, OURS, 400),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Origin": "https://evil.example"}, 403),
        ({}, {}, 403),
    ],
)
async def test_a_form_that_is_refused_says_why(ringing, changes, headers, status):
    """Promise: on the page, and nothing is passed on; no page of a stranger's can have it sent."""
    ringing.put(alarm())
    form = {"kind": "real", "reason": "known", "who": "eve", **changes}
    response = await ringing.client.post(PAGE, data=form, headers=headers)
    assert response.status == status
    page = await response.text()
    assert "notice" in page
    assert ('value="known"' in page) == (form["reason"] == "known" and status == 400)  # typed once is enough
    assert ringing.asker.told == []


async def test_an_alarm_that_nobody_knows_has_no_page(ringing):
    """Promise: 404, also for names that are none, and nothing of theirs is shown but as text."""
    ringing.put(alarm())
    for name in (PAGE.replace("shop", "till"), "/alarms/-/prod/%3Cb%3E/never", "/alarms/-/prod/shop/%2F"):
        assert "<b>" not in await ringing.text(name, 404)
        form = {"kind": "real", "reason": "known", "who": "eve"}
        assert (await ringing.client.post(name, data=form, headers=OURS)).status == 404
    assert ringing.asker.told == []


async def test_log_lines_cannot_write_the_page(ringing):
    """Nor can names, summaries or what people say."""
    signal = msgspec.structs.replace(alarm().signals[0], signal=HOSTILE, unit=HOSTILE)
    ringing.put(alarm(summary=HOSTILE, examples=(HOSTILE,), signals=(signal,), revision=HOSTILE))
    ringing.alarms.apply_event(msgspec.json.encode(word(alarm(), "real", reason=HOSTILE, who=HOSTILE)), RAISED_S)
    page = await ringing.text("/alarms") + await ringing.text(PAGE)
    assert "<script" not in page


async def test_words_from_right_to_left_move_no_number(ringing):
    """Promise: on a page they are isolated (UAX #9), so that what stands behind them stays there; tags are whole."""
    ringing.put(alarm(summary='the line "\u05e9\u05dc\u05d5\u05dd \u05d0" 10 times, 2 before', examples=("\u0627<b>",)))
    page = await ringing.text(PAGE)
    assert "&#34;<bdi>\u05e9\u05dc\u05d5\u05dd \u05d0</bdi>&#34; 10 times" in page
    assert "<bdi>\u0627</bdi>&lt;b&gt;" in page
