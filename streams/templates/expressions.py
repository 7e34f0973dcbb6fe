"""How does an operator say which text is meant? By an expression that cannot run for ever.

RE2 matches in time linear in the text and refuses what cannot be (backreferences, look-around, large repetitions);
neither an operator's slip nor a hostile line can stall a worker. Source: R. Cox, "Regular Expression Matching Can Be
Simple And Fast" (2007), and RE2's syntax page. It is run over templates, so what stands for digits finds holes too
(`digits`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import re2

from streams.errors import BadPolicy
from streams.templates.digits import over_holes, written_digits
from streams.windows.masks import HOLE, collapsed

MAX_EXPRESSION = 500
MAX_EXPRESSIONS = 100
_MEMORY_BYTES = 1 << 20


class Expression:
    """An expression that has been checked."""

    def __init__(self, text: str, field: str = "expression") -> None:
        """Check and compile.

        Raises:
            BadPolicy: it has a `fault`, or wants digits that are holes.
        """
        if (why := fault(text)) is not None:
            raise BadPolicy(field, text[:80], why)
        if (digits := written_digits(text)) is not None:
            raise BadPolicy(
                field, text, f"{digits} is a hole by now, but for a status such as 503: write \\d for digits"
            )
        self._compiled = _compiled(over_holes(text))

    def found(self, text: str) -> bool:
        """Whether it matches anywhere.

        >>> Expression("(a+)+b").found("a" * 5000)
        False
        """
        return self._compiled.search(text) is not None

    def hole(self, text: str) -> str:
        """The text with a hole for each match; of a match of nothing, none."""
        parts, end = [], 0
        for match in self._compiled.finditer(text):
            if match.end() > match.start():
                parts += [text[end : match.start()], HOLE]
                end = match.end()
        return "".join((*parts, text[end:])) if parts else text


def fault(text: str) -> str | None:
    """Why RE2 cannot run it, with the part that it does not take, or why nobody means it; None where it can.

    >>> fault("(a+)+$"), fault("order (?=paid)")
    (None, 'RE2 says: invalid perl operator: (?=')
    """
    if not text or len(text) > MAX_EXPRESSION:
        return f"it has {len(text)} characters, 1 to {MAX_EXPRESSION} are allowed"
    try:
        compiled = _compiled(text)
        _compiled(over_holes(text))
    except re2.error as error:
        return f"RE2 says: {error.args[0].decode('utf-8', 'replace')}"
    except UnicodeEncodeError:
        return "it holds half of a character"
    return "it matches an empty text, hence everything" if compiled.fullmatch("") is not None else None


def service_masks(expressions: Sequence[str]) -> Callable[[str], str]:
    """What a service says are values, beyond what masking knows; applied to signatures, whose digits are holes already.

    >>> service_masks(["tenant [a-z]+", "shard [0-9]+ of"])("ERROR quota of tenant acme exceeded in shard <*> of eu")
    'ERROR quota of <*> exceeded in <*> eu'

    Raises:
        BadPolicy: too many, or one that `Expression` refuses.
    """
    if len(expressions) > MAX_EXPRESSIONS:
        raise BadPolicy("masks", len(expressions), f"at most {MAX_EXPRESSIONS} are")
    compiled = [Expression(text, f"masks[{place}]") for place, text in enumerate(expressions)]

    def mask(text: str) -> str:
        for expression in compiled:
            text = expression.hole(text)
        return collapsed(text)

    return mask


def _compiled(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return re2.compile(text, options)
