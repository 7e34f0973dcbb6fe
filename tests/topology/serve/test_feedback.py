"""Feedback over HTTP: checked, passed on, and told."""

from __future__ import annotations

import re

import msgspec
import pytest

from streams.records.log import Severity
from streams.risk.comparison import TemplateFeedback
from streams.risk.templates import FeedbackGiven, TemplateContext, TemplateEvidence, TemplateExample, template_id
from streams.templates.template import template

ROW = TemplateEvidence("00000000000000ff", "order <b> lost", "error", "severity", 0.9, "", "unexpected", 0, 3, 1.5, 9.0)
GIVEN = FeedbackGiven("2026-11-24T15:00:00.000Z", "eve", ROW.id, ROW.text, "ignore", "known", ("team-a",))


def _body(pair, **changes):
    body = {"type": "feedback", "cluster": pair.cluster, "namespace": pair.namespace, "workload": pair.workload}
    return {**body, "template": ROW.id, "log_class": "ignore", "reason": "known", "who": "eve", **changes}


async def test_feedback_is_passed_on(serve, pair, judged):
    """To the scorers, once a comparison shows the template."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    response = await serve.client.post("/v1/feedback", json=_body(pair))
    assert (response.status, await response.json()) == (200, {"template": ROW.id, "text": ROW.text})
    said = TemplateFeedback(pair.cluster, pair.namespace, pair.workload, ROW.id, "ignore", "known", (), "eve")
    assert serve.asker.told == [said]


async def test_faults_are_refused_and_pass_on_nothing(serve, pair, judged):
    """A wrong class, an unknown template, a key that is none (it would take back what was said), a stranger's form."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    wrong = [({"log_class": "fatal"}, 400), ({"template": "0" * 16}, 404), ({"who": "a\nb"}, 400)]
    for changes, status in [*wrong, ({"class": "info"}, 400)]:
        assert (await serve.client.post("/v1/feedback", json=_body(pair, **changes))).status == status
    assert (await serve.client.post("/v1/feedback", data={"template": ROW.id})).status == 415
    assert serve.asker.told == []


async def test_history_is_told(serve, pair, judged):
    """Once, though several comparisons carry it."""
    await serve.start()
    serve.publish(judged(feedback=(GIVEN,)))
    response = await serve.client.get(f"/v1/feedback?namespace={pair.namespace}&workload={pair.workload}")
    (one,) = await response.json()
    assert (one["who"], one["template"], one["log_class"], one["tags"]) == ("eve", ROW.id, "ignore", ["team-a"])


async def test_the_page_escapes_what_strangers_wrote(serve, pair, judged):
    """Templates are shown as text."""
    await serve.start()
    serve.publish(judged(templates=(ROW,), feedback=(GIVEN,)))
    page = await serve.text(f"/comparisons/-/{pair.namespace}/{pair.workload}/{pair.baseline}/{pair.canary}")
    assert "order &lt;b&gt; lost" in page
    assert "order <b> lost" not in page


def _page(pair, template=ROW.id):
    return f"/comparisons/-/{pair.namespace}/{pair.workload}/{pair.baseline}/{pair.canary}/templates/{template}"


FORM = {"log_class": "ignore", "reason": "known", "tags": "team-a, noise,", "who": "eve"}
OURS = {"Sec-Fetch-Site": "same-origin"}


