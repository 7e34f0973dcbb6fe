"""Examples show lines as they were, but for secrets."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.templates.example import Example
from streams.templates.examples import MAX_CHARACTERS, MAX_CONTEXT, REVISIONS, Examples
from streams.windows.secrets import MASK, may_hold_secrets, without_secrets
from streams.windows.signature import fold


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 rejected", f"password={MASK} rejected"),
        ('{"api_key": "abc", "n": 1}', f'{{"api_key": {MASK}, "n": 1}}'),
        ("X-Api-Key: abc", f"X-Api-Key: {MASK}"),
        ("got Bearer abcdefghij1 there", f"got Bearer {MASK} there"),
        ("jdbc:postgresql://shop:p4ss@db/shop", f"jdbc:postgresql://shop:{MASK}@db/shop"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc end", f"jwt {MASK} end"),
        ("id AKIAIOSFODNN7EXAMPLE used", f"id {MASK} used"),
        ("mail to eve.a+b@mail.shop.example bounced", f"mail to {MASK} bounced"),
        ("card 4111 1111 1111 1111 refused", f"card {MASK} refused"),
        ("card 4111-1111-1111-1111 refused", f"card {MASK} refused"),
        ("key -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- end", f"key {MASK} end"),
        ("aB3" * 20, MASK),
        ('{"password"=>"hunter2", "id"=>"7"}', f'{{"password"=>{MASK}, "id"=>"7"}}'),
        ('"secret" => "a b" end', f'"secret" => {MASK} end'),
        ("password := hunter2 end", f"password := {MASK} end"),
        (r"body={\"password\":\"a b\",\"n\":1}", rf"body={{\"password\":{MASK}\",\"n\":1}}"),
        (r"{\\\"token\\\": \\\"a\u0041\\\"}", rf"{{\\\"token\\\": {MASK}\\\"}}"),
        (r"{\"password\": \"<*>\", 1}", r"{\"password\": \"<*>\", 1}"),
        ("<user>eve</user><password>a b</password>", f"<user>eve</user><password>{MASK}</password>"),
        ('<w:Password Type="text">x</w:Password>', f'<w:Password Type="text">{MASK}</w:Password>'),
        ("<password><*></password>", "<password><*></password>"),
        ("next=%2F&password%3Dhunter2", f"next=%2F&password%3D{MASK}"),
        ("mysql --password hunter2 -h db", f"mysql --password {MASK} -h db"),
        ("ran --api-token 'a b' --force", f"ran --api-token {MASK} --force"),
        ("curl -u eve:hunter2 https://x/", f"curl -u eve:{MASK} https://x/"),
        ("curl --user=eve:hunter2 https://x/", f"curl --user=eve:{MASK} https://x/"),
        (r'{"password":"a\"b\\","n":1}', rf'{{"password":{MASK},"n":1}}'),
        (r"{\"password\":\"it's \\\"b\",\"n\":1}", rf"{{\"password\":{MASK}\",\"n\":1}}"),
        (r"{\\\"password\\\":\\\"a\\\\\\\"b\\\",1}", rf"{{\\\"password\\\":{MASK}\\\",1}}"),
        (r"{\"password\":\"\",\"n\":1}", r"{\"password\":\"\",\"n\":1}"),
        (r"'password' => 'it\'s b'", f"'password' => {MASK}"),
        ("[password] => hunter2 user[password]=hunter2&a=1", f"[password] => {MASK} user[password]={MASK}&a=1"),
        ("passwords => [a b, 'c'], n", f"passwords => {MASK}, n"),
        ('{"passwords": ["a", "b"], "n": [1]}', f'{{"passwords": {MASK}, "n": [1]}}'),
        (r"next?password\u003dhunter2\u0026n=1", rf"next?password\u003d{MASK}"),
        ('["password"]=> string(7) "hunter 2" ["n"]', f'["password"]=> {MASK} ["n"]'),
        ("dsn app:p4:ss@tcp(db:3306)/shop", f"dsn app:{MASK}@tcp(db:3306)/shop"),
        ("AccountName=a;AccountKey=abc==;n", f"AccountName=a;AccountKey={MASK};n"),
        ("Cookie: a=1; b=2; c", f"Cookie: {MASK}; c"),
        ('{"cookie": "a=1; b=2", "n": 1}', f'{{"cookie": {MASK}, "n": 1}}'),
        ("cookies={'a': 'b'} end", f"cookies={MASK} end"),
        ('"credentials":{"user":"eve","key":"x"} end', f'"credentials":{MASK} end'),
        ("auth={user=eve, result=denied}", f"auth={MASK}, result=denied}}"),
        ('Authorization: Digest username="eve", response="6629" end', f"Authorization: {MASK} end"),
        (r'"authorization":"Digest username=\"eve\"", 1', f'"authorization":{MASK}, 1'),
        ("Authorization: Negotiate YIIJ end", f"Authorization: {MASK} end"),
        ('Config { password: Some("a b"), n: 1 }', f"Config {{ password: {MASK}), n: 1 }}"),
        ("password=SecretStr('a b')", f"password={MASK})"),
        ("{'password': b'a b', 'n': 1}", f"{{'password': {MASK}, 'n': 1}}"),
        ('{"name":"DB_PASSWORD","value":"a b"}', f'{{"name":"DB_PASSWORD","value":{MASK}}}'),
        ("- name: API_TOKEN\n  value: abc", f"- name: API_TOKEN\n  value: {MASK}"),
        ('<add key="password" value="a b"/>', f'<add key="password" value={MASK}/>'),
        ("<password><![CDATA[a b]]></password>", f"<password><![CDATA[{MASK}</password>"),
        (r"{\u0022token\u0022:\u0022a b\u0022,1}", rf"{{\u0022token\u0022:{MASK}\u0022,1}}"),
        ("ALTER USER eve WITH PASSWORD 'a b';", f"ALTER USER eve WITH PASSWORD {MASK};"),
        ("CREATE USER eve IDENTIFIED BY 'a b'", f"CREATE USER eve IDENTIFIED BY {MASK}"),
        ("machine git.example login eve password hunter2", f"machine git.example login eve password {MASK}"),
        ("DJANGO_SECRET_KEY='a b' SECRET_KEY_BASE=c", f"DJANGO_SECRET_KEY={MASK} SECRET_KEY_BASE={MASK}"),
        ("redis://:p@ss@cache:6379/0", f"redis://:{MASK}@cache:6379/0"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK----- a -----END PGP PRIVATE KEY BLOCK----- end", f"{MASK} end"),
        (f"ya29.a0AfB_{'x' * 40} end", f"{MASK} end"),
        (f"dop_v1_{'4e1f' * 16} end", f"{MASK} end"),
        ("xapp-1-A0123456789-4711-abcdef end", f"{MASK} end"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZI end", f"{MASK} end"),
        ("PHPSESSID=abc; otp: 123456", f"PHPSESSID={MASK}; otp: {MASK}"),
        (
            "[('authorization', 'Basic YTpi'), (b'cookie', b'a=1; b=2')]",
            f"[('authorization', {MASK}), (b'cookie', b{MASK})]",
        ),
        ("vault hvs.CAESIJ1234567890abcd end", f"vault {MASK} end"),
        ("Map(password -> hunter2) if password == 'hunter2'", f"Map(password -> {MASK}) if password == {MASK}"),
    ],
)
def test_secrets_are_masked(text, shown):
    """Promise: tokens, keys, passwords, cards and mail addresses are not shown, what is around them is."""
    assert without_secrets(text) == shown
    assert without_secrets(shown) == shown
    assert may_hold_secrets(fold(text).decode())  # as excerpts ask


def test_an_authorization_header_is_masked_with_its_scheme():
    """Promise: a token behind its scheme does not stay."""
    assert "abcdefgh12345678" not in without_secrets("Authorization: Bearer abcdefgh12345678")


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567890123456 took 3 ms",
        "trace 0f5c3d4a9fc700bd633fe45e2bd6a8fc",
        "token validation failed",
        "Basic authentication failed",
        "option --password is required",
        "--token --force",
        "sort -u of 12 lines",
        "<tokens>5</tokens>",
        "2026-03-01T12:00:00.123456789Z",
        "10.0.0.1:8080 -> 10.0.0.2:9090",
        "dial 10.0.0.1:8080@tcp failed",
        "retrying [a, b] of tokens [1, 2]",
        "compass=north bypass: true",
        'allowed: ["Authorization", "Content-Type", "Cookie", "Accept"]',
        'secret "db-creds" not found',
        "Unexpected token '<', \"<!DOCTYPE\"",
        "sk-learn-model-version-two of npm_config_registry_url",
    ],
)
def test_what_is_no_secret_stays(text):
    """Promise: ids, times and words that only sound like secrets help to find the cause, and stay."""
    assert without_secrets(text) == text


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text):
    """Promise: any text is masked without a fault; what is masked has nothing left to mask."""
    once = without_secrets(text)
    assert without_secrets(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        "-",
        "pass",
        "a@",
        "eyJ",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        '"',
        "pass\\",
        'pass\\":\\"',
        "--",
        "--pass ",
        "pass ",
        "pass>",
        "pass <",
        " -u ",
        " -u a:",
        "%3d",
        "pass%3d",
        'pass="\\',
        "pass=[",
        "pass=[a",
        "a:@tcp(",
        "pass=string(1) ",
        "pass\\u00",
        "cookie=a=b;",
        "cookie=a=",
        "pass=a(",
        'pass=a("',
        "pass, value",
        'pass="a(',
        "authorization: digest a=",
        'authorization: digest a="b",',
        "identified by ",
        "identified with a by ",
        "machine a login b ",
        "://a:b@",
        "://a:b@c",
        "pass={",
        "cookie','a",
        "authorization','basic ",
        "pass={a",
        "sk-",
    ],
)
@pytest.mark.timeout(30)
def test_hostile_text_costs_bounded_time(unit):
    """Promise: linear time in any text: a tenth of a second here, in which none ends that takes the square."""
    without_secrets(unit * (60_000 // len(unit)))


_EXAMPLES = st.builds(
    Example,
    time_ns=st.integers(0, 5),
    text=st.sampled_from(["a", "b", "c"]),
    revision=st.sampled_from(["r1", "r2", "r3", "r4", "r5", "r6"]),
    pod=st.just("p"),
)


@example(
    [*(Example(3, "a", revision, "p") for revision in ("r2", "r3", "r4", "r5")), Example(3, "b", "r1", "p")], Random(0)
)
@given(st.lists(_EXAMPLES, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_first_and_latest_do_not_depend_on_the_order(lines, draw):
    """Promise: the first and the latest line kept are those in time, whatever order they came in; revisions are few."""
    one, other = Examples(), Examples()
    for line in lines:
        one.add(1, line)
    for line in draw.sample(lines, len(lines)):
        other.add(1, line)
    assert (one.of(1).first, one.of(1).latest) == (min(lines), max(lines))
    assert (other.of(1).first, other.of(1).latest) == (min(lines), max(lines))
    assert len(one.of(1).revisions) <= REVISIONS


def test_examples_are_bounded_and_masked():
    """Promise: long lines are cut, context too, secrets in both masked; the oldest templates go first."""
    around = ("password=a " + "y" * 9999,) * 99
    examples = Examples(budget=200_000)
    for number in range(5):
        examples.add(number, Example(number, "x" * 99_999, "r", "p", around, around))
    assert [number for number in range(5) if examples.of(number)] == [2, 3, 4]
    kept = examples.of(4).first
    assert len(kept.text) == MAX_CHARACTERS
    assert (len(kept.before), len(kept.after)) == (MAX_CONTEXT, MAX_CONTEXT)
    shown = (*kept.before, *kept.after)
    assert all(line.startswith(f"password={MASK} y") and len(line) <= MAX_CHARACTERS for line in shown)
    again = Examples(examples.to_state(), budget=200_000)
    again.add(5, Example(5, "x" * 99_999, "r", "p", around, around))
    assert [number for number in range(6) if again.of(number)] == [3, 4, 5]


def test_examples_follow_their_template():
    """Promise: when templates become one, so do their examples."""
    examples = Examples()
    examples.add(1, Example(5, "late", "r1", "p"))
    examples.add(2, Example(3, "early", "r2", "p"))
    examples.join(1, 2)
    assert examples.of(1) is None
    assert (examples.of(2).first.text, examples.of(2).latest.text) == ("early", "late")
    assert set(examples.of(2).revisions) == {"r1", "r2"}
