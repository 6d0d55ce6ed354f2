"""Records by key and number, Media, member and presets, against servers of each provider's shape."""

from __future__ import annotations

import pytest

from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import UsageError
from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.base import FeedQuery
from mls_tui.reso.presets import PRESETS, Limit, for_connection, preset
from mls_tui.reso.probe import probe
from tests.providers.direct import connection, connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import home, homes
from tests.providers.quirks import Quirks
from tests.providers.serving import connected


def test_an_unknown_provider_is_refused_with_the_list_of_those_known() -> None:
    with pytest.raises(UsageError, match="flexmls, bridge, trestle, crmls, mlsgrid, bright, reso"):
        preset("zillow")


@pytest.mark.feed(6, "every field can be edited")
def test_every_field_of_a_preset_can_be_replaced_and_a_wrong_value_is_refused() -> None:
    overrides: dict[str, str | int | float | bool] = {
        "page_size": 50,
        "order_by": "no",
        "api_limits": "2/1, 4000000000/3600 bytes",
        "headers": "X-Feed: idx; User-Agent: Mine/1.0",
        "media_mode": "separate",
    }
    changed = for_connection(connection("trestle", overrides=overrides))
    assert (changed.page_size, changed.order_by, changed.media_mode) == (50, False, "separate")
    assert changed.api_limits == (Limit(2, 1.0), Limit(4_000_000_000, 3600.0, "bytes"))
    assert changed.headers == {"X-Feed": "idx", "User-Agent": "Mine/1.0"}
    for wrong in ({"page_size": 0}, {"page_size": "many"}, {"order_by": 3}, {"headers": "nonsense"}, {"colour": "red"}):
        with pytest.raises(UsageError):
            for_connection(connection("reso", overrides=dict(wrong)))


@pytest.mark.parametrize("ignore", [set(), {"$filter"}])
@pytest.mark.parametrize("refuse", [set(), {"or"}, {"$filter"}])
@pytest.mark.parametrize("entities", [True, False])
async def test_records_by_key_and_by_number_are_all_found(ignore: set[str], refuse: set[str], entities: bool) -> None:
    quirks = Quirks(ignore=frozenset(ignore), refuse=frozenset(refuse), entities=entities)
    server = FeedServer(homes(150), quirks)
    keys = tuple(f"K{number:06d}" for number in range(0, 150, 5))
    swept = await sweep(connector(server), FeedQuery(keys=keys))
    assert sorted(swept.keys) == list(keys)
    numbers = await sweep(connector(server), FeedQuery(mls_numbers=("M3", "M140", "M999")))
    assert sorted(numbers.keys) == ["K000003", "K000140"]


@pytest.mark.parametrize("media", ["expand", "inline", "separate"])
@pytest.mark.parametrize("refuse", [set(), {"$expand"}, {"$expand", "or"}])
async def test_media_is_whole_however_the_server_gives_it(media: str, refuse: set[str]) -> None:
    server = FeedServer(homes(40, photos=3), Quirks(media=media, refuse=frozenset(refuse)))
    made = connector(server)
    for record in (await sweep(made)).records:
        assert [row["Order"] for row in await made.media(record)] == [0, 1, 2]
    assert len(await made.fresh_media("K000007")) == 3


async def test_media_that_comes_in_pages_is_followed() -> None:
    server = FeedServer(homes(3, photos=5), Quirks(media_page_size=2))
    made = connector(server)
    orders = [[row["Order"] for row in await made.media(record)] for record in (await sweep(made)).records]
    assert orders == [[0, 1, 2, 3, 4]] * 3


async def test_statuses_are_asked_for_in_a_spelling_the_server_takes() -> None:
    records = [home(1), home(2, status="Pending"), home(3, status="ActiveUnderContract")]
    server = FeedServer(records, Quirks(refuse=frozenset({"status"})))
    swept = await sweep(connector(server), FeedQuery(statuses=frozenset({ListingStatus.PENDING})))
    assert sorted(swept.keys) == ["K000002", "K000003"]


async def test_the_member_is_named_and_a_server_without_members_is_no_error() -> None:
    server = FeedServer(homes(1))
    assert (await connector(server).member()).member_name is None
    server.extra = {
        "Member": [{"MemberKey": "A1", "MemberFullName": "Ann Lee", "OfficeKey": "O1"}],
        "Office": [{"OfficeKey": "O1", "OfficeName": "Lake Homes"}],
    }
    member = await connector(server).member()
    assert (member.member_name, member.office_name) == ("Ann Lee", "Lake Homes")


@pytest.mark.feed(6, "overlap, and MLS Grid's 7 days")
def test_the_overlap_of_the_preset_is_taken_off_and_an_old_mlsgrid_watermark_asks_for_a_full_run() -> None:
    cursor = Cursor(watermark="2026-06-01T12:00:00Z")
    server = FeedServer([])
    assert connector(server, "flexmls").since(cursor) == "2026-06-01T11:40:00.000Z"
    assert connector(server, "mlsgrid", mls_system="x").since(Cursor(watermark="2020-01-01T00:00:00Z")) is None
    assert connector(server).since(Cursor(watermark="TBD")) is None


@pytest.mark.feed(1, "bulk copy by the replication link")
@pytest.mark.feed(6, "each provider's shape")
@pytest.mark.parametrize(
    ("provider", "quirks"),
    [
        ("flexmls", Quirks(page_size=25, link="skiptoken", refuse=frozenset())),
        ("bridge", Quirks(media="inline", link="header", replication="Property/replication", page_size=200,
                          timestamp_field="BridgeModificationTimestamp")),
        ("bridge", Quirks(media="inline", link="skip", page_size=200, timestamp_field="BridgeModificationTimestamp")),
        ("trestle", Quirks(page_size=100, link="skip")),
        ("crmls", Quirks(page_size=100, link="skip")),
        ("mlsgrid", Quirks(page_size=100, link="skip", count="none", refuse=frozenset({"$orderby", "$count"}))),
        ("bright", Quirks(property_resource="BrightProperties", media_resource="BrightMedia", media="separate")),
        ("flexmls", Quirks(envelope="D", page_size=25, media="inline")),
    ],
)  # fmt: skip
async def test_each_providers_shape_is_swept_whole_with_its_media(provider: str, quirks: Quirks) -> None:
    records = homes(300, photos=1)
    for record in records:
        record["BridgeModificationTimestamp"] = record["ModificationTimestamp"]
        record["OriginatingSystemName"] = "CRMLS"
    server = FeedServer(records, quirks)
    system = "CRMLS" if PRESETS[provider].required_fields == ("mls_system",) else None
    made = connector(server, provider, mls_system=system)
    swept = await sweep(made)
    assert sorted(swept.keys) == [record["ListingKey"] for record in records]
    assert len(await made.media(swept.records[0])) == 1


async def test_the_doctor_says_of_each_question_what_the_server_does() -> None:
    server = FeedServer(homes(30), Quirks(refuse=frozenset({"$orderby"})))
    async with connected(server) as (made, _):
        checks = {check.name: check for check in await probe(made)}
    assert checks["$orderby"].state == "warning"
    assert checks["$count"].detail == "30 records"
    assert {checks[name].state for name in ("token", "records", "next link", "$expand", "statuses")} == {"ok"}
