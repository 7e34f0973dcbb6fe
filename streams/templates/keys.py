"""Which number stands for a text in an index, so that those of all texts that differ from it in one word are near?

The key of a text is a sum over its words, of each the hash times a factor of its place: to put another word in a place
costs two additions, however long the text is, and none of the texts has to be made. Two texts have the same key no more
often than two random numbers of 64 bits: Python's hashes of strings are (keyed SipHash), and factors of 61 bits keep
apart the same words in other places. (Source: Carter & Wegman, Universal classes of hash functions, JCSS 1979.) Keys
differ from process to process, and never leave one.
"""

from __future__ import annotations

from hashlib import blake2b
from operator import mul

from streams.records.log import Severity

MAX_WORDS = 32
"""With a place of their own; what lies beyond counts as one word."""
FACTORS = tuple(
    int.from_bytes(blake2b(b"%d" % place, digest_size=8).digest(), "big") >> 3 for place in range(MAX_WORDS + 3)
)
"""By place; the last two are those of the number of words and of the severity."""


def terms(words: list[str]) -> list[int]:
    """What each word, and the rest of them as one, adds to the key of a text."""
    if len(words) > MAX_WORDS:
        words = [*words[:MAX_WORDS], " ".join(words[MAX_WORDS:])]
    return list(map(mul, map(hash, words), FACTORS))


def total(severity: Severity, of: list[int]) -> int:
    """The key of the text whose terms these are."""
    return sum(of, len(of) * FACTORS[-2] + severity * FACTORS[-1])


def key(severity: Severity, text: str) -> int:
    """The number that stands for a text of a severity, in this process.

    >>> key(Severity.INFO, "a b") == key(Severity.INFO, "a b"), key(Severity.INFO, "a b") == key(Severity.INFO, "b a")
    (True, False)
    """
    return total(severity, terms(text.split(" ")))
