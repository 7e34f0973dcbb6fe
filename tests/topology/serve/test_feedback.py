"""Feedback over HTTP: checked, passed on, and told."""

from __future__ import annotations

from streams.risk.comparison import TemplateFeedback
from streams.risk.templates import FeedbackGiven, TemplateEvidence

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
    """A wrong class, an unknown template, a form of another site."""
    await serve.start()
    serve.publish(judged(templates=(ROW,)))
    for changes, status in (({"log_class": "fatal"}, 400), ({"template": "0" * 16}, 404), ({"who": "a\nb"}, 400)):
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
