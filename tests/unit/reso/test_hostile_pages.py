"""Whatever a server answers to the requests of an import and of the doctor, they end with records or a sentence."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.errors import MlsTuiError
from mls_tui.reso.base import FeedQuery
from mls_tui.reso.connector import ResoConnector
from mls_tui.reso.presets import PRESETS, ProviderPreset
from mls_tui.reso.probe import probe
from tests.unit.reso.transport_fakes import BASE, TOKEN, Wire, connection

MOST_REQUESTS = 500

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([10**400, "\ud800", "\x1b[31m", "Active", "None", "9" * 5_000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
LINKS = st.sampled_from(
    [
        "",
        f"{BASE}/Property?$skip=1",
        f"{BASE}/Property?$skiptoken=a",
        "Property?$skip=2",
        "//other.example/x",
        "\x00",
        "?",
    ]
)
KEYS: st.SearchStrategy[Any] = st.sampled_from(["1", "2", "3", "a'b", "", None, 4, {}, "\ud800", "x" * 3_000])
TIMES: st.SearchStrategy[Any] = st.sampled_from(
    ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "9999-12-31T23:59:59Z", "soon", 0, None, []]
)
MEDIA = st.lists(
    st.fixed_dictionaries(
        {"MediaURL": st.sampled_from(["https://p.example/1.jpg", "file:///etc/passwd", "", None, 5])},
        optional={"MediaKey": KEYS, "ResourceRecordKey": KEYS, "Order": any_json, "MediaCategory": any_json},
    )
    | any_json,
    max_size=4,
)
ROWS = st.fixed_dictionaries(
    {"ListingKey": KEYS},
    optional={
        "ListingId": KEYS,
        "ModificationTimestamp": TIMES,
        "StandardStatus": st.sampled_from(["Active", "Closed", 3]),
        "PhotosCount": st.integers(-1, 10**12) | any_json,
        "Media": MEDIA | any_json,
        "OriginatingSystemName": any_json,
    },
)
PAGES = st.fixed_dictionaries(
    {"value": st.lists(ROWS | any_json, max_size=4) | any_json},
    optional={
        "@odata.nextLink": LINKS | any_json,
        "@odata.count": st.integers(-(10**30), 10**30) | any_json,
        "error": any_json,
    },
)
BODIES = st.one_of(
    PAGES.map(lambda page: json.dumps(page).encode()),
    any_json.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"", b"<html>", b"<?xml version='1.0'?><edmx:Edmx/>", b'\xff\xfe{"value": []}', b"null", b"[[", b"NaN"]
    ),
    st.binary(max_size=40),
)
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from([200] * 6 + [204, 301, 302, 400, 401, 403, 404, 410, 413, 414, 429, 500, 503]),
        BODIES,
        st.dictionaries(
            st.sampled_from(["Retry-After", "Location", "Link", "Content-Type", "X-RateLimit-Remaining"]),
            st.sampled_from(
                [
                    "",
                    "0",
                    "1",
                    "-1",
                    "99999999999",
                    "nonsense",
                    f"{BASE}/Property",
                    '<x>; rel="next"',
                    "text/html; charset=x",
                ]
            ),
            max_size=2,
        ),
    ),
    min_size=1,
    max_size=6,
)
PRESET_NAMES = st.sampled_from(sorted(PRESETS))


def connected(answers: list[tuple[int, bytes, dict[str, str]]], preset: ProviderPreset) -> ResoConnector:
    """A connector whose server gives these answers in turn, and then again and again."""
    given = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal given
        status, body, headers = answers[given % len(answers)]
        given += 1
        assert given <= MOST_REQUESTS, "the same few answers are asked for without end"
        return httpx.Response(status, content=body, headers=headers)

    wire = Wire(answer, preset_changes={each: getattr(preset, each) for each in CHANGED})
    made = connection()
    return ResoConnector(wire.preset, made, wire.http, clock=wire.clock, observer=wire.notices.append)


CHANGED = ("media_mode", "media_resource", "order_by", "page_size", "system_field", "key_field", "timestamp_field")


def plain(text: str) -> bool:
    """No control or half character, and none that reorders a line. A letter newer than this Python is plain, though not
    printable, and so is a soft hyphen."""
    reorder = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    return not any(unicodedata.category(char) in ("Cc", "Cs") or char in reorder for char in text)


@contextlib.contextmanager
def a_sentence_at_most() -> Iterator[None]:
    """Nothing is raised but our errors, each a printable sentence of bounded length without the token."""
    said = ""
    try:
        yield
    except MlsTuiError as error:
        said = str(error)
    assert plain(said)
    assert len(said) < 2_000
    assert TOKEN not in said


@pytest.mark.fuzz("JSON pages")
@given(
    ANSWERS,
    PRESET_NAMES,
    st.sampled_from(
        [
            FeedQuery(),
            FeedQuery(since="2026-01-01T00:00:00Z"),
            FeedQuery(keys=("1", "a'b")),
            FeedQuery(mls_numbers=("1",)),
        ]
    ),
)
async def test_whatever_a_server_answers_a_sweep_ends_with_records_or_a_sentence(
    answers: list[tuple[int, bytes, dict[str, str]]], name: str, query: FeedQuery
) -> None:
    made = connected(answers, PRESETS[name])
    records: list[Any] = []
    with a_sentence_at_most():
        records = [record async for page in made.pages(query) for record in page.records]
    assert all(isinstance(record, dict) for record in records)
    await made.close()


@pytest.mark.fuzz("Media rows")
@given(ANSWERS, PRESET_NAMES, ROWS)
async def test_whatever_comes_as_media_is_a_list_of_rows_or_a_sentence(
    answers: list[tuple[int, bytes, dict[str, str]]], name: str, record: dict[str, Any]
) -> None:
    made = connected(answers, PRESETS[name])
    for ask in (made.media, lambda row: made.fresh_media(str(row["ListingKey"]))):
        with a_sentence_at_most():
            assert all(isinstance(row, dict) for row in await ask(record))
    await made.close()


@pytest.mark.fuzz("$metadata and the doctor")
@given(ANSWERS, PRESET_NAMES)
async def test_whatever_a_server_answers_the_doctor_reports_it(
    answers: list[tuple[int, bytes, dict[str, str]]], name: str
) -> None:
    made = connected(answers, PRESETS[name])
    for check in await probe(made):
        assert check.state in ("ok", "warning", "failure", "skipped")
        assert plain(check.detail)
    more: tuple[Callable[[], Awaitable[Any]], ...] = (
        made.member,
        lambda: made.open_houses_changed("2026-01-01T00:00:00Z"),
        lambda: made.count(FeedQuery()),
    )
    for ask in more:
        with a_sentence_at_most():
            await ask()
    await made.close()
