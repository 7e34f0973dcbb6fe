"""How an operator writes durations, percentages and times, and what they are as numbers.

Every quantity carries its unit in the text (`30s`, `20%`), so that none can be read as another.
"""

from __future__ import annotations

import re

_UNITS_S = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]+)([dhms])")

DURATION_PATTERN = r"^(?=[0-9])([0-9]{1,3}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?$(?!\n)"
PERCENT_PATTERN = r"^[0-9]{1,4}(\.[0-9]{1,4})?%$(?!\n)"
TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[-+][0-9]{2}:[0-9]{2})$(?!\n)"
)


def duration_ns(text: str) -> int:
    """Nanoseconds of a text that fits `DURATION_PATTERN`.

    >>> duration_ns("90s"), duration_ns("1h30m") // 1_000_000_000
    (90000000000, 5400)
    """
    return sum(int(count) * _UNITS_S[unit] for count, unit in _PART.findall(text)) * 1_000_000_000


def duration_text(duration_ns: int) -> str:
    """Whole seconds as an operator would write them.

    >>> duration_text(5_400_000_000_000), duration_text(0)
    ('1h30m', '0s')
    """
    rest = duration_ns // 1_000_000_000
    text = ""
    for unit, size_s in _UNITS_S.items():
        count, rest = divmod(rest, size_s)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def ratio(text: str) -> float:
    """The fraction that a percentage is.

    >>> ratio("20%"), ratio("0.5%")
    (0.2, 0.005)
    """
    return float(text.removesuffix("%")) / 100.0


def percent_text(ratio: float) -> str:
    """A fraction as an operator would write it.

    >>> percent_text(0.2), percent_text(1.1 - 1.0), percent_text(9.876543)
    ('20%', '10%', '987.6543%')
    """
    return f"{round(ratio * 100, 4):.8g}%"
