"""Error bodies of every shape are read, none raises, no secret passes (docs/reso-feeds.md, section 3)."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.masking import Masker
from mls_tui.reso.responses import (
    UNREADABLE,
    Fault,
    PageTooLargeError,
    fault_in,
    parse_json,
    read_fault,
    seconds_until,
    with_records,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.feed(3, "error bodies of every shape")
@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":{"code":"501","message":"Not supported"}}', "501", "Not supported"),
        (b'{"error":{"code":501,"message":"x"}}', "501", "x"),
        (b'{"error":{"code":"","message":{"lang":"en","value":"Bad filter"}}}', "", "Bad filter"),
        (b'{"D":{"Success":false,"Code":1550,"Message":"Over limit"}}', "1550", "Over limit"),
        (b'{"error":"rate limited"}', "", "rate limited"),
        (b'{"error":"invalid_client","error_description":"nope"}', "invalid_client", "nope"),
        (b'{"errors":[{"message":"one"}]}', "", "one"),
        (b'{"message":"Forbidden"}', "", "Forbidden"),
        (
            b'{"errors":{"Audience":["The Audience field is required."]}}',
            "",
            "Audience: The Audience field is required.",
        ),
        (
            b'{"title":"Validation errors occurred.","status":400,"errors":{"A":["one","two"],"B":"three"}}',
            "",
            "A: one two; B: three",
        ),
        (b'{"errors":{"":["No top-level name."]}}', "", "No top-level name."),
        (b'{"title":"Bad Request","detail":"No such client.","status":400}', "", "No such client."),
        (b'{"errors":[{"detail":"No audience.","code":"7"}]}', "7", "No audience."),
        (b'{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"x"}}}', "", "Invalid ApiKey"),
        (b"<html><style>b{}</style><h1>502</h1> Bad\x1b[31m</html>", "", "502 Bad [31m"),
        (b"", "", ""),
        (b"null", "", ""),
        (b"[1]", "", ""),
    ],
)
def test_error_body_is_read_leniently(body: bytes, code: str, message: str) -> None:
    assert read_fault(body, Masker()) == Fault(code, message)


@pytest.mark.parametrize(
    "body", [{"value": []}, {"error": None}, {"error": ""}, {"D": {"Success": True}}, {}, [], None, 3]
)
def test_good_body_holds_no_error(body: object) -> None:
    assert fault_in(body) is None


@pytest.mark.fuzz("JSON pages")
@given(st.binary(max_size=3000))
def test_no_body_raises_or_leaves_its_line(body: bytes) -> None:
    fault = read_fault(body, Masker(["secret"]))
    assert len(fault.message) <= 200
    assert not any(ord(char) < 32 for char in fault.message + fault.code)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda c: (
            st.lists(c) | st.dictionaries(st.sampled_from(["error", "D", "code", "message", "Success", "value"]), c)
        ),
        max_leaves=8,
    )
)
def test_no_parsed_body_raises(body: object) -> None:
    fault = fault_in(body)
    assert fault is None or len(fault.code + fault.message) <= 3 * 2048


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("Mon, 01 Jun 2026 12:01:00 GMT", 60.0),
        ("2026-06-01T12:00:10Z", 10.0),
        ("2026-06-01T12:00:10", 10.0),
        (str(int(NOW.timestamp()) + 5), 5.0),
        (str(int(NOW.timestamp() + 5) * 1000), 5.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_wait_is_read_from_any_form(text: str | None, seconds: float | None) -> None:
    assert seconds_until(text, NOW) == seconds


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":NaN}', {"a": None}),
        (b'{"a":123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
    ],
)
def test_json_is_read_as_feeds_write_it(body: bytes, value: object) -> None:
    assert parse_json(body) == pytest.approx(value) if body.startswith(b'{"a":123') else parse_json(body) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 200_000])
def test_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("café – “quoted”".encode(), "application/json"),
        ("café – “quoted”".encode(), "application/json; charset=utf-8"),
        ("café – “quoted”".encode("cp1252"), "application/json"),
        ("café – “quoted”".encode("cp1252"), "application/json; charset=UTF-8"),
        ("café – “quoted”".encode("cp1252"), 'application/json; charset="iso-8859-1"'),
        ("café – “quoted”".encode("cp1252"), "application/json;odata.metadata=none;charset=Windows-1252"),
        ("café – “quoted”".encode("utf-16"), "application/json"),
        ("café – “quoted”".encode("utf-16-le"), "application/json; charset=utf-16le"),
        ("café – “quoted”".encode(), "application/json; charset=unicode_escape"),
        ("café – “quoted”".encode(), "application/json; charset=nonsense"),
    ],
)
def test_text_is_read_in_the_headers_charset_else_utf_8_else_windows_1252(body: bytes, content_type: str) -> None:
    codec = "utf-16-le" if body[1:2] == b"\0" else "utf-16" if body[:2] == b"\xff\xfe" else "ascii"
    text = body.decode("utf-16").encode("utf-16") if codec == "utf-16" else body
    quote = '"'.encode("utf-16-le" if codec != "ascii" else "ascii")
    whole = text[:2] + quote + text[2:] + quote if codec == "utf-16" else quote + text + quote
    assert parse_json(whole, content_type) == "café – “quoted”"


def test_one_record_in_another_charset_spoils_no_other() -> None:
    body = b'{"value": [{"a": "caf\xc3\xa9"}, {"a": "caf\xe9 \x93x\x94"}]}'
    assert [each["a"] for each in parse_json(body)["value"]] == ["café", "café “x”"]


DEEP = "[" * 1_100 + "]" * 1_100
BAD = {
    "5,000 digits": ('"ListPrice": ' + "9" * 5_000, "a number of more than 400 digits"),
    "4,000 digits": ('"ListPrice": ' + "9" * 4_000, "a number of more than 400 digits"),
    "5,000 decimals": ('"ListPrice": -0.' + "9" * 5_000 + "e5", ""),
    "1,100 deep": (f'"Rooms": {DEEP}', "a value nested more than 64 deep"),
    "1,100 deep objects": ('"Rooms": ' + '{"a":' * 1_100 + "1" + "}" * 1_100, "a value nested more than 64 deep"),
}


@pytest.mark.parametrize(("member", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"@odata.count": 3, "value": ', ', "@odata.nextLink": "/x?[a]"}'),
        ('{"D": {"Success": true, "Results": ', "}}"),
        ('{"d": {"results": ', "}}"),
        ('{"note": "value", "bundle":', "}"),
        ("", ""),
    ],
    ids=["OData", "Spark", "OData 2", "Bridge", "array"],
)
def test_one_record_that_cannot_be_read_is_marked_and_the_others_are_kept(
    member: str, reason: str, before: str, after: str
) -> None:
    good = '{"ListingKey": "%d", "Remarks": "a \\"]}[{\\", b", "Media": [{"Order": 1}]}'
    bad = f'{{"ListingKey": "2", {member}, "Media": [{{"Order": 1}}]}}'
    body = parse_json(f"{before}[{good % 1}, {bad} ,{good % 3}]{after}".encode())
    rows = (
        body
        if isinstance(body, list)
        else next(
            each[name]
            for each in (body, body.get("D"), body.get("d"))
            if each
            for name in ("value", "Results", "results", "bundle")
            if name in each
        )
    )
    assert [row["ListingKey"] for row in rows] == ["1", "2", "3"]
    assert [UNREADABLE in row for row in rows] == [False, bool(reason), False]
    assert reason in rows[1].get(UNREADABLE, "")
    assert rows[1]["Media"] == [{"Order": 1}]
    if "nextLink" in after:
        assert (body["@odata.count"], body["@odata.nextLink"]) == (3, "/x?[a]")


@pytest.mark.fuzz("JSON pages")
@given(
    st.sampled_from(
        [b'{"@odata.count": 2, "value": [{"a": "\\"x]"}, {"b": [1.5e3, null]}]}', b'{"D": {"Results": [{}]}}']
    ),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), st.binary(max_size=4) | st.just(b"9" * 500)), max_size=5),
    st.sampled_from(["", "application/json; charset=utf-16", "text/plain; charset=shift_jis"]),
)
def test_whatever_bytes_stand_for_a_page_it_is_read_or_is_no_json(
    page: bytes, changes: list[tuple[int, int, bytes]], content_type: str
) -> None:
    for at, length, new in changes:
        page = page[:at] + new + page[at + length :]
    with contextlib.suppress(ValueError):
        with_records(parse_json(page, content_type))


def test_what_is_no_record_is_kept_to_be_shown() -> None:
    rows = parse_json(f'{{"value": [{DEEP}, 1, {{"ListingKey": "1"}}]}}'.encode())["value"]
    assert UNREADABLE in rows[0]
    assert rows[1:] == [1, {"ListingKey": "1"}]


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": [{"ListPrice": ' + b"9" * 5_000 + b"}",
        b'{"value": [{"ListPrice": ' + b"9" * 5_000 + b', "a": "' + b'\\"' * 5_000,
        b'{"value": "' + b'\\"' * 200_000,
        b"[" * 200_000 + b"]" * 100_000,
    ],
    ids=["cut", "cut in a text", "quotes", "half closed"],
)
def test_a_page_that_is_cut_is_no_json_also_where_a_record_is_bad(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(body)


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize("row", [b"{}", b"[]", b"1", b'{"a":{}}', b'""'])
def test_a_flood_of_values_is_refused_before_it_takes_memory(row: bytes) -> None:
    body = b'{"value": [' + b",".join([row] * 2_100_000) + b"]}"
    tracemalloc.start()
    try:
        with pytest.raises(PageTooLargeError, match="2,000,000 values") as caught:
            parse_json(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: {"value": rows}, lambda rows: {"D": {"Results": rows}}]
)
def test_more_rows_than_any_page_has_are_refused(wrap: Callable[[list[int]], object]) -> None:
    assert with_records(wrap([1] * 1_000)) is not None
    with pytest.raises(PageTooLargeError, match="100,000 rows"):
        with_records(wrap([1] * 100_001))
