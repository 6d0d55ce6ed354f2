"""The demo's faults: counted exactly, bounded so that the contract's retries win, the same for a seed."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from mls_tui.demo.faults import Faults
from mls_tui.demo.server import DemoMLS


class Probe:
    """A client that tries again at once, and keeps count of what went wrong."""

    def __init__(self, mls: DemoMLS, client: httpx.AsyncClient) -> None:
        self.mls, self.client = mls, client
        self.failed: Counter[str] = Counter()
        self.throttled = 0

    async def get(self, url: str, resource: str, tries: int) -> httpx.Response:
        """An answer that is whole and good, within ``tries`` attempts."""
        while tries:
            try:
                answer = await self.client.get(url, headers={"Authorization": f"Bearer {self.mls.token}"})
            except httpx.TransportError:
                self.failed[resource] += 1
                tries -= 1
                continue
            if answer.status_code == 429:
                assert answer.headers["Retry-After"] in ("1", "2")
                self.throttled += 1
                continue
            if answer.status_code == 200 and (resource != "photo" or answer.content[:2] == b"\xff\xd8"):
                return answer
            self.failed[resource] += 1
            tries -= 1
            if answer.status_code in (403, 410):
                key = url.split("/photos/")[1].split("/")[0]
                media = await self.get(f"{self.mls.base_url}/Property('{key}')/Media?$top=99", "listing", 1)
                number = url.split("/")[-1].split(".")[0]
                url = next(m["MediaURL"] for m in media.json()["value"] if f"/{key}/{number}.jpg" in m["MediaURL"])
        raise AssertionError(f"{url} failed too often")


async def sweep(mls: DemoMLS, transport: httpx.AsyncBaseTransport) -> Probe:
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        probe = Probe(mls, client)
        following = f"{mls.base_url}/Property?$expand=Media"
        while following:
            document = (await probe.get(following, "page", 3)).json()
            for row in document["value"]:
                key, media = row["ListingKey"], row["Media"]
                if "Media@odata.nextLink" in row:
                    media += (await probe.get(row["Media@odata.nextLink"], "listing", 3)).json()["value"]
                urls = [item["MediaURL"] for item in media if item["MediaCategory"] == "Photo"]
                answers = await asyncio.gather(*(probe.get(url, "photo", 2) for url in urls))
                if int(key) % 12 == 0:
                    assert [answer.content for answer in answers] == mls.feed.photos(key)
            following = document.get("@odata.nextLink")
        return probe


@pytest.mark.parametrize("seed", [7, 8])
async def test_a_client_sees_exactly_the_faults_that_were_counted(seed: int) -> None:
    faults = Faults(seed, api_rate=0.5, photo_rate=0.3, slowest=0.01)
    async with DemoMLS(listings=60, faults=faults, page_size=5) as mls:
        probe = await sweep(mls, httpx.AsyncHTTPTransport())
        by = faults.by_resource
        assert probe.throttled == faults.throttles > 0
        for resource in ("page", "listing", "photo"):
            served = sum(count for kind, count in by[resource].items() if kind not in ("slow", "429"))
            assert probe.failed[resource] == served
        assert sum(probe.failed.values()) == faults.failures
        assert set(faults.served) == {"429", "5xx", "reset", "slow", "truncated", "expired", "html"}


async def test_no_seed_means_no_fault() -> None:
    async with DemoMLS(listings=30, page_size=5) as mls:
        probe = await sweep(mls, httpx.AsyncHTTPTransport())
        assert not probe.failed
        assert not mls.faults.served


async def test_a_client_that_left_is_not_counted() -> None:
    faults = Faults(1, api_rate=1.0, slowest=30)
    async with DemoMLS(listings=3, faults=faults) as mls, httpx.AsyncClient() as client:
        reached = asyncio.Event()

        async def hook(request: object) -> None:
            reached.set()

        mls.hook = hook
        place = 0
        while (fault := Faults(1, api_rate=1.0).page(f"/reso/odata/Office?n={place}")) is None or fault.kind != "slow":
            place += 1
        url = f"{mls.base_url}/Office?n={place}"
        request = asyncio.create_task(client.get(url, headers={"Authorization": f"Bearer {mls.token}"}))
        await reached.wait()
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        await client.aclose()
        await mls.stop()
        assert not faults.served


def test_the_same_seed_gives_a_request_the_same_faults() -> None:
    def script(seed: int) -> list[str]:
        faults = Faults(seed)
        found: list[str] = []
        for place in range(300):
            fault = faults.page(f"/Property?$skip={place}")
            found.append(fault.kind if fault else "")
            faults.answered("page")
        return found

    assert script(7) == script(7) != script(8)
    assert 10 < len([kind for kind in script(7) if kind]) < 60


def test_pages_fail_at_most_twice_in_a_row_whatever_their_urls() -> None:
    faults = Faults(3, api_rate=1.0)
    streak = 0
    for place in range(500):
        fault = faults.page(f"/Property?n={place}")
        if fault is None:
            faults.answered("page")
            streak = 0
            continue
        faults.delivered(fault)
        streak = 0 if fault.kind == "slow" else streak + 1
        assert streak <= 2
