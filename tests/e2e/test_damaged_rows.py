"""A stored row that another program damaged: it alone fails, `doctor` and `storage check` name it, and nothing of it is
deleted."""

from __future__ import annotations

import contextlib
import sqlite3

import boto3
import pytest

from mls_tui import actions
from mls_tui.config import Settings
from mls_tui.domain.keys import connection_sk, listing_sk, run_sk, user_pk
from mls_tui.storage.base import Check
from tests.e2e.conftest import OpenHouse


def damage(settings: Settings, sk: str) -> None:
    """Write ten bytes of garbage into one row of the user."""
    pk = user_pk(settings.user)
    if settings.storage == "local":
        with contextlib.closing(sqlite3.connect(settings.database_path)) as db, db:
            change = "UPDATE items SET body = 'ten bytes!', entry = iif(entry IS NULL, NULL, 'ten bytes!')"
            assert db.execute(f"{change} WHERE pk = ? AND sk = ?", (pk, sk)).rowcount == 1
        return
    boto3.client("dynamodb").update_item(
        TableName=settings.table,
        Key={"PK": {"S": pk}, "SK": {"S": sk}},
        UpdateExpression="SET #data = :garbage",
        ExpressionAttributeNames={"#data": "Data"},
        ExpressionAttributeValues={":garbage": {"S": "ten bytes!"}},
    )


def failed(checks: list[Check] | None) -> str:
    """The failures among the checks, as text."""
    return "\n".join(
        f"{check.name}: {check.detail}: {check.advice}" for check in checks or [] if check.state == "failure"
    )


@pytest.mark.parametrize("row", ["connection", "run", "listing"])
async def test_a_damaged_row_is_named_by_doctor_and_storage_check(open_house: OpenHouse, row: str) -> None:
    async with open_house(listings=2) as house:
        await house.run()
        run = (await house.ws.store.runs(house.ws.user_id))[0]
        listing_id = next(iter((await house.listings()).values())).listing_id
        sk = {
            "connection": connection_sk(house.connection_id),
            "run": run_sk(run.started_at, run.run_id),
            "listing": listing_sk(listing_id),
        }[row]
        damage(house.ws.settings, sk)
        checked = await actions.check_storage(house.ws)
        assert sk in failed(checked.data)
        assert checked.exit_code == 4
        if row != "listing" or house.ws.settings.storage == "local":
            assert sk in failed((await actions.run_doctor(house.ws)).data)


async def test_the_photos_of_a_damaged_row_are_kept_by_repairs_and_imports(open_house: OpenHouse) -> None:
    async with open_house(listings=3) as house:
        await house.run()
        listing = next(iter((await house.listings()).values()))
        keys = {photo.key for photo in listing.photos if photo.key}
        damage(house.ws.settings, listing_sk(listing.listing_id))
        repaired = await actions.check_storage(house.ws, photos=True, repair=True)
        assert keys <= await house.objects()
        assert listing.listing_id in failed(repaired.data)
        result = await house.run(full=True)
        assert result.error is None
        assert keys <= await house.objects()
        assert len(await house.listings()) >= 2
