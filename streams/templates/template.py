"""What is a log template? The values that leave the model."""

from __future__ import annotations

from msgspec import Struct

from streams.records.log import Severity
from streams.windows.signature import Signature, signature_id

OTHER = "<other lines>"


class Template(Struct, frozen=True, array_like=True, order=True):
    """What lines have in common."""

    number: int
    """63 bits; a function of severity and text, the same on every machine and in every rollout."""
    text: str
    """The words, with holes (`<*>`) for what varies."""
    severity: Severity


class Learned(Struct, frozen=True):
    """What a window's signatures came to."""

    redirects: dict[int, int] = {}
    """Templates that are no more -> those they are part of now; to be applied to what was counted under them."""
    left_out: int = 0
    """Signatures for which there was no room: they count as `other`."""


def template(text: str, severity: Severity) -> Template:
    """The template of a text.

    >>> template("took <*>", Severity.INFO).number == signature_id(Signature("took <*>", Severity.INFO))
    True
    """
    return Template(signature_id(Signature(text, severity)), text, severity)


def recalled(number: int, text: str) -> Template | None:
    """The template of this number and text; None if the number is that of another text.

    >>> recalled(template("took <*>", Severity.INFO).number, "took <*>").severity.name
    'INFO'
    """
    return next((one for severity in Severity if (one := template(text, severity)).number == number), None)


def other(severity: Severity) -> Template:
    """Stands for all lines of a severity for which there is no room."""
    return template(OTHER, severity)
