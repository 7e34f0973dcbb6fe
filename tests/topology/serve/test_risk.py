"""What Argo Rollouts relies on: one whole object, always, whose fields keep their types."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from streams.judging.evidence import Exposure, PartEvidence, Reading, ReadSignal
from streams.records.identity import Workload
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument, undecided
from topology.serve.rollouts import Asked

REQUIRED = {"verdict", "risk", "score", "confidence", "exposure", "as_of", "age_s", "reasons", "report_url"}
PARTS = {"cluster", "namespace", "workload", "baseline", "canary"}

CASES: dict[str, Any] = {
    "unknown": None,
    "undecided": {},
    "nothing judged": {"as_of": None, "started_at": None, "exposure": Exposure(), "signals": (), "reasons": ()},
    "pass": {"verdict": "pass", "risk": 0.0, "score": 100.0, "confidence": 1.0, "decided_at": "2026-08-21T08:00:00Z"},
    "marginal": {"verdict": "marginal", "risk": 70.0, "score": 30.0},
    "fail": {"verdict": "fail", "risk": 100.0, "score": 0.0, "decided_at": "2026-08-21T08:00:00Z"},
    "ended": {"state": "ended", "outcome": "promoted", "age_s": 9000.0},
    "stale": {"verdict": "pass", "risk": 0.0, "score": 100.0, "confidence": 1.0, "age_s": 61.0},
    "stale fail": {"verdict": "fail", "risk": 100.0, "score": 0.0, "age_s": 900.0},
    "bad parameter": "bad",
    "no parameter": "empty",
    "our fault": "broken",
}


async def _answer(serve, pair, judged, case) -> dict[str, Any]:
    what = CASES[case]
    if isinstance(what, dict):
        serve.publish(judged(**what))
    await serve.start()
    if what == "empty":
        return await serve.risk_of({})
    if what == "broken":
        serve.view.get = lambda _: 1 / 0
    return await serve.risk(pair, **({"namespace": "NOT ALLOWED"} if what == "bad" else {}))


@pytest.mark.parametrize("case", CASES)
async def test_every_answer_is_whole_and_typed(serve, pair, judged, case):
    """Every field is in every answer and has one type, whatever the case; numbers are finite."""
    answer = await _answer(serve, pair, judged, case)
    expected = {field.name for field in msgspec.structs.fields(RiskDocument)} - {
        "history",
        "comparison",
        "feedback",
        "watch_score",
        "readings",
        "named",
    }
    assert set(answer) == expected | REQUIRED | PARTS | {"signals_judged", "read_at"}
    for name in ("risk", "score", "confidence", "age_s"):
        assert type(answer[name]) is float
    for name in ("verdict", "as_of", "report_url", "state", "outcome", "started_at", "decided_at", *PARTS):
        assert type(answer[name]) is str
    for name in ("reasons", "unjudged", "signals"):
        assert type(answer[name]) is list
    assert answer["reasons"]
    assert {name: type(value) for name, value in answer["exposure"].items()} == {
        "unit": str,
        "baseline": float,
        "canary": float,
    }
    assert answer["score"] == 100.0 - answer["risk"]
    assert answer["age_s"] >= 0


@pytest.mark.parametrize("case", CASES)
async def test_every_answer_is_as_described(serve, pair, judged, case):
    """Every answer follows the schema in /openapi.json, which names the values a field can have."""
    answer = await _answer(serve, pair, judged, case)
    description = json.loads(await serve.text("/openapi.json"))
    schema = description["paths"]["/v1/risk"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": description["components"]}).validate(answer)


@pytest.mark.parametrize("case", CASES)
async def test_none_is_never_certain(serve, pair, judged, case):
    """With verdict `none` the risk is neither 0 nor 100; it is 100 exactly when the verdict is `fail`."""
    answer = await _answer(serve, pair, judged, case)
    assert (answer["risk"] == 100.0) == (answer["verdict"] == "fail")
    if answer["verdict"] == "none":
        assert 0 < answer["risk"] < 100


async def test_known(serve, pair, judged):
    """A known comparison answers with what was published, its age and its page."""
    serve.publish(judged())
    await serve.start(public_url="https://canary.example/serinus/")
    answer = await serve.risk(pair)
    assert answer["verdict"] == "none"
    assert answer["risk"] == 37.5
    assert answer["age_s"] == 4.0
    assert answer["report_url"] == "https://canary.example/serinus/comparisons/-/prod/shop/5d5c7b9f4/6f8d9c6b77"
    assert serve.asker.asked == []


async def test_unknown_is_asked_for(serve, pair):
    """An unknown pair answers `none` at risk 50 with an age no limit admits, and its comparison is asked for."""
    await serve.start()
    answer = await serve.risk(pair)
    assert (answer["verdict"], answer["risk"]) == ("none", 50.0)
    assert answer["age_s"] == serve.now_s
    assert serve.asker.asked == [pair]


@pytest.mark.parametrize(("says", "words"), [(Asked.TOO_MANY, "600 other unknown"), (Asked.UNSENT, "Kafka")])
async def test_unknown_that_is_not_asked_for_says_why(serve, pair, says, words):
    """Where a comparison cannot be asked for, the reason says so."""
    serve.asker.says = says
    await serve.start()
    assert words in (await serve.risk(pair))["reasons"][0]


async def test_not_asked_for_before_the_view_has_caught_up(serve, pair):
    """A server that has just started does not take for unknown what it has only not read yet."""
    serve.view.caught_up = False
    await serve.start()
    assert "just started" in (await serve.risk(pair))["reasons"][0]
    assert serve.asker.asked == []


async def test_stale_pass_is_none(serve, pair, judged):
    """A pass of which nothing was heard for too long is none: risk off the edge, no confidence, the reason first."""
    serve.publish(judged(verdict="pass", risk=0.0, score=100.0, confidence=1.0, age_s=61.0))
    await serve.start()
    answer = await serve.risk(pair)
    assert (answer["verdict"], answer["risk"], answer["confidence"]) == ("none", 1.0, 0.0)
    assert answer["reasons"][0].startswith("nothing was judged for 61 s (more than 60 s)")
    serve.now_s -= 2
    assert (await serve.risk(pair))["verdict"] == "pass"


async def test_stale_fail_stays(serve, pair, judged):
    """A fail does not wear off: when a failed canary is taken away its records stop too."""
    serve.publish(judged(verdict="fail", risk=100.0, score=0.0, age_s=9000.0))
    await serve.start()
    answer = await serve.risk(pair)
    assert answer["verdict"] == "fail"
    assert answer["reasons"][0].startswith("log/error")


async def test_what_has_ended_is_answered_for_a_while_and_then_asked_for_anew(serve, pair, judged):
    """Whoever asked when it ended hears its verdict; later a fail is not held against the next attempt."""
    serve.publish(judged(verdict="fail", risk=100.0, score=0.0, state="ended", outcome="aborted", age_s=29.0))
    await serve.start()
    answer = await serve.risk(pair)
    assert (answer["verdict"], answer["state"], answer["outcome"]) == ("fail", "ended", "aborted")
    assert serve.asker.asked == []
    serve.now_s += 2
    answer = await serve.risk(pair)
    assert (answer["verdict"], answer["risk"], answer["state"], answer["outcome"]) == ("none", 50.0, "running", "")
    assert answer["reasons"][0].startswith("an attempt of this pair has ended (aborted, fail, last judged 20")
    assert (serve.asker.asked, serve.asker.again) == ([pair], [True])
    page = await serve.text("/comparisons/-/prod/shop/5d5c7b9f4/6f8d9c6b77")
    assert "aborted" in page


async def test_how_long_the_verdict_of_what_has_ended_is_answered_can_be_set(serve, pair, judged):
    """With 0 not at all."""
    serve.publish(judged(verdict="fail", risk=100.0, score=0.0, state="ended", outcome="aborted", age_s=4.0))
    await serve.start(ended_s=0)
    assert (await serve.risk(pair))["verdict"] == "none"


FAULTS = [
    ({"namespace": "Prod"}, "namespace: 'Prod' is not allowed; give a Kubernetes name"),
    ({"namespace": "prod\n"}, "namespace: 'prod\\n' is not allowed"),
    ({"workload": "x" * 300}, "workload: '" + "x" * 60 + "'... is not allowed"),
    ({"workload": ""}, "workload: '' is not allowed"),
    ({"canary": ""}, "canary: '' is not allowed; give a pod-template hash"),
    ({"canary": "{{args.canary-hash}}"}, "canary: '{{args.canary-hash}}' was not substituted"),
    ({"baseline": "\u202e\x00<b>"}, "baseline: '\\u202e\\x00<b>' is not allowed"),
    ({"cluster": "-"}, "cluster: '-' is not allowed; give empty, or"),
    ({"canry": "a"}, "'canry': no such parameter; there are namespace"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS)
async def test_faulty_query(serve, pair, change, reason):
    """A faulty parameter gives 200 and `none`; the first reason names it and what is allowed; nothing is asked for."""
    await serve.start()
    answer = await serve.risk(pair, **change)
    assert answer["verdict"] == "none"
    assert answer["reasons"][0].startswith(reason)
    assert serve.asker.asked == []


async def test_each_fault_is_named(serve):
    """All missing and repeated parameters are named at once."""
    await serve.start()
    response = await serve.client.get("/v1/risk?namespace=a&namespace=b&workload=shop")
    reasons = (await response.json())["reasons"]
    assert [reason.split(":")[0] for reason in reasons] == ["namespace", "canary"]
    assert "given 2 times" in reasons[0]
    assert "missing" in reasons[1]


async def test_small_answer(serve, pair, judged):
    """`view=verdict` leaves out what the verdict rests on and all but three reasons; the rest is the same."""
    serve.publish(judged(reasons=tuple(f"reason {number}" for number in range(9))))
    await serve.start()
    whole, small = await serve.risk(pair), await serve.risk(pair, view="verdict")
    left_out = {"parts", "groups", "signals", "signals_judged", "templates", "shapes", "unjudged", "policy"}
    assert set(whole) - set(small) == left_out
    assert small["reasons"] == whole["reasons"][:3] == ["reason 0", "reason 1", "reason 2"]
    assert {name: whole[name] for name in small if name != "reasons"} == {
        name: small[name] for name in small if name != "reasons"
    }


@pytest.mark.parametrize("case", CASES)
async def test_small_answer_is_small_and_as_described(serve, pair, judged, case):
    """The small answer follows its schema too, whatever the case, and stays below 2 kB."""
    what = CASES[case]
    if isinstance(what, dict):
        serve.publish(judged(**what))
    await serve.start()
    answer = await serve.risk(pair, view="verdict", **({"namespace": "NOT ALLOWED"} if what == "bad" else {}))
    description = json.loads(await serve.text("/openapi.json"))
    small = {"$ref": "#/components/schemas/VerdictAnswer", "components": description["components"]}
    jsonschema.Draft202012Validator(small).validate(answer)
    assert "signals" not in answer
    assert len(json.dumps(answer)) < 2000


async def test_worst_signals(serve, pair, judged):
    """The 20 worst of many signals are in the answer, all where all are asked for, and how many there are in either."""
    one = judged().signals[0]
    many = tuple(msgspec.structs.replace(one, signal=f"signal-{number}") for number in range(50))
    serve.publish(judged(signals=many))
    await serve.start()
    worst, all_ = await serve.risk(pair), await serve.risk(pair, signals="all")
    assert [each["signal"] for each in worst["signals"]] == [each.signal for each in many[:20]]
    assert len(all_["signals"]) == worst["signals_judged"] == all_["signals_judged"] == 50


async def test_hashes_alone(serve, pair, judged):
    """A pair that is known, or whose records flow, is found by its hashes; it is asked for like any other."""
    hashes = {"baseline": pair.baseline, "canary": pair.canary}
    await serve.start()
    answer = await serve.risk_of(hashes)
    assert answer["reasons"][0].startswith("no workload is known whose records carry both of these hashes")
    assert (serve.witness.wanted, serve.asker.asked) == (1, [])
    serve.witness.seen = {pair.baseline: frozenset([pair.of]), pair.canary: frozenset([pair.of])}
    assert (await serve.risk_of(hashes))["workload"] == "shop"
    assert serve.asker.asked == [pair]
    serve.witness.seen = {}
    serve.publish(judged(verdict="pass", risk=1.0, score=99.0))
    assert (await serve.risk_of(hashes))["verdict"] == "pass"


@pytest.mark.parametrize("baseline", [{}, {"baseline": ""}, {"baseline": "6f8d9c6b77"}])
async def test_without_a_baseline(serve, pair, judged, baseline):
    """Left out, empty (as Argo writes the stable hash of a first deployment) or the canary's own: one comparison."""
    by_itself = msgspec.structs.replace(pair, baseline=pair.canary)
    await serve.start()
    question = {"namespace": "prod", "workload": "shop", "canary": pair.canary, **baseline}
    answer = await serve.risk_of(question)
    assert (answer["verdict"], answer["baseline"], serve.asker.asked) == ("none", pair.canary, [by_itself])
    serve.publish(judged(comparison=by_itself, verdict="fail", risk=100.0, score=0.0, reference="history"))
    answer = await serve.risk_of(question)
    assert (answer["verdict"], answer["reference"]) == ("fail", "history")
    assert "other way round" not in str(answer["reasons"])
    page = await serve.text(f"/comparisons/-/prod/shop/{pair.canary}/{pair.canary}")
    assert "by the workload's history" in page


