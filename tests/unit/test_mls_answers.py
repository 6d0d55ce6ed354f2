"""Error bodies of every shape are read, none raises, no secret passes (FIELD §3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.masking import Masker
from mls_tui.reso.answer_errors import parsed
from mls_tui.reso.answers import READ_AT_MOST, Fault, fault_in, read_fault, seconds_until

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
    assert fault is None or len(fault.code + fault.message) <= 2 * READ_AT_MOST


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
        (b'{"a":"caf\xe9"}', {"a": "caf\ufffd"}),
    ],
)
def test_json_is_read_as_feeds_write_it(body: bytes, value: object) -> None:
    assert parsed(body) == pytest.approx(value) if body.startswith(b'{"a":123') else parsed(body) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 200_000])
def test_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(body)
