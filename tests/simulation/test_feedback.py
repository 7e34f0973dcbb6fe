"""Feedback by those who look at the evidence first: the bound on false failures holds all the same.

Whoever reclassifies templates while a comparison runs does so by what was seen. The windows before it stay counted as
they were, and those after it do not know of it: of the e-values side by side, the rule of a window may depend on all
windows before it. Here an operator does the worst: again and again, what the canary happened to show more often is
called critical, and what the baseline did is ignored. Through the whole life of a workload, rollout after rollout, so
that what was learned from earlier baselines is judged by too.

Choosing pays most where lines are many and rare, so that each is seen on one side only: the same operator fails most
healthy canaries of a judge that counts the windows before anew (`CountsAnew`), and the budget notices.
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
import pytest

from streams.policy.workload_policy import WorkloadPolicy
from streams.records.identity import Revision, Workload
from streams.records.log import Severity
from streams.risk.comparison import Comparison, TemplateFeedback
from streams.risk.document import RiskDocument
from streams.windows.signature import Signature, signature_id
from streams.windows.summary import PodSummary, Summary
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadSettings, WorkloadState
from tests.simulation.core import within_budget

pytestmark = pytest.mark.timeout(900)
ALPHA = 0.05
S = 1_000_000_000
T0, WINDOW_NS, WINDOWS = 1_787_300_000 * S, 5 * S, 36
OF = Workload("", "prod", "shop")
SERVED = Signature("INFO served", Severity.INFO)


class World(NamedTuple):
    """What the pods of a workload log; no line becomes part of another's template."""

    kinds: tuple[Signature, ...]
    rates: tuple[float, ...]
    """Chance that a pod shows one in a window."""

    @property
    def signatures(self) -> dict[int, Signature]:
        """By id, with what every pod logs."""
        return {signature_id(one): one for one in (SERVED, *self.kinds)}


FEW = World(
    tuple(
        Signature(f"{name} {text}", severity)
        for name, severity in (("INFO", Severity.INFO), ("WARN", Severity.WARN), ("ERROR", Severity.ERROR))
        for text in ("cart emptied", "stock reserved twice", "payment declined by bank")
    ),
    (0.5, 0.2, 0.08) * 3,
)
"""Nine, three of each severity."""
MANY = World(
    tuple(
        Signature(f"ERROR {one}{other}one {one}{other}two {one}{other}three", Severity.ERROR)
        for one in "abcdef"
        for other in ascii_lowercase[:25]
    ),
    (0.004,) * 150,
)
"""150 errors, of which most show on one side or on none in a rollout."""
Operator = Callable[[RiskDocument, WorkloadLife, int], int]


class CountsAnew(WorkloadLife):
    """What must not be: after feedback the windows before it are counted by the new classes."""

    def reclassify(self, said: TemplateFeedback, at_ns: int) -> None:
        """As it is, then all of it anew."""
        super().reclassify(said, at_ns)
        for key, running in list(self._running.items()):
            del self._running[key]
            self.compare(running.comparison, running.requested_ns, None, running.policy)


def against_the_canary(document: RiskDocument, life: WorkloadLife, at_ns: int) -> int:
    """What the canary shows in excess becomes critical, what the baseline does is ignored; how much was said."""
    said = 0
    for row in document.templates:
        wanted = "critical" if row.canary_count > row.explained_count else "ignore"
        if row.log_class != wanted:
            _say(life, row.id, wanted, at_ns)
            said += 1
    shown = {row.id for row in document.templates}
    for one in document.feedback:
        if said < 3 and one.template not in shown and one.log_class == "ignore":
            _say(life, one.template, "critical", at_ns)  # another try at what was ignored
            said += 1
    return said


def raises_all(document: RiskDocument, life: WorkloadLife, at_ns: int) -> int:
    """Everything ever seen becomes critical, harmless lines too, one kind at each look."""
    known = {one.template for one in document.feedback}
    names = [f"{number:016x}" for number, one in FEW.signatures.items() if one is not SERVED]
    fresh = [name for name in sorted(names) if name not in known]
    if fresh:
        _say(life, fresh[0], "critical", at_ns)
    return len(fresh[:1])


