"""What must not be shown? Tokens, keys, passwords, cards, mail addresses in lines kept as examples.

Masks by form, so it is no proof that nothing is left: who must be sure keeps secrets out of logs. All expressions are
bounded or possessive: linear time.
"""

from __future__ import annotations

import re

MASK = "[masked]"

_NAMES = (
    "pass(?:words?|wd|phrase)|passw?|pwd|secrets?|token|(?:api|access|account|private|shared|signing)[_-]?key"
    "|credentials?|cookie"
    "|authorization|session[_-]?id|signature|(?<![a-z])(?:auth|jwt|sig|pin|cvv|ssn)"
)
_SCHEMES = r"(?:bearer|basic|digest|token)\s{1,4}"
_IS = r"""\\{0,4}["']?\]?\s{0,4}(?>[=:]{1,3}>?|->|(?:%|\\{1,4}u00)3[ad])\s{0,4}(?=(?P<opened>\\{1,4}["'])?)"""
"""Between name and value; the quotes of JSON within a text of JSON have backslashes before them."""
_NESTED = r"""(?P=opened)(?:(?!(?P=opened))(?:\\++[\s\S]?|[^\\])){1,4096}+"""
"""Up to a quote with as many backslashes: those of quotes within the value have more."""
_PLAIN = r"""(?!\\{1,4}["'])[^\s"',;&)\]}]++"""
_LIST = r"""\[[^\[\]]{1,4096}+\]"""
"""Of all in it nothing is shown."""
_TYPED = r"""(?:string\(\d{1,9}\)\ )?"""
"""Before a value, as PHP's `var_dump` has it."""
_VALUE = (
    rf"""{_TYPED}(?:{_NESTED}|{_LIST}|"(?:[^"\\]|\\[\s\S]?){{1,4096}}+"?|'(?:[^'\\]|\\[\s\S]?){{1,4096}}+'?|{_PLAIN})"""
)
_SAYS = (
    r"(?:is|are|was|were|has|must|may|can|cannot|should|needs?|and|or|not|to|for|in|of|on|with|option|flag|argument)\b"
)
"""After `--password` these are words about it."""
_HOLE = r"""\\{0,4}["']?<\*>\\{0,4}["']?(?:[\s,;&)\]}|]|\Z)"""
"""Of a template: what varied there is not known any more."""
_SECRET = re.compile(
    rf"""
    -----BEGIN\ [A-Z\ ]{{0,40}}PRIVATE\ KEY-----(?:[^-]++|-(?!----END))*+(?:-----END\ [A-Z\ ]{{0,40}}-----)?
  | (?:{_NAMES})(?:
        (?P<name>{_IS})(?!\[masked|{_HOLE})(?:["']?{_SCHEMES})?{_VALUE}
      | (?P<element>(?:\s[^<>]{{0,256}}+)?>)(?!\[masked)[^<]{{1,4096}}+(?=</)                       # XML
    )
  | (?P<option>(?<![\w-])--[\w-]{{0,64}}(?:{_NAMES})\s{{1,4}})(?!\[masked|-|{_SAYS}|{_HOLE}){_VALUE}
  | (?P<login>(?<=\s)(?:-u|--user)[\s=]{{1,4}}["']?[^\s:"']{{1,256}}+:)(?!\[masked|{_HOLE})[^\s"']{{1,256}}+  # curl
  | (?P<scheme>\b{_SCHEMES})(?:(?=[\w.~+/=-]{{0,64}}\d)[\w.~+/=-]{{8,}}+|[\w.~+/=-]{{20,}}+)
  | (?P<user>://[^\s/:@]{{0,256}}+:)[^\s/@]{{1,256}}+(?=@)
  | (?P<dsn>(?<![\w.-])[\w.-]{{1,64}}+:)(?!\[masked)[^\s/@]{{1,256}}+(?=@(?:tcp|unix)\()                # Go's MySQL
  | \beyJ[\w-]{{8,}}+\.[\w-]++(?:\.[\w-]*+)?                                       # JSON web token
  | (?-i:\b(?:AKIA|ASIA)[A-Z0-9]{{16}}\b)
  | \b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AIza|[sr]k_(?:live|test)_|sk-|npm_|pypi-|hf_|dckr_pat_|hvs\.)
    [\w-]{{16,}}+
  | (?<![\w.+-])[\w.+-]{{1,64}}+@[\w-]{{1,64}}+(?:\.[\w-]{{1,64}}+){{1,8}}         # mail address
  | (?P<card>(?<![\w.-])\d(?:[ -]?\d){{12,18}}(?![\w.]))
  | (?-i:(?<![\w+/=-])(?=[\w+/-]{{0,64}}[a-z])(?=[\w+/-]{{0,64}}[A-Z])(?=[\w+/-]{{0,64}}\d)[\w+/-]{{40,}}+)={{0,2}}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HINTS = (
    *("pass", "pwd", "secret", "token", "key", "credential", "cookie", "auth", "sessionid", "session_id", "session-id"),
    *("signature", "jwt", "sig", "pin", "cvv", "ssn", "bearer", "basic", "digest", "://", "eyj", "akia", "asia"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "aiza", "k_live_", "k_test_", "sk-"),
    *("npm_", "pypi-", "hf_", "dckr_pat_", "hvs.", "@", "-----begin", "-u", "--user"),
)
"""In lower case, one of these is in whatever `_SECRET` finds, but for cards and long words."""
_CARD = re.compile(r"\d(?:[ -]?\d){12}")
_LONG_WORD = 40
_MAX_CHARACTERS = 65_536


def without_secrets(text: str) -> str:
    """The text with secrets masked.

    >>> without_secrets("login of eve@shop.example with password=hunter2 and card 4111 1111 1111 1111")
    'login of [masked] with password=[masked] and card [masked]'
    >>> without_secrets("login with password=<*> and token: unread")
    'login with password=<*> and token: [masked]'
    """
    text = text[:_MAX_CHARACTERS]
    return _SECRET.sub(_masked, text) if may_hold_secrets(text) else text


def may_hold_secrets(text: str) -> bool:
    """Whether it is worth looking: that takes ten times as long. Beyond ASCII it always is (cases fold otherwise)."""
    if not text.isascii():
        return True
    lowered = text.lower()
    return (
        any(map(lowered.__contains__, _HINTS))
        or _CARD.search(text) is not None
        or max(map(len, text.split()), default=0) >= _LONG_WORD
    )


def _masked(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is not None and kind != "card":
        return f"{match.string[match.start() : match.end(kind)]}{MASK}"
    if kind == "card" and not _is_card(match[0]):
        return match[0]
    return MASK


def _is_card(text: str) -> bool:
    """Whether the digits pass the check of payment cards. Source: ISO/IEC 7812-1, annex B (Luhn)."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
