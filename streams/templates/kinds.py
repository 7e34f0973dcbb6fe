"""What kind of line is it, going by what operators said of others? Learned by naive Bayes over the words.

What is learned from: the templates that operators have classed, and as contrast the workload's other templates with the
class that rules give them. The prior is the rules': half for the class they give, half for those that feedback has
given. A kind is only known where the words are: how sure we are is the posterior, times the share of the template's
words that were in feedback of that class and like it. Above one half it is more likely than not, and believed.

Source: river.naive_bayes.MultinomialNB (Manning, Raghavan & Schütze, Introduction to Information Retrieval, 13.2); each
text counts once whatever order it comes in, so the model is a function of the texts and needs no state of its own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from msgspec import Struct

from streams.templates.topics import LogClass

MIN_EXAMPLES = 2
"""Of one class that share at least half of the template's words: one example is no kind."""
BELIEVED = 0.5
_MAX_WORDS = 64
_SHOWN_WORDS = 3
_SMOOTHING = 0.1
"""Of word counts: a template has few words, so one occurrence tells much (Lidstone)."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_]+")
_LEVELS = {"trace", "debug", "info", "warn", "warning", "error", "err", "fatal", "severe", "critical"}
_SMALL = {"the", "and", "for", "from", "with", "was", "were", "has", "have", "had", "not", "but", "its", "into", "that"}
_SMALLER = {"this", "are", "to", "of", "in", "on", "at", "by", "is", "be", "as", "an", "or", "if", "it", "no"}
_NO_WORDS = frozenset(_LEVELS | _SMALL | _SMALLER)


class Kind(Struct, frozen=True):
    """What is thought of a template."""

    log_class: LogClass
    sure_ratio: float
    """0..1: how likely it is right."""
    examples: int
    """Classed templates that are like it."""
    words: tuple[str, ...]
    """That speak for it most."""


class Kinds:
    """`of` a text, learned from texts with classes."""

    def __init__(self, feedback: Iterable[tuple[str, LogClass]], contrast: Iterable[tuple[str, LogClass]]) -> None:
        """Learn from what operators said, and from what rules say of others."""
        from river.naive_bayes import MultinomialNB  # noqa: PLC0415 - slow to import, and most workloads have no feedback

        self._model: Any = MultinomialNB(alpha=_SMOOTHING)
        self._examples: list[tuple[frozenset[str], LogClass]] = []
        for text, log_class in feedback:
            self._examples.append((frozenset(_words(text)), log_class))
            self._model.learn_one(Counter(_phrases(text)), log_class)
        for text, log_class in contrast:
            self._model.learn_one(Counter(_phrases(text)), log_class)
        self._said = sorted({log_class for _, log_class in self._examples})

    def of(self, text: str, by_rule: LogClass) -> Kind | None:
        """What the text is likely to be, if feedback tells; None if it does not.

        Args:
            text: of a template.
            by_rule: the class that severity and topics give it.
        """
        seen = frozenset(_words(text))
        posteriors = self._posteriors(_phrases(text), by_rule)
        best: Kind | None = None
        for log_class in self._said:
            alike = [said for said, of in self._examples if of == log_class and 2 * len(said & seen) >= len(seen)]
            if len(alike) < MIN_EXAMPLES:
                continue
            told = seen.intersection(frozenset().union(*alike))
            sure_ratio = posteriors[log_class] * len(told) / max(1, len(seen))
            if sure_ratio > BELIEVED and (best is None or sure_ratio > best.sure_ratio):
                best = Kind(log_class, sure_ratio, len(alike), self._speaking(told, log_class, by_rule))
        return best

    def _posteriors(self, phrases: frozenset[str], by_rule: LogClass) -> dict[str, float]:
        """Of the classes in question, given the phrases that are known at all."""
        known = sorted(phrase for phrase in phrases if phrase in self._model.feature_counts)
        share = 0.5 / max(1, len(self._said))
        logs = {
            log_class: math.log(share + 0.5 * (log_class == by_rule))
            + sum(self._log_chance(phrase, log_class) for phrase in known)
            for log_class in sorted({*self._said, by_rule})
        }
        top = max(logs.values())
        total = sum(math.exp(log - top) for log in logs.values())
        return {log_class: math.exp(log - top) / total for log_class, log in logs.items()}

    def _log_chance(self, word: str, log_class: str) -> float:
        return math.log(self._model.p_feature_given_class(word, log_class))

    def _speaking(self, told: frozenset[str], log_class: LogClass, by_rule: LogClass) -> tuple[str, ...]:
        def weight(word: str) -> float:
            mine = self._log_chance(word, log_class)
            return mine if log_class == by_rule else mine - self._log_chance(word, by_rule)

        return tuple(sorted(told, key=lambda word: (-weight(word), word))[:_SHOWN_WORDS])


def _words(text: str) -> list[str]:
    """What tells kinds apart: words but for levels and small ones."""
    return [word for each in _WORD.findall(text)[:_MAX_WORDS] if (word := each.lower()) not in _NO_WORDS]


def _phrases(text: str) -> frozenset[str]:
    """The words, and pairs of words that follow each other."""
    found = _words(text)
    return frozenset((*found, *(f"{one} {other}" for one, other in pairwise(found))))
