"""What Argo's notifications engine tells; that it tells it so is shown in tests/argo."""

from __future__ import annotations

import json

import jsonschema
import pytest

from streams.records.times import rfc3339
from streams.risk.comparison import CompareRequest, ComparisonEnded

from .conftest import NOW_S


def _body(pair, **changes):
    body = {"namespace": pair.namespace, "rollout": pair.workload, "stable": pair.baseline, "latest": pair.canary}
    return {**body, "aborted": False, "abortedAt": None, "at": rfc3339(int(NOW_S * 1e9)), **changes}


async def _tell(serve, body, status=200):
    response = await serve.client.post("/v1/argo/rollouts", json=body)
    answer = await response.json()
    assert response.status == status, answer
    description = json.loads(await serve.text("/openapi.json"))
    replies = description["paths"]["/v1/argo/rollouts"]["post"]["responses"]
    schema = replies[str(status)]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": description["components"]}).validate(answer)
    return answer


async def test_life_of_a_rollout(serve, pair, judged):
    """Begun, judged, promoted: each is passed on once, and telling it again says that there is nothing new."""
    await serve.start()
    assert await _tell(serve, _body(pair)) == {"sent": [f"compare {pair.baseline} and {pair.canary}"]}
    serve.publish(judged())
    await _tell(serve, _body(pair, stable=pair.canary))
    assert serve.asker.told == [CompareRequest(pair, "argo", int(NOW_S * 1e9)), ComparisonEnded(pair, "promoted")]
    serve.publish(judged(state="ended", outcome="promoted"))
    assert await _tell(serve, _body(pair, stable=pair.canary)) == {"sent": []}


@pytest.mark.parametrize("route", ["rollouts", "experiments"])
@pytest.mark.parametrize("mark", ["Origin", "Sec-Fetch-Site"])
async def test_a_page_that_somebody_has_open_ends_nothing(serve, pair, judged, route, mark):
    """Promise: what browsers send for strangers unasked is refused; a program's is taken, whatever type it names."""
    serve.publish(judged())
    await serve.start()
    body = json.dumps(_body(pair, stable=pair.canary))
    ours = {"data": body.encode(), "headers": {"Content-Type": "text/plain"}}
    theirs = {"data": body.encode(), "headers": {"Content-Type": "text/plain", mark: "cross-site"}}
    assert (await serve.client.post(f"/v1/argo/{route}", **theirs)).status == 415
    assert serve.asker.told == []
    assert (await serve.client.post(f"/v1/argo/{route}", **ours)).status != 415


async def test_first_deployment(serve, pair):
    """As Argo's template writes what is not there, null: the revision is judged by itself."""
    await serve.start()
    assert await _tell(serve, _body(pair, stable=None)) == {"sent": [f"compare {pair.canary} with history"]}
    assert await _tell(serve, _body(pair, latest=None)) == {"sent": []}


async def test_told_again_later(serve, pair, judged):
    """While it cannot be passed on the engine is asked to try again."""
    serve.publish(judged())
    await serve.start()
    serve.asker.full = True
    assert "too much waits" in (await _tell(serve, _body(pair), 503))["error"]
    serve.view.caught_up = False
    assert "not read" in (await _tell(serve, _body(pair), 503))["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "A B"},
        {"rollout": ""},
        {"latest": "<no value>"},
        {"at": "yesterday"},
        {"at": None},
        {"more": 1},
        {"at": "9999-12-31T23:59:59Z"},
    ],
)
async def test_what_is_no_status(serve, pair, change):
    """Is refused, and nothing is passed on."""
    await serve.start()
    await _tell(serve, _body(pair, **change), 400)
    assert serve.asker.told == []


async def test_experiment(serve, pair, judged):
    """An Experiment's own pair is asked for, and ended when it is over."""
    body = {"namespace": pair.namespace, "rollout": pair.workload, "experiment": "shop-1", "phase": "Running"}
    body |= {"baseline": pair.baseline, "canary": pair.canary, "at": rfc3339(int(NOW_S * 1e9))}
    await serve.start()
    for phase in ("Running", "Failed"):
        response = await serve.client.post("/v1/argo/experiments", json={**body, "phase": phase})
        assert response.status == 200
        serve.publish(judged())
    assert serve.asker.told == [CompareRequest(pair, "argo", int(NOW_S * 1e9)), ComparisonEnded(pair, "aborted")]
    assert (await serve.client.post("/v1/argo/experiments", json={**body, "canary": ""})).status == 400