async def test_the_form_of_the_page_is_passed_on(serve, pair, judged):
    """As what is posted to the API, and the page is shown again, with what it says on it."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    assert 'name="reason"' in await serve.text(_page(pair))
    response = await serve.client.post(_page(pair), data=FORM, headers=OURS)
    assert response.status == 200  # after the redirect
    assert response.history[0].status == 303
    assert "on its way" in await response.text()
    (said,) = serve.asker.told
    assert (said.of, said.template, said.log_class) == (pair.of, ROW.id, "ignore")
    assert (said.reason, said.tags, said.who) == ("known", ("team-a", "noise"), "eve")


async def test_the_form_takes_back(serve, pair, judged):
    """Also of a template that only the history of feedback still knows."""
    await serve.start()
    serve.publish(judged(feedback=(GIVEN,)))
    assert "team-a" in await serve.text(_page(pair))
    response = await serve.client.post(_page(pair), data={**FORM, "log_class": "as-before", "tags": ""}, headers=OURS)
    assert response.status == 200
    assert (serve.asker.told[0].log_class, serve.asker.told[0].tags) == (None, ())


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://serinus.example"}, False),
        ({"Origin": "https://serinus.example"}, True),
        ({"Origin": "https://serinus.example.evil.example"}, False),
        ({"Origin": "http://serinus.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=x"}, False),
    ],
)
async def test_only_our_own_pages_form_is_taken(serve, pair, judged, headers, taken):
    """A page of somebody else's cannot have it sent, whoever has it open."""
    await serve.start(public_url="https://Serinus.example:443/risk")
    serve.publish(judged(templates=(ROW,)))
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    response = await serve.client.post(
        _page(pair), data="log_class=ignore&reason=known&who=eve", headers=headers, allow_redirects=False
    )
    assert response.status == (303 if taken else 403)
    assert len(serve.asker.told) == taken


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"log_class": "fatal"}, 400),
        ({"log_class": ""}, 400),
        ({"reason": ""}, 400),
        ({"who": ""}, 400),
        ({"who": "a\nb"}, 400),
        ({"reason": "x" * 501}, 400),
        ({"reason": "x" * 20_000}, 400),
        ({"tags": ",".join(map(str, range(11)))}, 400),
        ({f"more-{number}": "" for number in range(10)}, 400),
    ],
)
async def test_what_cannot_be_said_is_told_on_the_page(serve, pair, judged, changes, status):
    """And passed on to nobody."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    response = await serve.client.post(_page(pair), data={**FORM, **changes}, headers=OURS)
    assert response.status == status
    assert "notice" in await response.text()
    assert serve.asker.told == []


async def test_what_was_typed_is_still_there_where_it_is_refused(serve, pair, judged):
    """Promise: nobody types it twice; it is text, also from right to left, and a form of a stranger's leaves none."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    form = {**FORM, "reason": '"><b>\u05d0', "tags": "a, \u05d0", "log_class": "fatal"}
    text = await (await serve.client.post(_page(pair), data=form, headers=OURS)).text()
    for name, value in (("reason", "&#34;&gt;&lt;b&gt;\u05d0"), ("tags", "a, \u05d0"), ("who", "eve")):
        assert re.search(f'name="{name}"[^<>]* value="{value}"', text)
    text = await (await serve.client.post(_page(pair), data=form, headers={"Sec-Fetch-Site": "cross-site"})).text()
    assert 'value="eve"' not in text


async def test_its_page_shows_lines_as_text(serve, pair, judged):
    """With those around them; what strangers wrote is escaped."""
    await serve.start()
    example = TemplateExample("2026-11-24T15:00:00.000Z", pair.canary, "c0", "<i>lost</i>", ("<u>",), ("&amp;",))
    context = TemplateContext(("WARN <s> refused",), (), 3, 1, example=0)
    told = {"examples": (example,), "contexts": (context,), "canary_examples": 5, "baseline_examples": 2}
    serve.publish(judged(templates=(msgspec.structs.replace(ROW, **told),)))
    text = await serve.text(_page(pair))
    assert "3 of 5 examples of the canary, 1 of 2 of the baseline (line 1 below) follow" in text
    assert "<code>WARN &lt;s&gt; refused</code>" in text
    assert "<strong>&lt;i&gt;lost&lt;/i&gt;</strong>" in text
    assert "&lt;u&gt;" in text
    assert "&amp;amp;" in text
    assert "<i>" not in text
    whole = await serve.risk(pair, signals="all")
    assert whole["templates"][0]["examples"][0]["line"] == "<i>lost</i>"
    assert [(await serve.risk(pair))["templates"][0][name] for name in ("examples", "contexts")] == [[], []]


