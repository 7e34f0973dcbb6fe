"""What is a log template? The values that leave the model."""

from __future__ import annotations

from msgspec import Struct

from streams.records.log import Severity
from streams.windows.secrets import MASK, without_secrets
from streams.windows.signature import Signature, signature_id

OTHER = "<other lines>"
MAX_SHOWN = 1_024
"""Characters: a mask is longer than a short secret."""


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
    forgot: bool = False
    """Templates, or signatures that were part of one, had to go for others."""


def template(text: str, severity: Severity) -> Template:
    """The template of a text.

    >>> template("took <*>", Severity.INFO).number == signature_id(Signature("took <*>", Severity.INFO))
    True
    """
    return Template(signature_id(Signature(text, severity)), text, severity)


def shown(text: str) -> str:
    """The text of a template as people see it, and as others are told of it.

    >>> shown("login with password: hunter")
    'login with password: [masked]'
    """
    return without_secrets(text)[:MAX_SHOWN]


def recalled(number: int, text: str) -> Template | None:
    """The template of this number, by its text as it is shown; None if the number is that of another text.

    Where a secret is masked in what is shown, number and text cannot be held against each other, and the severity is
    not known: such a template holds for its number alone.

    >>> recalled(template("took <*>", Severity.INFO).number, "took <*>").severity.name
    'INFO'
    >>> recalled(7, "no such user, password: [masked]")
    Template(number=7, text='no such user, password: [masked]', severity=<Severity.UNSET: 0>)
    """
    if MASK in text:
        return Template(number, text, Severity.UNSET)
    return next((one for severity in Severity if (one := template(text, severity)).number == number), None)


def other(severity: Severity) -> Template:
    """Stands for all lines of a severity for which there is no room."""
    return template(OTHER, severity)
