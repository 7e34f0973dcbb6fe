"""Made-up services that log: templates of random words with values of several kinds, and how well they are found."""

from __future__ import annotations

import string
from collections import defaultdict

_KINDS = ("number", "address", "id", "name", "path", "keyed", "quoted", "duration")


def grouping(found, truth):
    """Grouping accuracy, and F1 of groups: shares of lines, and of templates, whose group holds just the right lines.

    Source: Zhu et al., ICSE-SEIP 2019 (GA); Jiang et al., ISSTA 2024 (FGA).
    """
    groups, wanted = defaultdict(set), defaultdict(set)
    for line, (one, other) in enumerate(zip(found, truth, strict=True)):
        groups[one].add(line)
        wanted[other].add(line)
    right = {frozenset(lines) for lines in wanted.values()} & {frozenset(lines) for lines in groups.values()}
    return sum(map(len, right)) / len(truth), 2 * len(right) / (len(groups) + len(wanted))


def word(draw, vocabulary):
    """A word of a language in which some are frequent (Zipf)."""
    return vocabulary[min(int(draw.paretovariate(0.7)) - 1, len(vocabulary) - 1)]


def language(draw, words=600):
    """Made-up words, most frequent first."""
    letters = string.ascii_lowercase
    return list(dict.fromkeys("".join(draw.choices(letters, k=draw.randint(3, 9))) for _ in range(words)))


def service(draw, templates=40):
    """Templates: lists of words and of kinds of values (as `(kind,)`)."""
    vocabulary = language(draw)
    made = []
    for number in range(templates):
        parts = [
            (draw.choice(_KINDS),) if draw.random() < 0.3 else word(draw, vocabulary) for _ in range(draw.randint(2, 9))
        ]
        made.append([f"{word(draw, vocabulary)}{chr(97 + number % 26)}", *parts])
    return made, vocabulary


def line(draw, parts, names):
    """A line of a template."""
    return " ".join(part if isinstance(part, str) else _value(draw, part[0], names) for part in parts)


def _value(draw, kind, names):
    number = draw.randint(0, 10 ** draw.randint(1, 6))
    return {
        "number": f"{number}",
        "address": f"10.{number % 256}.0.{number % 7}:{number % 9000 + 1000}",
        "id": f"{draw.getrandbits(64):016x}",
        "name": f"for {draw.choice(names)}",
        "path": f"/var/{draw.choice(names)}/{number}.log",
        "keyed": f"key={draw.choice(names)}",
        "quoted": f'"{draw.choice(names)} {draw.choice(names)}"',
        "duration": f"{number / 100} ms",
    }[kind]
