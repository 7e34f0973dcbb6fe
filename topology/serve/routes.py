"""What can be asked over HTTP: one table, from which the server and its description are both made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from aiohttp.typedefs import Handler
from msgspec import Struct

from streams.risk.templates import FeedbackGiven
from topology.rollouts.status import ExperimentStatus, RolloutStatus
from topology.serve.alarm_answer import AlarmAnswer
from topology.serve.alarm_page import AlarmPage
from topology.serve.alarms import Alarms, Feedback, Heard
from topology.serve.answer import ComparisonSummary, RiskAnswer, VerdictAnswer
from topology.serve.api import Api
from topology.serve.feedback import FeedbackApi, FeedbackTaken, PostedFeedback
from topology.serve.kayenta import Kayenta
from topology.serve.kayenta_messages import CanaryConfig, RunBegun, RunRequest, RunStatus
from topology.serve.notifications import Notifications, PassedOn
from topology.serve.pages import Pages
from topology.serve.probes import Probes
from topology.serve.production import Production
from topology.serve.queries import AlarmsQuery, ComparisonsQuery, RiskQuery, WorkloadQuery
from topology.serve.template_page import TemplatePage

JSON = "application/json"
HTML = "text/html"
TEXT = "text/plain"
OPENMETRICS = "application/openmetrics-text"


class Fault(Struct, frozen=True):
    """Why a request was refused."""

    error: str


class Alive(Struct, frozen=True):
    """The process lives."""

    alive: bool
    reason: str


class Ready(Struct, frozen=True):
    """Whether queries should be sent here."""

    ready: bool
    reason: str


class Reply(Struct, frozen=True):
    """One status a route answers with."""

    status: int
    meaning: str
    body: Any = None
    """Type of the JSON body; None where it is no JSON of ours."""
    smaller: Any = None
    """Type of the smaller body that can be asked for instead."""
    media_types: tuple[str, ...] = (JSON,)


class Route(Struct, frozen=True):
    """One path and method."""

    path: str
    handler: Handler
    summary: str
    replies: tuple[Reply, ...]
    query: type[Struct] | None = None
    method: Literal["GET", "POST"] = "GET"
    body: type[Struct] | None = None
    """Of what is posted."""


def routes(
    api: Api,
    alarms: Alarms,
    production: Production,
    notifications: Notifications,
    feedback: FeedbackApi,
    kayenta: Kayenta,
    pages: Pages,
    alarm_page: AlarmPage,
    template_page: TemplatePage,
    probes: Probes,
    openapi: Handler,
) -> Sequence[Route]:
    """All of them."""
    return (
        Route(
            "/v1/risk",
            api.risk,
            "Risk and verdict of one comparison; always 200, also where the query is at fault: then the verdict is "
            "`none` and the reasons say which parameter. An unknown pair is asked for and answers `none` until judged. "
            "With `view=verdict` the answer is a VerdictAnswer.",
            (Reply(200, "The comparison at this moment", RiskAnswer, VerdictAnswer),),
            RiskQuery,
        ),
        Route(
            "/v1/comparisons",
            api.comparisons,
            "What is compared: the running by risk, then the ended, latest first",
            (
                Reply(200, "At most `limit` comparisons", list[ComparisonSummary]),
                Reply(400, "A parameter is at fault", Fault),
            ),
            ComparisonsQuery,
        ),
        *_alarms(alarms),
        Route(
            "/v1/watch",
            production.watch,
            "Verdict on what is in production, in the shape of `/v1/risk`: `fail` while an alarm rings that is likely "
            "the latest deployment's and the policy says `rollback: true`, `pass` while watched and quiet; always 200",
            (Reply(200, "Production at this moment, beside the revision before", RiskAnswer),),
            WorkloadQuery,
        ),
        Route(
            "/v1/argo/rollouts",
            notifications.rollout,
            "Tell a Rollout's status: its pair is asked for, or what became of its comparisons is passed on",
            (
                Reply(200, "Passed on, or nothing new", PassedOn),
                Reply(400, "The body is no such status", Fault),
                Reply(415, "A page has sent it, not declared as JSON", Fault),
                Reply(503, "Tell it again", Fault),
            ),
            method="POST",
            body=RolloutStatus,
        ),
        Route(
            "/v1/argo/experiments",
            notifications.experiment,
            "Tell an Experiment's status: its own pair is asked for, or what became of it is passed on",
            (
                Reply(200, "Passed on, or nothing new", PassedOn),
                Reply(400, "The body is no such status", Fault),
                Reply(415, "A page has sent it, not declared as JSON", Fault),
                Reply(503, "Tell it again", Fault),
            ),
            method="POST",
            body=ExperimentStatus,
        ),
        Route(
            "/v1/feedback",
            feedback.give,
            "Reclassify or tag a log template, or take that back: it holds for the windows that close from then on, in "
            "the running comparison and in later rollouts of the workload, of its namespace, or of all workloads",
            (
                Reply(200, "On its way to the scorer", FeedbackTaken),
                Reply(400, "The body is no feedback", Fault),
                Reply(404, "No comparison of the workload shows this template", Fault),
                Reply(415, "It is not declared as JSON", Fault),
                Reply(503, "Send it again", Fault),
            ),
            method="POST",
            body=PostedFeedback,
        ),
        Route(
            "/v1/feedback",
            feedback.history,
            "Who reclassified which log template of a workload, or for it among others, when and why; latest first",
            (Reply(200, "What the scorers know", list[FeedbackGiven]), Reply(400, "A parameter is at fault", Fault)),
            WorkloadQuery,
        ),
        *_kayenta(kayenta),
        Route(
            "/metrics",
            probes.metrics,
            "Gauges of the running comparisons, and of this process",
            (Reply(200, "Prometheus text or OpenMetrics", media_types=(TEXT, OPENMETRICS)),),
        ),
        Route("/healthz", probes.healthz, "The process lives; needs no token", (Reply(200, "It does", Alive),)),
        Route(
            "/readyz",
            probes.readyz,
            "Whether what Kafka held at start has been read; needs no token",
            (Reply(200, "It has", Ready), Reply(503, "Not yet", Ready)),
        ),
        Route("/openapi.json", openapi, "This description", (Reply(200, "OpenAPI 3.1", dict[str, Any]),)),
        *_alarm_page(alarm_page),
        Route("/", pages.comparisons, "All comparisons, for people", (Reply(200, "A page", media_types=(HTML,)),)),
        Route(
            "/comparisons/{cluster}/{namespace}/{workload}/{baseline}/{canary}",
            pages.comparison,
            "One comparison, for people; the empty cluster is written `-`",
            (
                Reply(200, "A page", media_types=(HTML,)),
                Reply(404, "A page that says that nothing is known", media_types=(HTML,)),
            ),
        ),
        *_template_page(template_page),
    )


def _template_page(template_page: TemplatePage) -> Sequence[Route]:
    """One log template, and what is said of it."""
    path = "/comparisons/{cluster}/{namespace}/{workload}/{baseline}/{canary}/templates/{template}"
    unknown = Reply(404, "A page that says that nothing is known", media_types=(HTML,))
    return (
        Route(
            path,
            template_page.template,
            "One log template of a comparison, for people, with a form to reclassify or tag it",
            (Reply(200, "A page", media_types=(HTML,)), unknown),
        ),
        Route(
            path,
            template_page.say,
            "What that page's form sends: `log_class`, `scope`, `reason`, `tags`, `who`; programs post to /v1/feedback",
            (
                Reply(303, "On its way to the scorer; back to the page", media_types=(HTML,)),
                Reply(400, "The page, with the fault", media_types=(HTML,)),
                Reply(403, "It was not sent by our own page", media_types=(HTML,)),
                unknown,
                Reply(503, "Send it again", media_types=(HTML,)),
            ),
            method="POST",
        ),
    )


def _alarm_page(alarm_page: AlarmPage) -> Sequence[Route]:
    """All alarms, one of them, and what is said of it."""
    path = "/alarms/{cluster}/{namespace}/{workload}/{raised_at}"
    unknown = Reply(404, "A page that says that nothing is known", media_types=(HTML,))
    return (
        Route("/alarms", alarm_page.alarms, "All alarms, for people", (Reply(200, "A page", media_types=(HTML,)),)),
        Route(
            path,
            alarm_page.alarm,
            "One alarm, for people, with a form to acknowledge, silence or judge it",
            (Reply(200, "A page", media_types=(HTML,)), unknown),
        ),
        Route(
            path,
            alarm_page.say,
            "What that page's form sends: `kind`, `lasts`, `reason`, `who`; programs post to /v1/alarms/feedback",
            (
                Reply(303, "On its way to the scorer; back to the page", media_types=(HTML,)),
                Reply(400, "The page, with the fault", media_types=(HTML,)),
                Reply(403, "It was not sent by our own page", media_types=(HTML,)),
                unknown,
                Reply(503, "Say it again", media_types=(HTML,)),
            ),
            method="POST",
        ),
    )


def _alarms(alarms: Alarms) -> Sequence[Route]:
    """What production did after promotion."""
    return (
        Route(
            "/v1/alarms",
            alarms.alarms,
            "The alarms of production: the active by score, then the cleared, latest first",
            (
                Reply(200, "At most `limit` alarms", list[AlarmAnswer]),
                Reply(400, "A parameter is at fault", Fault),
                Reply(503, "Not all alarms have been read yet", Fault),
            ),
            AlarmsQuery,
        ),
        Route(
            "/v1/alarms/feedback",
            alarms.feedback,
            "Acknowledge or silence an alarm, or say that it was real or nothing, which teaches the thresholds",
            (
                Reply(200, "On its way; it shows in `GET /v1/alarms` once all have it", Heard),
                Reply(400, "The body is no feedback", Fault),
                Reply(404, "No alarm of this id is known", Fault),
                Reply(415, "It is not sent as JSON", Fault),
                Reply(503, "Say it again", Fault),
            ),
            method="POST",
            body=Feedback,
        ),
    )


def _kayenta(kayenta: Kayenta) -> Sequence[Route]:
    """Those of Argo's kayenta provider, whose address is ours with `/kayenta`."""
    refused = Reply(404, "There is none of this id", Fault)
    return (
        Route(
            "/kayenta/canaryConfig",
            kayenta.configs,
            "Kayenta: the canary configs",
            (Reply(200, "All of them", list[CanaryConfig]),),
        ),
        Route(
            "/kayenta/canary/{id}",
            kayenta.begin,
            "Kayenta: begin a run over the pairs that its scopes name",
            (
                Reply(200, "Begun; its id holds all there is to know of it", RunBegun),
                Reply(400, "The body is no such request", Fault),
                refused,
            ),
            method="POST",
            body=RunRequest,
        ),
        Route(
            "/kayenta/canary/{id}",
            kayenta.status,
            "Kayenta: how far a run is; its score once there is a verdict or its time is over",
            (Reply(200, "The run at this moment", RunStatus), refused),
        ),
    )
