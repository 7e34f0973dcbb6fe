"""Which of a workload's signatures are judged, as what class, and which template is each part of?

The templates and classes are those of `Lines`; kept here is what of them the judge has to know: of the signatures of
class warning and worse, and of the templates they are part of, text and class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from streams.judging.pod_window import STARTS_NS
from streams.judging.policy_settings import lines_of
from streams.judging.presence import PresenceState
from streams.judging.side import SignatureInfo
from streams.policy.workload_policy import LogPolicy
from streams.risk.comparison import TemplateFeedback
from streams.templates.classes import Feedback, concerns
from streams.templates.example import Example
from streams.templates.examples import Kept
from streams.templates.lines import Line, LinesState
from streams.templates.template import Template, recalled
from streams.watch.regular import Logged
from streams.windows.signature import Signature
from streams.windows.summary import Summary

_JUDGED = ("critical", "error", "warning")
MAX_SIGNATURES = 5000
"""Signatures of class warning and worse remembered per workload."""


class JudgedLines:
    """`learn` the lines of a window, `hear` feedback and `follow` a policy; then `signatures` are what is judged."""

    def __init__(self, policy: LogPolicy, lines: LinesState, signatures: dict[int, SignatureInfo]) -> None:
        """Goes on from a snapshot.

        Args:
            policy: classes and masks.
            lines: templates, and what was said of them.
            signatures: those of class warning and worse, and the templates they are part of; it takes them over.
        """
        self.policy = policy
        self.signatures = signatures
        self.roots: dict[int, int] = {}
        """Signature -> the template it is part of, where that is another one."""
        self._lines = lines_of(policy, lines)
        for number in signatures:
            template = self._lines.template(number)
            if template is not None and template.number != number:
                self.roots[number] = template.number

    def to_state(self) -> LinesState:
        """The snapshot of `lines`; valid until the next change."""
        return self._lines.to_state()

    @property
    def history(self) -> Sequence[Feedback]:
        """What was said, the oldest first."""
        return self._lines.history

    @property
    def texts(self) -> Mapping[int, SignatureInfo]:
        """What ids stand for, of any class: what was counted before it was called harmless has a text too."""
        return _Texts(self.signatures, self.info)

    def root(self, number: int) -> int:
        """The template that a signature is part of, also one that is not judged any more."""
        root = self._lines.root(number)
        return number if root is None else root

    def read(self, template: int) -> Line | None:
        """A template and its class; None if it is not known (any more)."""
        return self._lines.read(template)

    def info(self, template: int) -> SignatureInfo | None:
        """Text and class of a template, of any class; None if it is not known (any more)."""
        line = self._lines.read(template)
        return None if line is None else SignatureInfo(line.template.text, line.classed.log_class)

    def examples(self, template: int) -> Kept | None:
        """What its lines look like; None if none was shown."""
        return self._lines.examples(template)

    def tags(self, template: Template) -> tuple[str, ...]:
        """The tags that feedback gave it."""
        return self._lines.tags(template)

    def learn(
        self,
        start_ns: int,
        summaries: Mapping[str, Summary],
        heard: Mapping[int, Signature],
        seen: Callable[[], set[int]],
    ) -> Mapping[int, int]:
        """Learn a window's templates, and which of its lines are judged.

        Args:
            start_ns: of the window.
            summaries: pod-template hash -> its summary.
            heard: at least the signatures of the window, by id.
            seen: what windows still kept have seen, asked when there is no room.

        Returns:
            Templates that have become part of others: former number -> the one it is part of now.
        """
        counts: dict[int, int] = {}
        for name in sorted(summaries):
            for pod in summaries[name].pods.values():
                for number, lines in pod.lines.items():
                    counts[number] = counts.get(number, 0) + lines
        fresh = {number: heard[number] for number in sorted(counts)}
        learned = self._lines.learn(fresh, start_ns, counts)
        if learned.forgot:
            self.roots = {number: root for number, root in self.roots.items() if self._lines.root(number) is not None}
        has_asked = False
        for number, what in fresh.items():
            if not self._place(number, what) and not has_asked:
                has_asked = True  # once a window: of a flood of lines each would find no room
                self._make_room(seen(), fresh.keys())
                self._place(number, what)
        if learned.redirects:
            self._classify_anew()
        self._show_excerpts(summaries)
        return learned.redirects

    def hear(self, said: TemplateFeedback, at_ns: int) -> bool:
        """Take in what somebody says of a template; False where it says nothing of these lines.

        Args:
            said: of a template of this workload; of one it does not know (any more) it changes nothing. Where it is
                said for more than one workload, of any template: it holds also for those that come later.
            at_ns: event time at which it was said.
        """
        number = int(said.template, 16)
        what = recalled(number, said.text) if said.shared else self._lines.template(number)
        if what is None:
            return False
        given = Feedback(at_ns, said.who, what, said.log_class, said.reason, said.tags, said.scope)
        self._lines.hear(given)
        self._classify_anew(given if said.shared else None)
        return True

    def follow(self, policy: LogPolicy) -> None:
        """Classes and masks of the policy, from now on."""
        if policy != self.policy:
            self.policy = policy
            self._lines = lines_of(policy, self._lines.to_state())
            self._classify_anew()

    def logged(self, summary: Summary | None, presence: PresenceState | None) -> Logged:
        """Which templates each pod of a revision wrote in a window, but for pods that start.

        Args:
            summary: of the window; None: it was not heard.
            presence: of the revision; None: it is not there.
        """
        there = {} if presence is None else presence.pods
        logged = Logged(self.info, there={pod.number for pod in there.values()})
        if summary is None:
            return logged
        logged.whole = summary.other_lines == 0
        numbers = set[int]().union(*(held.lines for held in summary.pods.values()))
        parts = {number: root for number in numbers if (root := self._lines.root(number)) not in (None, number)}
        for name, held in summary.pods.items():
            if held.lines and (not there[name].met_ns or summary.start_ns - there[name].met_ns >= STARTS_NS):
                lines = held.lines.keys()
                whole = lines if parts.keys().isdisjoint(lines) else {parts.get(number, number) for number in lines}
                logged.pods[there[name].number] = whole
        return logged

    def show(self, number: int, line: Example) -> None:
        """Keep a line of a signature as an example of its template, if that is known."""
        self._lines.show(number, line)

    def _show_excerpts(self, summaries: Mapping[str, Summary]) -> None:
        """As examples, with as many lines around each as the policy asks for."""
        around = self.policy.context_lines
        for name in sorted(summaries):
            for pod, held in sorted(summaries[name].pods.items()):
                for number, one in sorted(held.excerpts.items()):
                    before, after = one.before[max(0, len(one.before) - around) :], one.after[:around]
                    self.show(number, Example(one.time_ns, one.line, name, pod, before, after))

    def _place(self, number: int, what: Signature | None = None) -> bool:
        """Note what a signature comes to, if there is room; what is of no judged class is not remembered."""
        known, line = self.signatures, self._lines.read(number, what)
        if line is None:
            return True
        if line.classed.log_class not in _JUDGED:
            known.pop(number, None)
            self.roots.pop(number, None)
            return True
        if number not in known and len(known) >= MAX_SIGNATURES:
            return False
        info = SignatureInfo(line.template.text, line.classed.log_class, line.raised)
        for each in sorted({number, line.template.number}):
            known[each] = info
        if line.template.number != number:
            self.roots[number] = line.template.number
        else:
            self.roots.pop(number, None)
        return True

    def _classify_anew(self, by: Feedback | None = None) -> None:
        """All that is judged; of what was said for many workloads only what it holds for."""
        for number in sorted(self.signatures):
            line = None if by is None else self._lines.read(number)
            if by is None or (line is not None and concerns(by, line.template)):
                self._place(number)

    def _make_room(self, seen: set[int], fresh: AbstractSet[int]) -> None:
        """Forget what no window still kept has seen, then all that is no template itself; of this window nothing.

        Else a flood of lines that differ in words would be judged until it fills the room, and then, like anything
        new, not until the first of its windows is kept no more.
        """
        self._forget_all_but(seen | fresh)
        if len(self.signatures) >= MAX_SIGNATURES:
            self._forget_all_but({number for number in self.signatures if self._lines.root(number) == number} | fresh)

    def _forget_all_but(self, seen: AbstractSet[int]) -> None:
        self.signatures = {number: info for number, info in self.signatures.items() if number in seen}
        self.roots = {number: root for number, root in self.roots.items() if number in self.signatures}


class _Texts(Mapping[int, SignatureInfo]):
    """Looked up where somebody asks; those that are judged are the rule."""

    def __init__(self, judged: Mapping[int, SignatureInfo], info: Callable[[int], SignatureInfo | None]) -> None:
        self._judged = judged
        self._info = info

    def __getitem__(self, number: int) -> SignatureInfo:
        found = self._judged.get(number) or self._info(number)
        if found is None:
            raise KeyError(number)
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(self._judged)

    def __len__(self) -> int:
        return len(self._judged)


def numbers_of(summary: Summary) -> Iterator[int]:
    """Signatures in a summary, those that only its traces have too; one may come several times."""
    return (number for pod in summary.pods.values() for number in chain(pod.signatures(), *pod.traces.values()))
