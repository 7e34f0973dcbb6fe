"""The risk as Prometheus reads it: gauges of running comparisons, made anew at each scrape.

A series is there only while it says something. When a comparison has ended all of its series vanish; while nothing was
judged, or nothing for too long, those of risk, confidence and signals do, and `serinus_verdict{verdict="none"}` is 1.
Prometheus keeps a vanished series for no scrape, so a query must expect an empty result (`rollouts-contract.md`, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.judging.evidence import Verdict
from streams.risk.document import RiskDocument
from topology.serve import answer
from topology.serve.view import Entry, View

_PAIR = ("cluster", "namespace", "workload", "baseline", "canary")


class RiskCollector(Collector):
    """Reads the view whenever the registry is scraped."""

    def __init__(self, view: View, stale_s: float, now: Callable[[], float]) -> None:
        self._view = view
        self._stale_s = stale_s
        self._now = now

    def describe(self) -> Iterator[Metric]:
        """The names, so that the registry need not collect to know them."""
        return iter(_families())

    def collect(self) -> Iterator[Metric]:
        """All series of now."""
        risk, confidence, updated, verdict, signal_risk, signal_log10_e = families = _families()
        now_s = self._now()
        for entry in self._view.running():
            document = answer.at(entry, now_s, self._stale_s)
            pair = [getattr(document.comparison, name) for name in _PAIR]
            for one in get_args(Verdict):
                verdict.add_metric([*pair, one], float(one == document.verdict))
            if entry.as_of_s > 0:
                updated.add_metric(pair, entry.as_of_s)
            if not self._says_something(entry, document, now_s):
                continue
            risk.add_metric(pair, document.risk)
            confidence.add_metric(pair, document.confidence)
            for signal in {signal.signal: signal for signal in document.signals}.values():
                signal_risk.add_metric([*pair, signal.signal], signal.risk)
                signal_log10_e.add_metric([*pair, signal.signal], signal.log10_e)
        yield from families

    def _says_something(self, entry: Entry, document: RiskDocument, now_s: float) -> bool:
        """Whether the risk is one: something was judged, and lately or for good."""
        if document.verdict == "fail":
            return True
        judged = entry.as_of_s > 0 and document.exposure.canary > 0
        return judged and not answer.is_stale(entry, now_s, self._stale_s)


def _families() -> tuple[GaugeMetricFamily, ...]:
    def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"serinus_{name}", text, labels=(*_PAIR, *labels))

    return (
        gauge("risk_score", "Risk of the canary, 0..100: 100 exactly when the verdict is fail"),
        gauge("confidence_ratio", "How far it is shown that the canary can be promoted, 0..1"),
        gauge("risk_updated_timestamp_seconds", "End of the last window judged, since 1970"),
        gauge("verdict", "1 for the verdict of now, 0 for the other three", "verdict"),
        gauge("signal_risk", "Risk by one signal's own evidence, 0..100", "signal"),
        gauge("signal_log10_e", "log10 of one signal's e-value; 0 = no evidence", "signal"),
    )
