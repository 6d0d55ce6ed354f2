"""The demo over HTTP, in a thread and in a process: who gets in, what is refused, the documents that describe it."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mls_tui.demo.process import DemoProcess, start_in_thread
from mls_tui.demo.server import DemoMLS
from tests.unit.demo.client import client_of


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Nope", 404),
        ("/Property('x')", 404),
        ("/Property('x')/Media", 404),
        ("/Property?$filter=Foo eq 1", 400),
        ("/Property?$select=Foo", 400),
        ("/Property?$orderby=Foo", 400),
        ("/Property?$expand=Foo", 400),
        ("/Property?$top=-1", 400),
        ("/Property?$foo=1", 400),
        ("/Property?$skiptoken=abc", 400),
        ("/Property?$top=1&$top=2", 400),
        ("/Property?$search=lake", 501),
        ("/Property?$format=xml", 406),
    ],
)
async def test_a_refusal_is_an_odata_error(path: str, status: int) -> None:
    async with DemoMLS(listings=5) as mls, client_of(mls) as client:
        answer = await client.get(mls.base_url + path)
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"code", "message"}


async def test_metadata_names_every_field_that_is_served() -> None:
    async with DemoMLS(listings=5) as mls, client_of(mls) as client:
        answer = await client.get(f"{mls.base_url}/$metadata")
        assert answer.headers["Content-Type"].startswith("application/xml")
        edm = "{http://docs.oasis-open.org/odata/ns/edm}"
        types = {
            kind.get("Name"): {field.get("Name") for field in kind.iter(f"{edm}Property")}
            for kind in ET.fromstring(answer.text).iter(f"{edm}EntityType")
        }
        document = (await client.get(f"{mls.base_url}/")).json()
        assert (
            {item["name"] for item in document["value"]}
            == set(types)
            == {*("Property", "Media", "OpenHouse", "Member", "Office")}
        )
        for name, fields in types.items():
            row = (await client.get(f"{mls.base_url}/{name}?$top=1")).json()["value"][0]
            assert set(row) <= fields
            assert name == "Media" or set(row) == fields


async def test_every_grant_opens_the_service_and_a_revoked_token_closes_it() -> None:
    clock = Clock()
    async with DemoMLS(listings=5, now=clock, token_lifetime=60) as mls, httpx.AsyncClient() as client:
        own = {"client_id": mls.client_id, "client_secret": mls.client_secret}
        login = {"grant_type": "password", "username": mls.username, "password": mls.password}

        async def opens(token: str) -> bool:
            answer = await client.get(f"{mls.base_url}/Office", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in (200, 401)
            assert answer.status_code == 200 or "Bearer" in answer.headers["WWW-Authenticate"]
            return answer.status_code == 200

        first = (await client.post(mls.token_url, data=own | {"grant_type": "client_credentials"})).json()
        assert await opens(first["access_token"])
        second = (await client.post(mls.token_url, data=login, auth=(mls.client_id, mls.client_secret))).json()
        renewal = own | {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
        clock.time += timedelta(seconds=61)
        assert not await opens(second["access_token"])
        third = (await client.post(mls.token_url, data=renewal)).json()
        assert await opens(third["access_token"])
        assert (await client.post(mls.token_url, data=renewal)).json()["error"] == "invalid_grant"
        answer = await client.post(mls.revocation_url, data=own | {"token": third["access_token"]})
        assert answer.status_code == 200
        assert not await opens(third["access_token"])
        assert await opens(mls.token)
        assert not await opens("wrong")


async def test_wrong_client_credentials_are_invalid_client() -> None:
    async with DemoMLS(listings=1) as mls, httpx.AsyncClient() as client:
        form = {"grant_type": "client_credentials", "client_id": mls.client_id, "client_secret": "no"}
        answer = await client.post(mls.token_url, data=form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_photo_url_expires_and_cannot_be_forged() -> None:
    clock = Clock()
    async with DemoMLS(listings=3, now=clock, media_lifetime=60) as mls, client_of(mls) as client:
        key = mls.feed.listing_keys()[0]
        media = (await client.get(f"{mls.base_url}/Property('{key}')/Media")).json()["value"]
        url = media[0]["MediaURL"]
        assert (await client.get(url)).content == mls.feed.photos(key)[0]
        assert (await client.get(url.replace("expires=1", "expires=2"))).status_code == 403
        clock.time += timedelta(seconds=61)
        assert (await client.get(url)).status_code == 410


def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        DemoMLS(host="0.0.0.0")


def test_a_demo_in_a_thread_answers_and_ends_with_its_handle() -> None:
    with start_in_thread(listings=3) as running:
        url = f"{running.mls.base_url}/Property/$count"
        headers = {"Authorization": f"Bearer {running.mls.token}"}
        assert httpx.get(url, headers=headers).text == "4"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, headers=headers)


async def test_requests_are_counted_by_resource() -> None:
    async with DemoMLS(listings=3) as mls, client_of(mls) as client:
        for path in ("/Property", "/Property", "/Property/$count", "/Media?$top=1"):
            await client.get(mls.base_url + path)
        assert mls.requests == {"Property": 2, "Property/$count": 1, "Media": 1}
        assert mls.meter.busiest_second["api"] >= 1


def test_it_serves_says_what_it_served_and_ends_when_told() -> None:
    process = DemoProcess(listings=3, faults=None, api_rate=0.1).start()
    with httpx.Client(headers={"Authorization": f"Bearer {process.token}"}) as client:
        page = client.get(f"{process.base_url}/Property", params={"$expand": "Media", "$top": "3"}).json()
        record = page["value"][0]
        body = client.get(record["Media"][0]["MediaURL"]).content
    served = process.served()
    assert served.faults == {}
    assert served.digests[record["ListingKey"]][0] == hashlib.sha256(body).hexdigest()
    address = process.base_url
    process.stop()
    process.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)
    with pytest.raises(OSError, match="not running"):
        process.served()


def test_one_that_cannot_start_is_an_error_and_not_a_wait() -> None:
    with pytest.raises(OSError, match="did not start"):
        DemoProcess(listings=-1, faults=None, api_rate=0.1).start()
