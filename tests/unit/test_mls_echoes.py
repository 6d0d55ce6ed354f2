"""A secret that the MLS repeats in its answers never becomes a listing's text; addresses to be asked for stay whole."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from mls_tui.reso.answers import MASK, Masker
from mls_tui.reso.echoes import without_echoes
from tests.unit.mls_transport_fakes import BASE, TOKEN, Wire, script

SECRET = 'canary/access+token="1f6b0c'


def cleaned(value: Any, raw: bytes | None = None) -> str:
    raw = raw if raw is not None else orjson.dumps(value)
    return json.dumps(without_echoes(orjson.loads(raw), raw, Masker([SECRET])))


@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize("echo", [SECRET, f"you sent {SECRET}.", "canary%2Faccess%2Btoken%3D%221f6b0c"])
@pytest.mark.parametrize("where", ["PublicRemarks", "VirtualTourURLUnbranded", "ListingId", "Deep"])
def test_an_echo_is_masked_in_every_field_and_spelling(echo: str, where: str) -> None:
    said = cleaned({"value": [{where: echo, "Rooms": [{"Name": [echo]}]}]})
    assert "1f6b0c" not in said
    assert said.count(MASK) == 2


def test_an_echo_as_php_writes_json_is_masked() -> None:
    raw = b'{"PublicRemarks": "canary\\/access+token=\\"1f6b0c"}'
    assert json.loads(cleaned(None, raw)) == {"PublicRemarks": MASK}


def test_an_echo_in_the_name_of_a_field_is_masked() -> None:
    assert SECRET not in json.loads(cleaned({SECRET: 1}))


@pytest.mark.parametrize("field", ["MediaURL", "Uri1600", "@odata.nextLink", "Media@odata.nextLink", "__next"])
def test_an_address_that_is_asked_for_stays_whole(field: str) -> None:
    address = f"https://mls.example/1?token={SECRET}"
    assert json.loads(cleaned({field: address})) == {field: address}


def test_what_holds_no_secret_is_the_same_object() -> None:
    body = {"value": [{"PublicRemarks": "canary"}]}
    assert without_echoes(body, orjson.dumps(body), Masker([SECRET])) is body


def test_a_short_password_is_not_taken_for_an_echo() -> None:
    body = {"City": "Austin", "PublicRemarks": "austin"}
    assert without_echoes(body, orjson.dumps(body), Masker(["austin", "Austin"])) is body


def test_depth_without_end_costs_no_more_than_a_value() -> None:
    deep: Any = SECRET
    for _ in range(250):
        deep = [deep]
    assert SECRET not in cleaned({"Deep": deep})


async def test_the_answer_of_a_request_holds_no_echo_of_its_token() -> None:
    import httpx

    body = {"value": [{"PublicRemarks": f"for {TOKEN}"}], "@odata.nextLink": f"{BASE}/Property?access_token={TOKEN}"}
    wire = Wire(script(httpx.Response(200, json=body)))
    answer = await wire.http.get_json(f"{BASE}/Property")
    assert answer.body["value"] == [{"PublicRemarks": f"for {MASK}"}]
    assert answer.body["@odata.nextLink"].endswith(TOKEN)
