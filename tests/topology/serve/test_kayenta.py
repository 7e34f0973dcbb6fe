"""The routes of Argo's kayenta provider; what Argo itself makes of them is in tests/argo."""

from __future__ import annotations

import json

import jsonschema
import pytest

from streams.errors import BadPolicy
from streams.records.identity import Workload
from streams.risk.comparison import Comparison
from topology.serve import kayenta_scope
from topology.serve.kayenta import LEAST_S, MOST_S, fitted, read_config
from topology.serve.kayenta_messages import Run
from topology.serve.kayenta_scope import BadScope

from .conftest import NOW_S

TEXT = "namespace=prod,rollout=shop,rollouts-pod-template-hash="


def _body(pair, text=TEXT, thresholds=(95, 75), times=None):
    scopes = {
        side: {"scope": text + hash_, "location": "us-east-1", "step": 60} | (times or {})
        for side, hash_ in (("controlScope", pair.baseline), ("experimentScope", pair.canary))
    }
    return {"scopes": {"default": scopes}, "thresholds": dict(zip(("pass", "marginal"), thresholds, strict=True))}


async def _begin(serve, body, config="serinus"):
    response = await serve.client.post(f"/kayenta/canary/{config}?application=shop", json=body)
    assert response.status == 200, await response.text()
    return (await response.json())["canaryExecutionId"]


async def _status(serve, run):
    return json.loads(await serve.text(f"/kayenta/canary/{run}"))


def _score(status):
    return status["result"]["judgeResult"]["score"]


@pytest.mark.parametrize(
    ("verdict", "risk", "score", "classification"),
    [
        ("pass", 2.0, 98, "Pass"),
        ("pass", 20.0, 95, "Pass"),
        ("fail", 100.0, 0, "Fail"),
        ("marginal", 70.0, 75, "Marginal"),
    ],
)
async def test_verdict_decides(serve, pair, judged, verdict, risk, score, classification):
    """A run is complete as soon as there is a verdict, and its score is where the thresholds make Argo do the same."""
    serve.publish(judged(verdict=verdict, risk=risk, score=100 - risk))
    await serve.start()
    status = await _status(serve, await _begin(serve, _body(pair)))
    assert status["complete"] is True
    assert _score(status)["score"] == score
    assert _score(status)["classification"] == classification
    assert _score(status)["classificationReason"].startswith("log/error")
    assert status["reportUrl"].endswith("/comparisons/-/prod/shop/5d5c7b9f4/6f8d9c6b77")


@pytest.mark.parametrize("threshold", [2**31, -(2**31) - 1, 2**64, -(10**30)])
async def test_a_threshold_beyond_all_scores_is_refused(serve, pair, threshold):
    """With the field; what fits has an answer."""
    await serve.start()
    for number, name in enumerate(("pass", "marginal")):
        thresholds = [95, 75]
        thresholds[number] = threshold
        response = await serve.client.post("/kayenta/canary/serinus", json=_body(pair, thresholds=thresholds))
        assert response.status == 400
        assert f"$.thresholds.{name}" in (await response.json())["error"]
    most = _body(pair, thresholds=(2**31 - 1, -(2**31)))
    assert (await _status(serve, await _begin(serve, most)))["complete"] is False


async def test_waits_for_a_verdict_until_its_time_is_over(serve, pair, judged):
    """Without a verdict a run is not complete; at its end it is, and marginal; a later verdict still counts."""
    serve.publish(judged(age_s=-LEAST_S))
    await serve.start()
    run = await _begin(serve, _body(pair))
    serve.now_s += LEAST_S - 1
    assert await _status(serve, run) == {
        "complete": False,
        "status": "running",
        "reportUrl": (await _status(serve, run))["reportUrl"],
    }
    serve.now_s += 1
    assert _score(await _status(serve, run))["score"] == 75
    serve.publish(judged(verdict="pass", risk=0.0, score=100.0, age_s=-LEAST_S))
    assert _score(await _status(serve, run))["score"] == 100


@pytest.mark.parametrize(
    ("start_s", "end_s", "waits_s"),
    [(-60, 0, LEAST_S), (-3600, 0, 3600), (0, 1800, 1800), (-1, 9e7, MOST_S), (-9e8, 0, MOST_S)],
)
async def test_time_of_a_run(serve, pair, start_s, end_s, waits_s):
    """Until the scopes' end if that is to come, else as long again as they span; never too short or for ever."""
    times = {name: _rfc3339(NOW_S + at_s) for name, at_s in (("start", start_s), ("end", end_s))}
    await serve.start()
    run = Run.from_id(await _begin(serve, _body(pair, times=times)))
    assert run is not None
    assert run.until_s == pytest.approx(NOW_S + waits_s, abs=1)


def _rfc3339(time_s):
    from datetime import UTC, datetime  # noqa: PLC0415 - only here

    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


async def test_beginning_asks_for_the_comparison(serve, pair):
    """An unknown pair is asked for when the run begins, and any replica answers for the run: its id is all there is."""
    await serve.start()
    run = await _begin(serve, _body(pair))
    assert serve.asker.asked == [pair]
    assert (await _status(serve, run))["complete"] is False


async def test_found_by_hashes(serve, pair):
    """Without namespace and rollout the hashes tell; of several the application's name and the region tell."""
    other = Workload("", "us-east-1", "guestbook")
    serve.witness.seen = dict.fromkeys((pair.baseline, pair.canary), frozenset([pair.of]))
    await serve.start()
    body = _body(pair, "app=guestbook and rollouts-pod-template-hash=")
    await _begin(serve, body)
    assert serve.asker.asked == [pair]
    serve.witness.seen = dict.fromkeys((pair.baseline, pair.canary), frozenset([pair.of, other]))
    await _begin(serve, body)
    assert serve.asker.asked[1:] == [Comparison("", "us-east-1", "guestbook", pair.baseline, pair.canary)]