async def test_hashes_of_several_workloads(serve, pair):
    """Where several workloads have the same hashes nothing is guessed: the reason names them and tells what to add."""
    other = Workload("", "staging", "shop")
    serve.witness.seen = dict.fromkeys((pair.baseline, pair.canary), frozenset([pair.of, other]))
    await serve.start()
    hashes = {"baseline": pair.baseline, "canary": pair.canary}
    answer = await serve.risk_of(hashes)
    assert answer["verdict"] == "none"
    assert "2 workloads have revisions of these hashes (/prod/shop, /staging/shop)" in answer["reasons"][0]
    assert serve.asker.asked == []
    assert (await serve.risk_of({**hashes, "namespace": "staging"}))["namespace"] == "staging"
    assert serve.asker.asked == [Comparison("", "staging", "shop", pair.baseline, pair.canary)]


async def test_hashes_of_no_kubernetes_name(serve, pair):
    """Records that name themselves as no workload can be called are no workload."""
    hostile = Workload("", "prod", "shop/../x")
    serve.witness.seen = dict.fromkeys((pair.baseline, pair.canary), frozenset([hostile]))
    await serve.start()
    answer = await serve.risk_of({"baseline": pair.baseline, "canary": pair.canary})
    assert answer["reasons"][0].startswith("no workload is known")


