"""What must not be shown? Tokens, keys, passwords, cards, mail addresses in lines kept as examples.

Masks by form, so it is no proof that nothing is left: who must be sure keeps secrets out of logs. All expressions are
bounded or possessive: linear time.
"""

from __future__ import annotations

import re

MASK = "[masked]"

_NAMES = (
    "pass(?:words?|wd|phrase|code)|(?<!by)(?<!com)passw?|pwd|secrets?|token"
    "|(?:api|access|account|private|shared|signing|encryption|secret)[_.-]?key(?:[_-]?base)?|credentials?|cookies?"
    "|authorization|sess(?:ion)?[_-]?id|connect\\.sid|signature|(?<![a-z])(?:auth|jwt|sig|pin|cvv|ssn|otp|pw)"
)
_SCHEMES = r"(?:bearer|basic|digest|token)\s{1,4}"
_HEADER_SCHEMES = (
    r"(?:bearer|basic|digest|token|negotiate|ntlm|dpop|oauth|hawk|apikey|aws4-hmac-sha256|sharedkey)\s{1,4}"
)
"""Source: IANA, HTTP Authentication Scheme Registry; and those of AWS, Azure and keys of APIs."""
_QUOTE = r"""(?:\\{0,4}["']|\\{1,4}u0022)"""
"""Those of JSON within a text of JSON have backslashes before them."""
_IS = (
    rf"(?:{_QUOTE}?[\s,]{{1,16}}{_QUOTE}?value)?{_QUOTE}?\]?"
    rf"\s{{0,4}}(?>[=:]{{1,3}}>?|->|(?:%|\\{{1,4}}u00)3[ad])\s{{0,4}}"
    r"""(?=(?P<opened>\\{1,4}(?:["']|u0022))?)"""
)
"""Between name and value; also where both are values: `"name":"password","value":"x"`."""
_NESTED = r"""(?P=opened)(?:(?!(?P=opened))(?:\\++[\s\S]?|[^\\])){1,4096}+"""
"""Up to a quote with as many backslashes: those of quotes within the value have more."""
_PLAIN = r"""(?!\\{1,4}(?:["']|u0022))[^\s"',;&)\]}]++"""
_LIST = r"""\[[^\[\]]{1,4096}+\]"""
"""Of all in it nothing is shown."""
_OBJECT = r"""\{[^{}]{1,4096}+\}"""
"""The same, behind names of what holds nothing but secrets: `auth={user=eve, result=denied}` is shown but for one."""
_TYPED = r"""(?:string\(\d{1,9}\)\ |(?:[\w.:]{1,64}+\(){0,3}[bu]?(?=["']))?"""
"""Before a value, as PHP's `var_dump`, Rust's `Some("x")` and Python's `b'x'` have it."""
_VALUE = (
    rf"""{_TYPED}(?:{_NESTED}|{_LIST}|"(?:[^"\\]|\\[\s\S]?){{1,4096}}+"?|'(?:[^'\\]|\\[\s\S]?){{1,4096}}+'?|{_PLAIN})"""
)
_PARAMETERS = (
    r"""[\w-]{1,64}+=(?:"[^"]{0,4096}+"?|[^\s,"';]++)(?:,\s{0,4}[\w-]{1,64}+=(?:"[^"]{0,4096}+"?|[^\s,"';]++))*+"""
)
"""Of a scheme: `Digest username="eve", response="..."`."""
_PAIR = r"""[^\s=;,"'\[\]{}]{1,128}+=(?:"[^"]{0,4096}+"|[^\s;"']*+)"""
_PAIRS = rf"{_PAIR}(?:;\s{{0,2}}{_PAIR})*+"
"""Of a cookie."""
_SAYS = (
    r"(?:is|are|was|were|has|must|may|can|cannot|should|needs?|and|or|not|to|for|in|of|on|with|option|flag|argument)\b"
)
"""After `--password` these are words about it."""
_HOLE = r"""\\{0,4}["']?<\*>\\{0,4}["']?(?:[\s,;&)\]}|]|\Z)"""
"""Of a template: what varied there is not known any more."""
_SECRET = re.compile(
    rf"""
    -----BEGIN\ [A-Z\ ]{{0,40}}PRIVATE\ KEY(?:\ BLOCK)?-----(?:[^-]++|-(?!----END))*+(?:-----END\ [A-Z\ ]{{0,40}}-----)?
  | (?:(?P<jar>cookies?)|(?P<bag>credentials?|secrets?|passwords)|{_NAMES})(?:
        (?P<name>{_IS})(?!\[masked|{_HOLE})
        (?:(?(jar)(?:{_PAIRS}|{_OBJECT})|(?(bag){_OBJECT}|(?!)))|{_HEADER_SCHEMES}(?:{_PARAMETERS}|{_VALUE})|{_VALUE})
      | (?P<element>(?:\s[^<>]{{0,256}}+)?>(?:<!\[CDATA\[)?+)(?!\[masked)[^<]{{1,4096}}+(?=</)       # XML
    )
  | (?P<header>(?:authorization|cookie){_QUOTE}\s?,\s?b?(?={_QUOTE}(?:{_HEADER_SCHEMES}|[^\s"'=]{{1,64}}+=))){_VALUE}
  | (?P<quoted>(?:\bidentified\s(?:with\s\S{{1,64}}+\s)?by|passw(?:or)?d)\s{{1,4}})(?=["'])(?!{_HOLE}){_VALUE}   # SQL
  | (?P<netrc>\bmachine\s{{1,4}}\S{{1,256}}+\s{{1,4}}login\s{{1,4}}\S{{1,256}}+\s{{1,4}}password\s{{1,4}})
    (?!\[masked|{_HOLE}){_PLAIN}
  | (?P<option>(?<![\w-])--[\w-]{{0,64}}(?:{_NAMES})\s{{1,4}})(?!\[masked|-|{_SAYS}|{_HOLE}){_VALUE}
  | (?P<login>(?<=\s)(?:-u|--user)[\s=]{{1,4}}["']?[^\s:"']{{1,256}}+:)(?!\[masked|{_HOLE})[^\s"']{{1,256}}+  # curl
  | (?P<scheme>\b{_SCHEMES})(?:(?=[\w.~+/=-]{{0,64}}\d)[\w.~+/=-]{{8,}}+|[\w.~+/=-]{{20,}}+)
  | (?P<user>://[^\s/:@]{{0,256}}+:)[^\s/@]{{1,256}}+(?:@[^\s/@"',;]{{1,256}}+(?=@)){{0,4}}(?=@)
  | (?P<dsn>(?<![\w.-])[\w.-]{{1,64}}+:)(?!\[masked)[^\s/@]{{1,256}}+(?=@(?:tcp|unix)\()                # Go's MySQL
  | \beyJ[\w-]{{8,}}+\.[\w-]++(?:\.[\w-]*+)?                                       # JSON web token
  | (?-i:\b(?:AKIA|ASIA)[A-Z0-9]{{16}}\b)
  | \b(?:gh[pousr]_|github_pat_|gl(?:pat|rt|dt|ptt|cbt|agent)-|xox[abeprs]-|xapp-|AIza|[sr]k_(?:live|test)_|whsec_
    |sk-|npm_|pypi-|hf_|dckr_pat_|hvs\.|dop_v1_|shp(?:at|ca|pa|ss)_|(?-i:SG|ya29)\.)
    (?-i:(?=[\w-]{{0,64}}[A-Z\d]))[\w-]{{16,}}+
  | (?<![\w.+-])[\w.+-]{{1,64}}+@[\w-]{{1,64}}+(?:\.[\w-]{{1,64}}+){{1,8}}         # mail address
  | (?P<card>(?<![\w.-])\d(?:[ -]?\d){{12,18}}(?![\w.]))
  | (?-i:(?<![\w+/=-])(?=[\w+/-]{{0,64}}[a-z])(?=[\w+/-]{{0,64}}[A-Z])(?=[\w+/-]{{0,64}}\d)[\w+/-]{{40,}}+)={{0,2}}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HINTS = (
    *("pass", "pw", "secret", "token", "key", "credential", "cookie", "auth", "identified", "whsec_", "dop_v"),
    *("signature", "jwt", "sig", "pin", "cvv", "ssn", "otp", "bearer", "basic", "digest", "://", "eyj"),
    *("sessionid", "session_id", "session-id", "sessid", "sess_id", "sess-id", "connect.sid", "akia", "asia"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "aiza", "k_live_", "k_test_", "sk-"),
    *("glpat-", "glrt-", "gldt-", "glptt-", "glcbt-", "glagent-", "shpat_", "shpca_", "shppa_", "shpss_", "xapp-"),
    *("npm_", "pypi-", "hf_", "dckr_pat_", "hvs.", "sg.", "@", "-----begin", "-u", "--user"),
)
"""In lower case, one of these is in whatever `_SECRET` finds, but for cards and long words. They have no digits: lines
may be looked into with theirs folded (`excerpts`)."""
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
