"""Does a name match a pattern, and can any name match two patterns?

Patterns know `*` (any text, also none) and `?` (one character), nothing else; both questions take time proportional to
the product of the lengths, whatever the pattern.
"""

from __future__ import annotations

import re

_WILD = re.compile("[*?]")


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name fits.

    >>> matches("jvm_*_bytes", "jvm_memory_used_bytes"), matches("jvm_?", "jvm_"), matches("*", "")
    (True, False, True)
    """
    at, star, resume = 0, -1, 0
    place = 0
    while place < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", name[place]}:
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(rest == "*" for rest in pattern[at:])


def overlap(left: str, right: str) -> bool:
    """Whether some name fits both.

    >>> overlap("shop-*", "*-eu"), overlap("shop", "cart"), overlap("a?", "*a")
    (True, False, True)
    """
    if not is_pattern(left) or not is_pattern(right):
        return matches(left, right) if is_pattern(left) else matches(right, left)
    if not _agree(_WILD.split(left)[0], _WILD.split(right)[0]):
        return False
    fits = [True] + [False] * len(right)  # fits[j]: the part of `left` so far and right[:j] have a name in common
    for j, other in enumerate(right, start=1):
        fits[j] = fits[j - 1] and other == "*"
    for one in left:
        above, fits = fits, [fits[0] and one == "*"]
        for j, other in enumerate(right, start=1):
            fits.append(_step(one, other, above[j - 1], above[j], fits[j - 1]))
    return fits[-1]


def is_pattern(text: str) -> bool:
    """Whether it has wildcards, and is no plain name."""
    return "*" in text or "?" in text


def _agree(one: str, other: str) -> bool:
    """Whether one text goes on where the other ends: what stands before the first wildcard of each must."""
    return one.startswith(other) or other.startswith(one)


def _step(one: str, other: str, both: bool, left_on: bool, right_on: bool) -> bool:
    """Whether the parts ending in `one` and `other` have a name in common, from what holds one character earlier."""
    if "*" not in {one, other}:
        return both and (one == other or "?" in {one, other})
    return (other == "*" and (left_on or right_on)) or (one == "*" and (left_on or right_on))
