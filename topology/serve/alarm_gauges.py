"""The watch as Prometheus reads it: gauges of active alarms and of watched workloads, made anew at each scrape.

When an alarm has cleared, or is gone, all of its series vanish; the score of a workload does when nothing was watched
of it for too long. The scores have the convention of vmanomaly's `anomaly_score`: 1.0 is the boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from topology.alarms.view import AlarmView
from topology.serve import answer
from topology.serve.production import ProductionView

MOST_SIGNALS = 20
"""Of one alarm, the worst."""

_WORKLOAD = ("cluster", "namespace", "workload")


class AlarmCollector(Collector):
    """Reads the view whenever the registry is scraped."""

    def __init__(self, view: AlarmView, production: ProductionView, stale_s: float, now: Callable[[], float]) -> None:
        self._view = view
        self._production = production
        self._stale_s = stale_s
        self._now = now

    def describe(self) -> Iterator[Metric]:
        """The names, so that the registry need not collect to know them."""
        return iter(_families())

    def collect(self) -> Iterator[Metric]:
        """All series of now."""
        active, acknowledged, silenced, score, signal_score = families = _families()
        now_s = self._now()
        worst: dict[tuple[str, ...], float] = dict(self._scores(now_s))
        signals: dict[tuple[str, ...], float] = {}
        for known in self._view.active():
            alarm = known.alarm
            workload = (alarm.cluster, alarm.namespace, alarm.workload)
            labels = [*workload, alarm.revision, alarm.id]
            active.add_metric(labels, 1.0)
            acknowledged.add_metric(labels, float(known.acknowledged(now_s)))
            silenced.add_metric(labels, float(known.silenced(now_s)))
            worst[workload] = max(alarm.score, worst.get(workload, 0.0))
            for signal in alarm.signals[:MOST_SIGNALS]:
                name = (*workload, signal.signal)
                signals[name] = max(signal.score, signals.get(name, 0.0))
        for labels_of, value in worst.items():
            score.add_metric(list(labels_of), value)
        for labels_of, value in signals.items():
            signal_score.add_metric(list(labels_of), value)
        yield from families

    def _scores(self, now_s: float) -> Iterator[tuple[tuple[str, ...], float]]:
        """Of each workload that is watched now."""
        for entry in self._production.all():
            document = entry.document
            if document.watch_score is not None and not answer.is_stale(entry, now_s, self._stale_s):
                of = document.comparison.of
                yield (of.cluster, of.namespace, of.name), document.watch_score


def _families() -> tuple[GaugeMetricFamily, ...]:
    def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"serinus_{name}", text, labels=(*_WORKLOAD, *labels))

    return (
        gauge("alarm_active", "1 while an alarm is raised or held", "revision", "alarm"),
        gauge("alarm_acknowledged", "1 while somebody is on an active alarm, else 0", "revision", "alarm"),
        gauge("alarm_silenced", "1 while nobody is to be told of an active alarm, else 0", "revision", "alarm"),
        gauge("watch_score", "Abnormality of a watched workload; 1.0 is the boundary"),
        gauge("watch_signal_score", "The same of one signal that takes part in an active alarm", "signal"),
    )