@pytest.mark.parametrize(
    ("text", "words"),
    [("app=shop #", "no pod-template hash"), ("namespace=Prod,hash=", "$[3]"), ("hash={{args.x}}", "hash")],
)
async def test_scope_that_says_nothing(serve, pair, text, words):
    """A scope that cannot be understood makes the rollout pause at once, with the reason; it aborts nothing."""
    await serve.start()
    status = await _status(serve, await _begin(serve, _body(pair, text)))
    assert _score(status)["score"] == 75
    assert words in _score(status)["classificationReason"]
    assert serve.asker.asked == []


async def test_worst_of_several_scopes(serve, pair, judged):
    """A run over several pairs is as good as its worst."""
    other = Comparison("", "prod", "cart", "1", "2")
    serve.publish(judged(verdict="pass", risk=0.0, score=100.0))
    serve.publish(judged(comparison=other, verdict="fail", risk=100.0, score=0.0))
    await serve.start()
    body = _body(pair)
    body["scopes"]["cart"] = _body(other, "namespace=prod,rollout=cart,hash=")["scopes"]["default"]
    assert _score(await _status(serve, await _begin(serve, body)))["score"] == 0


async def test_faults(serve, pair):
    """An id that is none of ours is not found, and a body that is none of Kayenta's is refused."""
    await serve.start()
    forged = Run(1, "serinus", 95, 75, 0.0).id  # without a pair, and without a fault
    for run in ("x", "%2e%2e", "A" * 5000, "lwGn", forged):
        await serve.text(f"/kayenta/canary/{run}", 404)
    assert (await serve.client.post("/kayenta/canary/other", json=_body(pair))).status == 404
    for body in (b"", b"{}", b"[]", b'{"scopes":{}}', b"\xff"):
        assert (await serve.client.post("/kayenta/canary/serinus", data=body)).status == 400


async def test_configs(serve, tmp_path):
    """The names of the files given are listed beside our own, with the types Argo decodes."""
    file = tmp_path / "my-test.json"
    file.write_text(json.dumps({"name": "my-test", "id": "a b/c", "applications": ["guestbook"], "metrics": []}))
    await serve.start(kayenta_configs=(str(file),))
    listed = json.loads(await serve.text("/kayenta/canaryConfig?application=x&configurationAccountName=y"))
    assert [(each["id"], each["name"]) for each in listed] == [("serinus", "serinus"), ("a-b-c", "my-test")]
    assert type(listed[1]["updatedTimestamp"]) is int


async def test_answers_are_as_described(serve, pair, judged):
    """Each answer follows its schema in /openapi.json, a run that is not complete too."""
    serve.publish(judged())
    await serve.start()
    description = json.loads(await serve.text("/openapi.json"))
    paths = description["paths"]["/kayenta/canary/{id}"]
    run = await _begin(serve, _body(pair))
    running = await _status(serve, run)
    serve.publish(judged(verdict="fail", risk=100.0, score=0.0))
    for method, answer in (("post", {"canaryExecutionId": run}), ("get", running), ("get", await _status(serve, run))):
        schema = paths[method]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": description["components"]}).validate(answer)
    body = paths["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**body, "components": description["components"]}).validate(_body(pair))


@pytest.mark.parametrize("passing", [0, 50, 100])
@pytest.mark.parametrize("marginal", [0, 50, 100])
@pytest.mark.parametrize("risk", [0.5, 50.0, 99.0])
def test_score_fits_any_thresholds(passing, marginal, risk):
    """Argo's rule (score >= pass, >= marginal) says what the verdict says; where there is no room between, it fails."""

    def argo(score):
        return "pass" if score >= passing else "marginal" if score >= marginal else "fail"

    assert argo(fitted("pass", risk, passing, marginal)) == "pass"
    assert argo(fitted("fail", 100.0, passing, marginal)) == "fail"
    between = "marginal" if marginal < passing else "fail"
    assert argo(fitted("none", risk, passing, marginal)) == argo(fitted("marginal", risk, passing, marginal)) == between


@pytest.mark.parametrize("text", [b"", b"{", b"{}", b'{"name": 1}', b"\xff"])
def test_bad_config_file(text):
    """A file that is no canary config is refused at start."""
    with pytest.raises(BadPolicy, match="kayenta-config"):
        read_config(text, "x.json", 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('kubernetes_namespace="prod", label_rollouts_pod_template_hash="6f8"', ("6f8", "prod", "", "")),
        ("namespace=prod rollout=shop canary=6f8 baseline=5d5", ("6f8", "prod", "shop", "")),
        ("{app: x} hash == 6f8", ("6f8", "", "", "")),
        ("shop-6f8", ("6f8", "", "", "shop")),
    ],
)
def test_scopes(text, found):
    """What people write in scopes."""
    scope = kayenta_scope.read(text, "canary")
    assert (scope.pod_template_hash, scope.namespace, scope.workload, scope.app) == found


@pytest.mark.parametrize("text", ["", "=", "app=shop", "two words", "=" * 2000, " = " * 700])
def test_scopes_without_a_hash(text):
    """Whatever else is written has no hash, and is told so in bounded time."""
    with pytest.raises(BadScope):
        kayenta_scope.read(text, "canary")