async def test_a_template_that_nobody_shows_has_no_page(serve, pair, judged):
    """404, also for names that are none, and nothing of theirs is shown but as text."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    for name in ("0" * 16, "%3Cb%3E", "x" * 300):
        assert "<b>" not in await serve.text(_page(pair, name), 404)
        assert (await serve.client.post(_page(pair, name), data=FORM, headers=OURS)).status in {400, 404}
    assert serve.asker.told == []


async def test_browsers_may_post_to_us_alone_and_tell_us_where_from(serve, pair, judged):
    """The page's form goes nowhere else; its address goes to no other site, but to us, as `Origin` needs it."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    headers = (await serve.client.get(_page(pair))).headers
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "same-origin"


async def test_the_form_needs_the_token_as_all_else(serve, pair, judged, tmp_path):
    """Without it nothing is taken in."""
    (tmp_path / "token").write_text("secret")
    await serve.start(token_file=str(tmp_path / "token"))
    serve.publish(judged(templates=(ROW,)))
    assert (await serve.client.post(_page(pair), data=FORM, headers=OURS)).status == 401
    allowed = {**OURS, "Authorization": "Bearer secret"}
    assert (await serve.client.post(_page(pair), data=FORM, headers=allowed)).status == 200
    assert len(serve.asker.told) == 1


LOST = template("order <b> lost", Severity.ERROR)
SHARED = msgspec.structs.replace(ROW, id=template_id(LOST.number))


@pytest.mark.parametrize("scope", ["namespace", "all"])
async def test_what_is_said_for_more_takes_the_text_along(serve, pair, judged, scope):
    """Promise: others know the template by its text, which is ours and not the sender's."""
    await serve.start()
    serve.publish(judged(templates=(SHARED,)))
    body = _body(pair, template=SHARED.id, scope=scope, text="of something else")
    assert (await serve.client.post("/v1/feedback", json=body)).status == 200
    (said,) = serve.asker.told
    assert (said.scope, said.text, said.shared) == (scope, LOST.text, True)


async def test_what_a_template_was_is_not_said_for_more(serve, pair, judged):
    """Promise: one whose text is not that of its number, as it has become part of another, is refused."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    response = await serve.client.post("/v1/feedback", json=_body(pair, scope="all"))
    assert response.status == 404
    assert "part of another" in (await response.json())["error"]
    assert (await serve.client.post("/v1/feedback", json=_body(pair, scope="cluster"))).status == 400
    assert serve.asker.told == []


async def test_the_form_says_for_whom_it_holds(serve, pair, judged):
    """Promise: for the workload unless another is chosen; what was said for all is told as such, on both pages."""
    await serve.start()
    given = msgspec.structs.replace(GIVEN, template=SHARED.id, scope="all")
    serve.publish(judged(templates=(SHARED,), feedback=(given,)))
    page = await serve.text(_page(pair, SHARED.id))
    assert "all workloads of prod" in page
    assert "eve for all workloads" in page
    report = await serve.text(f"/comparisons/-/{pair.namespace}/{pair.workload}/{pair.baseline}/{pair.canary}")
    assert "eve for all workloads" in report
    for chosen, scope in (({}, "workload"), ({"scope": "namespace"}, "namespace"), ({"scope": "all"}, "all")):
        response = await serve.client.post(_page(pair, SHARED.id), data={**FORM, **chosen}, headers=OURS)
        assert response.status == 200
        assert serve.asker.told[-1].scope == scope
    odd = await serve.client.post(_page(pair, SHARED.id), data={**FORM, "scope": "galaxy"}, headers=OURS)
    assert odd.status == 400
    history = await serve.client.get(f"/v1/feedback?namespace={pair.namespace}&workload={pair.workload}")
    assert [one["scope"] for one in await history.json()] == ["all"]
