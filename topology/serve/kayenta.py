"""The routes that Argo's kayenta provider calls, so that a `kayenta:` template works by changing its address.

A run ends as soon as there is a verdict, and without one when its time is over: at the scopes' `end` if that is to
come, else after as much time again as they span, and at least `LEAST_S`. The verdict decides, and the score is made to
fit the template's thresholds, which were chosen for another judge: `pass` reaches them, `fail` does not, and where it
cannot be told the score is marginal, on which Argo pauses. (A template that leaves no room for that gets a failure.)
Argo ends a run by no deadline of its own, takes no status but 200, and sends no token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from streams.errors import BadPolicy
from streams.judging.evidence import Verdict
from streams.risk.comparison import Comparison
from streams.shippers.faults import DECODE_FAULTS
from topology.serve import kayenta_scope
from topology.serve.answer import RiskAnswer
from topology.serve.api import Api, json
from topology.serve.directory import Directory, Wanted, several
from topology.serve.kayenta_messages import (
    CanaryConfig,
    JudgeResult,
    Pair,
    Result,
    Run,
    RunBegun,
    RunRequest,
    RunStatus,
    ScopePair,
    ScopeRequest,
    Score,
)
from topology.serve.kayenta_scope import BadScope
from topology.serve.links import Links, page

LEAST_S = 300.0
"""A run waits at least so long for a verdict."""
MOST_S = 7 * 86_400.0
"""And at most."""
OWN_CONFIG = CanaryConfig("serinus", "serinus")
"""There without any file."""

_CLASSIFICATION = {"pass": "Pass", "fail": "Fail", "marginal": "Marginal", "none": "Marginal"}
_WORST_FIRST: tuple[Verdict, ...] = ("fail", "marginal", "none", "pass")
_decode = msgspec.json.Decoder(RunRequest).decode


class Kayenta:
    """Answers as Kayenta would."""

    def __init__(
        self, api: Api, directory: Directory, links: Links, configs: Sequence[CanaryConfig], now: Callable[[], float]
    ) -> None:
        self._api = api
        self._directory = directory
        self._links = links
        self._configs = (OWN_CONFIG, *configs)
        self._now = now

    async def configs(self, _: web.Request) -> web.Response:
        """All canary configs, for any application."""
        return json(self._configs)

    async def begin(self, request: web.Request) -> web.Response:
        """Begin a run; a scope that cannot be understood begins one that ends at once, marginal, with the reason."""
        config = request.match_info["id"]
        if config not in {each.id for each in self._configs}:
            return json({"error": f"there is no canary config of id {config[:100]!a}"}, 404)
        try:
            wanted = _decode(await request.read())
        except DECODE_FAULTS as error:
            return json({"error": f"the body is no run that can be begun: {error}"}, 400)
        run = _run(config, wanted, self._now())
        for pair in run.pairs:
            self._look(pair, "")  # asks for the comparison, so that it runs before the first answer is fetched
        return json(RunBegun(run.id))

    async def status(self, request: web.Request) -> web.Response:
        """How far a run is, and its score once it is complete."""
        run = Run.from_id(request.match_info["id"])
        if run is None:
            return json({"error": "no such run"}, 404)
        base = self._links.base(request)
        if run.fault:
            return json(_complete(run, "none", 50.0, run.fault, f"{base}/"))
        worst = min((self._look(pair, base) for pair in run.pairs), key=lambda each: _WORST_FIRST.index(each.verdict))
        if worst.verdict == "none" and self._now() < run.until_s:
            return json(RunStatus(complete=False, status="running", report_url=worst.report_url))
        return json(_complete(run, worst.verdict, worst.risk, worst.reasons[0], worst.report_url))

    def _look(self, pair: Pair, base: str) -> RiskAnswer:
        """What is known of one pair."""
        wanted = Wanted(pair.baseline, pair.canary, pair.cluster, pair.namespace, pair.workload)
        found = self._directory.find(wanted)
        if len(found) > 1:
            found = _hinted(found, pair) or found
        if len(found) == 1:
            return self._api.look(found[0], self._now(), f"{base}/{page(found[0])}")
        reason = several(found) if found else "no workload is known whose records carry both of these hashes"
        return RiskAnswer(age_s=self._now(), reasons=(reason,), report_url=f"{base}/")


def fitted(verdict: Verdict, risk: float, passing: int, marginal: int) -> int:
    """The score that makes Argo do what the verdict says, whatever the thresholds.

    >>> fitted("pass", 12.0, 95, 75), fitted("fail", 100.0, 95, 75), fitted("none", 37.5, 95, 75)
    (95, 0, 75)
    """
    score = math.floor(100.0 - risk)
    if verdict == "pass":
        return max(score, passing)
    if verdict == "fail" or passing <= marginal:
        return min(score, passing - 1, marginal - 1)
    return min(max(score, marginal), passing - 1)


def read_config(text: bytes, file: str, modified_ms: int) -> CanaryConfig:
    """What is listed of a canary config, as Kayenta exports it.

    Raises:
        BadPolicy: it is no JSON, or has no name.
    """
    try:
        config = msgspec.json.decode(text, type=_ConfigFile)
    except DECODE_FAULTS as error:
        raise BadPolicy("kayenta-config", file, f"it must be a Kayenta canary config as JSON: {error}") from error
    slug = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in config.id or config.name)
    return CanaryConfig(slug, config.name, modified_ms, applications=config.applications)


class _ConfigFile(msgspec.Struct, frozen=True):
    """Of the file, what is listed."""

    name: str
    id: str = ""
    applications: tuple[str, ...] = ()


def _run(config: str, wanted: RunRequest, now_s: float) -> Run:
    passing, marginal = wanted.thresholds.passing, wanted.thresholds.marginal
    until_s = max(_until_s(scopes.experiment_scope, now_s) for scopes in wanted.scopes.values())
    try:
        pairs = [_pair(name, scopes) for name, scopes in wanted.scopes.items()]
    except BadScope as fault:
        return Run(1, config, passing, marginal, until_s, fault=str(fault))
    return Run(1, config, passing, marginal, until_s, pairs)


def _pair(name: str, scopes: ScopePair) -> Pair:
    baseline = kayenta_scope.read(scopes.control_scope.scope, "baseline")
    canary = kayenta_scope.read(scopes.experiment_scope.scope, "canary")
    if baseline.pod_template_hash == canary.pod_template_hash:
        raise BadScope(f"scope {name[:60]!a}: both sides have the hash {canary.pod_template_hash[:63]!a}")
    cluster, namespace, workload, app = (
        getattr(canary, field) or getattr(baseline, field) for field in ("cluster", "namespace", "workload", "app")
    )
    hashes = [baseline.pod_template_hash, canary.pod_template_hash]
    hints = [app[:253], scopes.experiment_scope.location[:63]]
    try:
        return msgspec.convert([*hashes, cluster, namespace or None, workload or None, *hints], Pair)
    except msgspec.ValidationError as error:
        raise BadScope(f"scope {name[:60]!a}: {error}") from error


def _until_s(scope: ScopeRequest, now_s: float) -> float:
    if scope.end is None:
        return now_s + LEAST_S
    end_s = scope.end.timestamp()
    if end_s > now_s:
        return min(end_s, now_s + MOST_S)
    span_s = 0.0 if scope.start is None else end_s - scope.start.timestamp()
    return now_s + min(max(span_s, LEAST_S), MOST_S)


def _hinted(found: tuple[Comparison, ...], pair: Pair) -> tuple[Comparison, ...]:
    """Those of several that the application's name and the region speak for."""
    for name, hint in (("workload", pair.app_hint), ("namespace", pair.namespace_hint)):
        found = tuple(each for each in found if getattr(each, name) == hint) or found
    return found


def _complete(run: Run, verdict: Verdict, risk: float, reason: str, report_url: str) -> RunStatus:
    score = fitted(verdict, risk, run.passing, run.marginal)
    judged = JudgeResult("serinus", Score(score, _CLASSIFICATION[verdict], reason))  # type: ignore[arg-type]
    return RunStatus(complete=True, status="succeeded", report_url=report_url, result=Result(judged))