async def test_hostile_host_header(serve, pair):
    """A Host header that is no host gets into no address."""
    await serve.start()
    parameters = msgspec.structs.asdict(pair)
    for host, begin in {
        'a"><script>': "http://127.0.0.1:8080/",
        "canary.example:81": "http://canary.example:81/",
    }.items():
        response = await serve.client.get("/v1/risk", params=parameters, headers={"Host": host})
        assert (await response.json())["report_url"].startswith(f"{begin}comparisons/")


async def test_undecided_document_from_the_scorer(serve):
    """A document of a comparison that has just begun is answered as it is."""
    pair = Comparison("eu-1", "prod", "shop", "1", "2")
    serve.publish(undecided(pair, "waiting for the canary's first record"))
    await serve.start()
    answer = await serve.risk(pair)
    assert answer["reasons"] == ["waiting for the canary's first record"]
    assert answer["report_url"].endswith("/comparisons/eu-1/prod/shop/1/2")
    assert serve.asker.asked == []


async def test_hashes_of_another_workload_are_said(serve, pair, judged):
    """Two Rollouts of one template have the same hashes: the answer about either names the other."""
    serve.publish(judged())
    serve.publish(judged(comparison=msgspec.structs.replace(pair, workload="shop-eu")))
    await serve.start()
    answer = await serve.risk(pair)
    assert answer["reasons"][-1] == ("these hashes are those of /prod/shop-eu as well: is the workload the right one?")
    misnamed = await serve.risk(msgspec.structs.replace(pair, workload="shpo"))
    assert "/prod/shop, /prod/shop-eu as well" in misnamed["reasons"][-1]


