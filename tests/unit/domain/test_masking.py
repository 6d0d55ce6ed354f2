"""No spelling of a secret passes the masker, and ordinary text stays as it is."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.errors import UsageError
from mls_tui.domain.masking import MASK, Masker, is_secret_name
from mls_tui.reso.mapping.quarantine import scrub
from mls_tui.reso.mapping.text import clean_block
from mls_tui.reso.presets import PRESETS, apply_overrides
from tests.unit.reso.transport_fakes import BASE, TOKEN, Wire, script

SECRET = 'canary/access+token="1f6b0c'

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "\\u002B for a +": lambda secret: secret.replace("+", "\\u002B"),
    "every letter \\u00XX": lambda secret: "".join(f"\\u{ord(char):04X}" for char in secret),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "PHP's JSON": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "HTML": html.escape,
    "decimal entities": lambda secret: "".join(f"&#{ord(char)};" for char in secret),
    "hexadecimal entities": lambda secret: "".join(f"&#x{ord(char):x};" for char in secret),
    "entities of entities": lambda secret: html.escape("".join(f"&#{ord(char)};" for char in secret)),
    "zero-width spaces": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "lines": lambda secret: secret[:5] + "\r\n" + secret[5:],
    "tags": lambda secret: secret[:5] + "<b></b>" + secret[5:],
    "percent": lambda secret: quote(secret, safe=""),
    "percent of all": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "a form": quote_plus,
    "percent of entities": lambda secret: quote("".join(f"&#{ord(char)};" for char in secret), safe=""),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for a URL": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "Basic": lambda secret: base64.b64encode(f"me:{secret}".encode()).decode(),
    "within base64": lambda secret: base64.b64encode(f"the-{secret}-end".encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
}
SECRETS = (
    st.text(alphabet="abcdXYZ019+/=%&-_.~\"'\\<> é", min_size=6, max_size=40)
    .map(str.strip)
    .filter(lambda secret: len(secret) >= 6)
)
LONG_SECRETS = st.text(alphabet="abcdXYZ019+/=%&-_.~\"'\\<>", min_size=16, max_size=40)
AROUND = st.text(alphabet="ab 1&;%\\é\u200b", max_size=12)


def unescaped(text: str) -> str:
    """What decoders further on can make of a text."""
    for _ in range(6):
        text = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda hit: chr(int(hit[1], 16)), html.unescape(text))
    return re.sub("[\u200b\u00ad\r\n]|</?b>", "", text)


@pytest.mark.fuzz("secrets")
@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize("spelling", SPELLINGS)
@given(SECRETS, AROUND, AROUND)
def test_no_spelling_of_a_secret_is_shown(spelling: str, secret: str, before: str, after: str) -> None:
    secret = re.sub("[<>]", "x", secret) if spelling == "tags" else secret
    spelled = SPELLINGS[spelling](secret)
    shown = Masker([secret])(f"{before} {spelled} {after}")
    assert spelled not in shown
    assert secret not in shown
    assert secret not in unescaped(shown)


@pytest.mark.fuzz("secrets")
@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize("spelling", SPELLINGS)
@given(LONG_SECRETS, AROUND)
def test_no_spelling_of_a_secret_is_stored(spelling: str, secret: str, around: str) -> None:
    secret = re.sub("[<>]", "x", secret) if spelling == "tags" else secret
    spelled = SPELLINGS[spelling](secret)
    body = {"value": [{"PublicRemarks": f"{around} {spelled} {around}", "Rooms": [{spelled: [spelled]}]}]}
    stored = json.dumps(Masker([secret]).body(body), ensure_ascii=False)
    assert json.dumps(spelled, ensure_ascii=False)[1:-1] not in stored
    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in stored


@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_listings_text_is_free_of_it_after_it_was_cleaned(spelling: str) -> None:
    body = {"PublicRemarks": f"Quiet. {SPELLINGS[spelling](SECRET)} Street."}
    cleaned = clean_block(Masker([SECRET]).body(body)["PublicRemarks"], 1_000)
    assert SECRET not in cleaned
    assert "1f6b0c" not in cleaned
    assert cleaned.startswith("Quiet. ")
    assert cleaned.endswith(" Street.")


def test_every_letter_escaped_in_json_is_masked() -> None:
    raw = ('{"PublicRemarks": "' + "".join(f"\\u{ord(char):04x}" for char in SECRET) + '"}').encode()
    assert Masker([SECRET]).body(orjson.loads(raw)) == {"PublicRemarks": MASK}


@given(st.text(max_size=200))
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Masker([SECRET]).for_storage(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc123XYZ",
        "authorization=Bearer abc123XYZ",
        "Basic abc123XYZ=",
        "GET https://mls/x?access_token=abc123XYZ&top=1",
        '{"client_secret": "abc123XYZ"}',
        "refresh_token='abc123XYZ'",
        "https://user:abc123XYZ@host/path",
        "https://b.s3.amazonaws.com/k?X-Amz-Signature=abc123XYZ",
        "password = abc123XYZ",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhYmMxMjNYWVoifQ.abc123XYZ",
        "api-key: abc123XYZ",
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_registered_it(text: str) -> None:
    masked = Masker()(text)
    assert "abc123XYZ" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "name", ["code", "sas", "session", "sessionid", "key", "auth", "jwt", "x-amz-credential", "sid"]
)
def test_the_value_of_a_query_that_may_be_a_secret_is_masked(name: str) -> None:
    assert (
        Masker()(f"see https://x.example/a?b=1&{name}=s3cretvalue&c=2") == f"see https://x.example/a?b=1&{name}=***&c=2"
    )


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "X-Api-Key",
        "apiKey",
        "code",
        "sas",
        "SessionId",
        "Auth",
        "Authorisation",
        "pwd",
        "jwt",
        "Cookie",
    ],
)
def test_a_name_of_a_secret_is_one_in_a_query_a_setting_and_a_quarantined_record(name: str) -> None:
    assert is_secret_name(name)
    assert "s3cret" not in scrub({name: "s3cret", "ListingKey": "1"})
    with pytest.raises(UsageError):
        apply_overrides(PRESETS["reso"], {"query_parameters": f"{name}=s3cret"})


@pytest.mark.parametrize("name", ["Author", "ListingKey", "PostalCode", "ListAgentKey", "Keywords", "CountyOrParish"])
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_name(name)


def test_ordinary_text_is_left_alone() -> None:
    text = "Listing A1: 404 from https://photos.example.com/a/1.jpg at 12:30, attempt 2 of 3; tokens were fine"
    assert Masker()(text) == text


@pytest.mark.parametrize("where", ["PublicRemarks", "VirtualTourURLUnbranded", "ListingId", "Deep"])
def test_an_echo_is_masked_in_every_field(where: str) -> None:
    body = {"value": [{where: SECRET, "Rooms": [{"Name": [f"you sent {SECRET}."]}]}], SECRET: 1}
    said = json.dumps(Masker([SECRET]).body(body))
    assert "1f6b0c" not in said
    assert said.count(MASK) == 3


@pytest.mark.parametrize("field", ["MediaURL", "Uri1600", "@odata.nextLink", "Media@odata.nextLink", "__next"])
def test_an_address_to_be_requested_stays_whole(field: str) -> None:
    body = {field: f"https://mls.example/1?token={SECRET}"}
    assert Masker([SECRET]).body(body) == body


def test_what_holds_no_secret_is_the_same_object() -> None:
    body = {"value": [{"PublicRemarks": "canary &amp; 100%\u200b"}]}
    assert Masker([SECRET]).body(body) is body


@pytest.mark.parametrize("password", ["austin", "Austin", "lakeside", "12345678"])
def test_a_password_that_is_a_word_is_not_taken_for_an_echo(password: str) -> None:
    body = {"City": "Austin", "PublicRemarks": "lakeside in austin", "ListingId": "12345678"}
    assert Masker([password]).body(body) is body


def test_a_short_password_that_is_no_word_is() -> None:
    body = {"PublicRemarks": "you are ann with s3cret!x"}
    assert Masker(["s3cret!x"]).body(body) == {"PublicRemarks": f"you are ann with {MASK}"}


def test_depth_without_end_costs_no_more_than_a_value() -> None:
    deep: Any = SECRET
    for _ in range(250):
        deep = [deep]
    assert SECRET not in json.dumps(Masker([SECRET]).body(deep))


async def test_the_answer_of_a_request_holds_no_echo_of_its_token() -> None:
    body = {"value": [{"PublicRemarks": f"for {TOKEN}"}], "@odata.nextLink": f"{BASE}/Property?access_token={TOKEN}"}
    wire = Wire(script(httpx.Response(200, json=body)))
    answer = await wire.http.get_json(f"{BASE}/Property")
    assert answer.body["value"] == [{"PublicRemarks": f"for {MASK}"}]
    assert answer.body["@odata.nextLink"].endswith(TOKEN)
