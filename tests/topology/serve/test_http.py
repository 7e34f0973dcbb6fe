"""The other routes: lists, gauges, pages, probes, the description, the token."""

from __future__ import annotations

import io
import json
import os
import re

import jsonschema
import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from streams.errors import BadPolicy
from streams.judging.evidence import Exposure, SignalEvidence
from streams.risk.comparison import Comparison
from streams.risk.templates import LineChange, ShapeEvidence
from tests.topology.serve.conftest import strict_json
from topology.serve.bearer import BearerToken
from topology.serve.view import View

PAGE = "/comparisons/-/prod/shop/5d5c7b9f4/6f8d9c6b77"
JSON = {"Content-Type": "application/json"}
HOSTILE = "<script>alert('x')</script>\"'&{{7*7}}"


async def _series(serve, prefix="serinus_") -> dict[str, float]:
    families = text_string_to_metric_families(await serve.text("/metrics"))
    return {
        " ".join([sample.name, *(sample.labels[name] for name in ("signal", "verdict") if name in sample.labels)]): (
            sample.value
        )
        for family in families
        for sample in family.samples
        if sample.name.startswith(prefix) and "canary" in sample.labels
    }


async def test_gauges(serve, judged):
    """A running comparison has its risk, confidence, time, all four verdicts and its signals as gauges."""
    serve.publish(judged())
    await serve.start()
    assert await _series(serve) == {
        "serinus_risk_score": 37.5,
        "serinus_confidence_ratio": 0.4,
        "serinus_risk_updated_timestamp_seconds": pytest.approx(serve.now_s - 4),
        "serinus_verdict none": 1.0,
        "serinus_verdict pass": 0.0,
        "serinus_verdict fail": 0.0,
        "serinus_verdict marginal": 0.0,
        "serinus_signal_risk log/error": 37.5,
        "serinus_signal_log10_e log/error": 0.5,
    }


async def test_gauges_vanish_when_ended(serve, judged):
    """Once a comparison has ended not one series of it is left."""
    serve.publish(judged())
    await serve.start()
    assert await _series(serve)
    serve.publish(judged(state="ended", outcome="aborted"))
    assert await _series(serve) == {}


@pytest.mark.parametrize("changes", [{"age_s": 61.0}, {"exposure": Exposure()}, {"as_of": None}])
async def test_no_risk_gauge_of_what_is_not_known(serve, judged, changes):
    """Where nothing was judged, or nothing lately, there is no risk series, and the verdict is none."""
    serve.publish(judged(verdict="none", **changes))
    await serve.start()
    series = await _series(serve)
    assert series["serinus_verdict none"] == 1.0
    assert not {name for name in series if "risk_score" in name or "signal" in name or "confidence" in name}


async def test_one_series_for_a_signal(serve, judged):
    """A document that names a signal twice does not break the scrape."""
    signal = SignalEvidence('a"\n\\', 3.0, 1.0, None, 0.5, 0.5, 37.5, 0.4)
    serve.publish(judged(signals=(signal, signal)))
    await serve.start()
    text = await serve.text("/metrics")
    assert text.count("serinus_signal_risk{") == 1


async def test_openmetrics(serve, judged):
    """Whoever asks for OpenMetrics gets it, whole."""
    serve.publish(judged())
    await serve.start()
    response = await serve.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in openmetrics(await response.text())}
    assert {"serinus_risk_score", "serinus_verdict"} <= families


async def test_requests_are_counted_by_route(serve):
    """Requests are counted by route and status; what strangers write in a path makes no series."""
    await serve.start()
    await serve.text("/healthz")
    await serve.text("/no/such/page", 404)
    text = await serve.text("/metrics")
    assert 'serinus_serve_requests_total{route="/healthz",status="200"} 1.0' in text
    assert 'serinus_serve_requests_total{route="none",status="404"} 1.0' in text
    assert "such" not in text