async def test_a_pair_that_is_asked_for_the_wrong_way_round_is_told(serve, pair, judged):
    """Baseline and canary swapped are another pair, of which nothing comes."""
    serve.publish(judged())
    await serve.start()
    turned = msgspec.structs.replace(pair, baseline=pair.canary, canary=pair.baseline)
    by_hashes = await serve.risk_of({"baseline": pair.canary, "canary": pair.baseline})
    for answer in (await serve.risk(turned), by_hashes):
        assert (answer["verdict"], answer["workload"]) == ("none", "shop")
        assert answer["reasons"][-1].startswith("the same two are being compared the other way round")


READINGS = tuple(
    Reading(name, risk, risk > 98, PartEvidence("logs", 0.5, 0.01, risk, None), (ReadSignal("log/error", 0.2, risk),))
    for name, risk in (("low", 20.0), ("medium", 37.5), ("high", 99.0))
)


async def test_a_comparison_is_read_at_another_sensitivity(serve, pair, judged):
    """Risk and score follow it, in the small answer too; the verdict does not, and the answer says so."""
    await serve.start()
    serve.publish(judged(readings=READINGS))
    for view in ("full", "verdict"):
        high = await serve.risk(pair, sensitivity="high", view=view)
        assert (high["verdict"], high["risk"], high["score"]) == ("none", 99.0, 1.0)
        assert (high["sensitivity"], high["read_at"]) == ("medium", "high")
        assert "The verdict is that of medium" in high["reasons"][0]
    as_judged = await serve.risk(pair)
    assert (as_judged["risk"], as_judged["read_at"]) == (37.5, "medium")
    assert (await serve.risk(pair, sensitivity="medium"))["reasons"] == as_judged["reasons"]
    refused = await serve.risk(pair, sensitivity="extreme")
    assert "sensitivity: 'extreme' is not allowed; give low, medium or high" in refused["reasons"][0]