def _say(life: WorkloadLife, template: str, log_class: str, at_ns: int) -> None:
    life.reclassify(TemplateFeedback("", "prod", "shop", template, log_class, "seen", who="eve"), at_ns)  # type: ignore[arg-type]


def lives(
    operator: Operator,
    world: World,
    number: int,
    rollouts: int,
    pods: tuple[int, int],
    seed: int,
    kind: type[WorkloadLife] = WorkloadLife,
) -> tuple[int, int, int]:
    """Failed rollouts, rollouts, and what was said, over so many workloads."""
    rng, failed, said = np.random.default_rng(seed), 0, 0
    for _ in range(number):
        life, start_ns = kind(WorkloadSettings(sight_ns=0), WorkloadState(OF)), T0
        for rollout in range(rollouts):
            pair = Comparison(*OF.key.split("/"), f"r{rollout}", f"r{rollout + 1}")
            document, more = _rollout(life, pair, start_ns, operator, world, pods, rng)
            failed += document.verdict == "fail"
            said += more
            start_ns += (WINDOWS + 30) * WINDOW_NS
    return failed, number * rollouts, said


def _rollout(
    life: WorkloadLife,
    pair: Comparison,
    start_ns: int,
    operator: Operator,
    world: World,
    pods: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[RiskDocument, int]:
    life.compare(pair, start_ns, policy=WorkloadPolicy(alpha=ALPHA))
    signatures = world.signatures
    said, (document,) = 0, life.documents()
    for window in range(WINDOWS):
        for revision, many in zip((pair.baseline, pair.canary), pods, strict=True):
            delta = _delta(Revision(OF, revision), start_ns + window * WINDOW_NS, world, many, rng)
            life.add(delta, signatures, {})
        end_ns = start_ns + (window + 1) * WINDOW_NS
        life.close(end_ns)
        document = next(iter(life.documents()), document)
        if window % 4 == 3:
            said += operator(document, life, end_ns)
            document = next(iter(life.documents()), document)
    life.end(pair, "promoted", start_ns + WINDOWS * WINDOW_NS)
    return life.documents()[-1], said


def _delta(revision: Revision, start_ns: int, world: World, pods: int, rng: np.random.Generator) -> Summary:
    shown = rng.random((pods, len(world.kinds))) < world.rates
    found = {
        f"{revision.pod_template_hash}-{pod}": PodSummary(
            lines={
                signature_id(SERVED): 20,
                **{signature_id(kind): 1 for kind, there in zip(world.kinds, shown[pod], strict=True) if there},
            }
        )
        for pod in range(pods)
    }
    return Summary(revision, start_ns, 20 * pods, 0, found)


@pytest.mark.parametrize("number", [2, pytest.param(60, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("pods", [(2, 2), (4, 1)], ids=str)
@pytest.mark.parametrize(
    ("operator", "world"),
    [(against_the_canary, FEW), (against_the_canary, MANY), (raises_all, FEW)],
    ids=["chooses", "chooses among many", "raises all"],
)
def test_feedback_by_what_was_seen_keeps_alpha(operator, world, pods, number):
    """Promise: healthy canaries fail at most as often as alpha allows, whoever reclassifies what, and when."""
    failed, rollouts, said = lives(operator, world, number, 3, pods, seed=7)
    assert said > rollouts / 2
    assert within_budget(failed, rollouts, ALPHA), f"{failed} of {rollouts}"


def test_the_budget_notices_windows_that_are_counted_anew():
    """Promise: this operator would fail healthy canaries if feedback changed what was counted before it."""
    failed, rollouts, _ = lives(against_the_canary, MANY, 2, 3, (2, 2), seed=7, kind=CountsAnew)
    assert not within_budget(failed, rollouts, ALPHA), f"{failed} of {rollouts}"