async def test_a_body_that_is_not_what_it_says(serve):
    """Said to be compressed and is not: the sender's fault, and no error of ours."""
    await serve.start()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await serve.client.post("/v1/feedback", data=b"{}", headers=headers)
    assert response.status == 400
    assert (await response.json())["error"].startswith("the body cannot be read")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/no/such/route", b"", 404, "nothing is here"),
        ("DELETE", "/v1/risk", b"", 405, "DELETE is not allowed here; use GET"),
        ("GET", "/v1/alarms/feedback", b"", 405, "GET is not allowed here; use POST"),
        ("POST", "/v1/feedback", b" " * (2**20 + 1), 413, "Maximum request body size 1048576 exceeded"),
    ],
)
async def test_refusals_are_json(serve, method, path, body, status, words):
    """Also those of requests that reach no route, or whose body none can hold: in the shape of all others."""
    await serve.start()
    response = await serve.client.request(method, path, data=io.BytesIO(body), headers=JSON)
    assert (response.status, response.content_type) == (status, "application/json")
    found = await response.json(loads=strict_json)
    assert set(found) == {"error"}
    assert found["error"].startswith(words)
    assert ("Allow" in response.headers) == (status == 405)
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_error_of_ours_is_json_and_logged(serve, monkeypatch, caplog):
    """Its words are in the log alone."""
    await serve.start()
    monkeypatch.setattr(View, "__iter__", lambda _: 1 // 0)
    response = await serve.client.get("/v1/comparisons")
    assert response.status == 500
    assert "trace is in the log" in (await response.json())["error"]
    assert "ZeroDivisionError" in caplog.text


async def test_list(serve, judged, pair):
    """The running come first by risk, then the ended; filters and the limit hold."""
    for name, risk, state in (("a", 20.0, "running"), ("b", 80.0, "running"), ("c", 99.0, "ended")):
        other = msgspec.structs.replace(pair, workload=name)
        serve.publish(judged(comparison=other, risk=risk, score=100 - risk, state=state))
    await serve.start()

    async def names(query: str) -> list[str]:
        return [each["workload"] for each in json.loads(await serve.text(f"/v1/comparisons{query}"))]

    assert await names("") == ["b", "a", "c"]
    assert await names("?limit=1") == ["b"]
    assert await names("?state=ended") == ["c"]
    assert await names("?workload=a&namespace=prod") == ["a"]
    assert await names("?namespace=other") == []
    fault = json.loads(await serve.text("/v1/comparisons?limit=0&state=gone", 400))
    assert "limit: '0' is not allowed; give a number from 1 to 1000" in fault["error"]


async def test_page(serve, judged):
    """The page shows verdict, exposure, reasons, signals, what was not judged, and the risk as a picture."""
    serve.publish(judged(verdict="fail", risk=100.0, score=0.0, decided_at="2026-08-21T08:13:16Z"))
    await serve.start()
    page = await serve.text(PAGE)
    for words in (
        "fail",
        "900 and 100 requests",
        "log/error: 1 of 4 events",
        "requests/error: no counter",
        "<polyline",
    ):
        assert words in page
    assert '<circle class="decided"' in page
    assert '<meta http-equiv="refresh"' in page
    assert f'href="{PAGE.removeprefix("/")}"' in await serve.text("/")


async def test_page_of_what_is_not_there_yet(serve, judged):
    """No time is named at which nothing was seen, and nothing is less than nothing."""
    serve.publish(judged(started_at=None, risk=-0.0))
    await serve.start()
    page = await serve.text(PAGE)
    assert "first seen" not in page
    assert '<p class="big">0</p>' in page


@pytest.mark.parametrize("caught_up", [False, True])
async def test_page_says_that_kafka_is_away(serve, monkeypatch, caught_up):
    """For how long, also of a server that has not read anything since it started."""
    serve.view.caught_up = caught_up
    monkeypatch.setattr(View, "contact_age_s", 4321.0)
    await serve.start()
    assert "Kafka has not answered for 4321 s" in await serve.text("/")


async def test_ended_page_does_not_refresh(serve, judged):
    """Nothing changes any more once a comparison has ended."""
    serve.publish(judged(state="ended", outcome="promoted"))
    await serve.start()
    page = await serve.text(PAGE)
    assert "http-equiv" not in page
    assert "promoted" in page


async def test_new_shapes_are_on_the_page_and_escaped(serve, judged):
    """Lines, how often either side logs them, and the id of a trace, which strangers wrote too."""
    changes = (LineChange("00000000000000ff", HOSTILE, 1, 2),)
    alike, unlike = ShapeEvidence(20, 31, changes, 3, HOSTILE), ShapeEvidence(7, 0, changes)
    serve.publish(judged(shapes=(alike, unlike)))
    await serve.start()
    page = await serve.text(PAGE)
    assert "<script" not in page
    rows = page.partition("New shapes of traces")[2].partition("</table>")[0].split("<tr>")[2:]
    cells = [[re.sub("<[^>]*>", "", cell).strip() for cell in row.split("</td>")[1:5]] for row in rows]
    assert cells == [["1", "2", "20", "31"], ["1", "\u2013", "7", "none alike"]]
    assert "and 3 more" in rows[0]


async def test_pages_escape(serve, judged):
    """Reasons and signals are log text, hence a stranger's: the pages show it and never obey it."""
    signal = SignalEvidence(HOSTILE, 3.0, 1.0, None, 0.5, 1.0, 37.5, 0.4)
    serve.publish(judged(reasons=(HOSTILE,), unjudged=(HOSTILE,), signals=(signal,), decided_at=HOSTILE))
    await serve.start()
    for path in (PAGE, "/", "/comparisons/%3Cscript%3E/a/b/c/d"):
        page = await serve.text(path, 404 if "%3C" in path else 200)
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    assert "{{7*7}}" in await serve.text(PAGE)


async def test_page_headers(serve):
    """A browser may load nothing, run nothing and frame nothing; only our style sheet applies, by its hash."""
    await serve.start()
    response = await serve.client.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    missing = await serve.client.get("/nothing")
    assert missing.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert missing.headers["Server"] == "serinus"


async def test_page_of_unknown_pair(serve):
    """The page of an unknown pair says so and asks for nothing: only a query begins a comparison."""
    await serve.start()
    assert "Nothing is known of this pair" in await serve.text(PAGE, 404)
    assert "not the names" in await serve.text("/comparisons/-/Prod/shop/1/2", 404)
    assert serve.asker.asked == []


async def test_probes(serve):
    """The process lives from the start and is ready once the view has caught up."""
    serve.view.caught_up = False
    await serve.start()
    assert json.loads(await serve.text("/healthz"))["alive"] is True
    assert "not read to its end" in json.loads(await serve.text("/readyz", 503))["reason"]
    serve.view.caught_up = True
    assert json.loads(await serve.text("/readyz"))["ready"] is True


async def test_description(serve):
    """The description names every route with every parameter, and each of its schemas is one."""
    await serve.start()
    description = json.loads(await serve.text("/openapi.json"))
    assert description["openapi"] == "3.1.0"
    served = {resource.canonical for resource in serve.client.app.router.resources()}
    assert set(description["paths"]) == served
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    parameters = description["paths"]["/v1/risk"]["get"]["parameters"]
    assert {each["name"]: each["required"] for each in parameters} == {
        "namespace": False,
        "workload": False,
        "baseline": False,
        "canary": True,
        "cluster": False,
        "view": False,
        "signals": False,
        "sensitivity": False,
    }
    operations = [each["operationId"] for path in description["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))


@pytest.mark.parametrize("body", [b"{", b" " * (2**20 + 1)])
async def test_refusals_are_as_described(serve, body):
    """Whatever is posted wherever, its refusal is one that the description names, and is JSON as it says."""
    await serve.start()
    description = json.loads(await serve.text("/openapi.json"))
    posts = {path: each["post"]["responses"] for path, each in description["paths"].items() if "post" in each}
    assert len(posts) > 5
    for path, described in posts.items():
        pair = {"cluster": "-", "namespace": "a", "workload": "b", "baseline": "c", "canary": "d"}
        address = path.format(**pair, id="serinus", template="0", raised_at="0")
        response = await serve.client.post(address, data=io.BytesIO(body), headers={"Content-Type": "application/json"})
        reply = described[str(response.status)]
        assert response.content_type in reply["content"]
        if response.content_type == "application/json":
            schema = {**reply["content"]["application/json"]["schema"], "components": description["components"]}
            jsonschema.Draft202012Validator(schema).validate(await response.json())


async def test_lists_and_probes_are_as_described(serve, judged):
    """The JSON of every other route follows its schema too."""
    serve.publish(judged())
    await serve.start()
    description = json.loads(await serve.text("/openapi.json"))
    for path in ("/v1/comparisons", "/healthz", "/readyz", "/openapi.json", "/kayenta/canaryConfig"):
        reply = description["paths"][path]["get"]["responses"]["200"]
        schema = {**reply["content"]["application/json"]["schema"], "components": description["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(await serve.text(path)))


async def test_token(serve, judged, pair, tmp_path):
    """With a token file nothing but the probes is answered without its token, and a new one holds within a second."""
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    serve.publish(judged())
    await serve.start(token_file=str(file))
    await serve.text("/healthz")
    await serve.text("/readyz")
    for path in ("/v1/risk", "/v1/comparisons", "/metrics", "/", PAGE, "/openapi.json", "/nothing"):
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            response = await serve.client.get(path, headers=given)
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith('Bearer realm="serinus"')
    right = {"Authorization": "Bearer s3cret"}
    response = await serve.client.get("/v1/risk", params=msgspec.structs.asdict(pair), headers=right)
    assert (await response.json())["risk"] == 37.5


def test_token_file_is_read_again(tmp_path):
    """A replaced token holds from then on; a file that is gone or empty leaves the last one."""
    now_s = 0.0
    file = tmp_path / "token"
    file.write_text("old")
    token = BearerToken(str(file), lambda: now_s)
    assert token.admits("Bearer old")
    for content, admitted in (("newer", "newer"), ("", "newer"), (None, "newer"), ("last!", "last!")):
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
            os.utime(file, ns=(int(now_s) + 1, int(now_s) + 1))
        now_s += 2.0
        assert token.admits(f"bearer {admitted}")
        assert not token.admits("Bearer ")
        assert not token.admits("Bearer \udcff")


def test_empty_token_file(tmp_path):
    """An empty token file is refused at start: it would let everyone in or no one."""
    file = tmp_path / "token"
    file.write_text(" \n")
    with pytest.raises(BadPolicy, match="must hold a token"):
        BearerToken(str(file))


@pytest.mark.parametrize(
    "path",
    ["/v1/argo/rollouts", "/v1/argo/experiments", "/v1/feedback", "/v1/alarms/feedback", "/kayenta/canary/serinus"],
)
@pytest.mark.parametrize("body", [b"", b"{", b'{"namespace": "\xff"}', b'{"a": ' + b"[" * 100_000])
async def test_posts_that_cannot_be_read(serve, path, body):
    """Truncated, no UTF-8, nested for ever: 400 with the fault, never an error of ours."""
    await serve.start()
    response = await serve.client.post(path, data=body, headers={"Content-Type": "application/json"})
    assert (response.status, "error" in await response.json()) == (400, True)


async def test_name_with_cluster(serve, judged):
    """A comparison of a named cluster has its page and its answer under that name only."""
    pair = Comparison("eu-1", "prod", "shop", "5d5c7b9f4", "6f8d9c6b77")
    serve.publish(judged(comparison=pair))
    await serve.start()
    await serve.text(PAGE.replace("/-/", "/eu-1/"))
    await serve.text(PAGE, 404)
    assert (await serve.risk(pair))["risk"] == 37.5