async def test_the_page_is_read_at_another_sensitivity(serve, pair, judged):
    """Its links say which there are; what is none is no sensitivity."""
    await serve.start()
    serve.publish(judged(readings=READINGS))
    path = f"/comparisons/-/{pair.namespace}/{pair.workload}/{pair.baseline}/{pair.canary}"
    assert "<strong>medium</strong>" in await serve.text(path)
    high = await serve.text(f"{path}?sensitivity=high")
    assert "<strong>high</strong>" in high
    assert '<p class="big">99</p>' in high
    assert "<strong>medium</strong>" in await serve.text(f"{path}?sensitivity=<b>")


async def test_an_old_answer_is_none_at_any_sensitivity(serve, pair, judged):
    """With a risk that is neither 0 nor 100."""
    await serve.start()
    serve.publish(judged(verdict="pass", age_s=500.0, readings=(msgspec.structs.replace(READINGS[0], risk=0.0),)))
    answer = await serve.risk(pair, sensitivity="low")
    assert (answer["verdict"], answer["risk"]) == ("none", 1.0)


async def test_a_pair_that_the_records_alone_have_shown_is_named_by_a_question(serve, pair, judged):
    """Else score would take the silence of its baseline for a promotion; one that is named, or over, is left alone."""
    serve.publish(judged(named=False))
    await serve.start()
    serve.view.caught_up = False  # it may have ended long ago
    await serve.risk(pair)
    assert not serve.asker.asked
    serve.view.caught_up = True
    await serve.risk(pair)
    assert (serve.asker.asked, serve.asker.again) == ([pair], [False])
    for state in ({"named": True}, {"named": False, "state": "ended"}):
        serve.publish(judged(**state))
        await serve.risk(pair)
    assert len(serve.asker.asked) == 1
