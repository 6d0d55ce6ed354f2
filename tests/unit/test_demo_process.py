"""The demo MLS as a process of its own."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from mls_tui.demo.process import DemoProcess


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
