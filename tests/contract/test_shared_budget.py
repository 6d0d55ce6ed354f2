"""One row of the table for the budget of several workers, each in a thread with a loop and a clock of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from mls_tui.distributed.reservation import DynamoSlotRow, SlotState
from mls_tui.distributed.shared_budget import SharedBudget, row_name, shared_budget
from mls_tui.domain.clock import SystemClock
from mls_tui.domain.connection import AuthKind, Connection, SecretField
from mls_tui.domain.errors import BudgetWaitError
from mls_tui.reso.budget import HostKind
from mls_tui.reso.factory import open_connector
from mls_tui.storage.aws import Aws
from mls_tui.storage.dynamodb.setup import init_table
from mls_tui.storage.dynamodb.table import Table
from mls_tui.storage.threads import DaemonPool
from tests.contract.samples import USER

API = HostKind.API
PER_SECOND = 40
TOKEN = {SecretField.ACCESS_TOKEN: "canary-token"}


@pytest.fixture(scope="module")
def table(aws: Aws) -> Table:
    made = Table(aws, f"t-{uuid4().hex}")
    init_table(made, lambda _: None)
    return made


@pytest.fixture
def pool() -> Iterator[DaemonPool]:
    made = DaemonPool(2, "test")
    yield made
    made.close(1.0)


def a_connection(name: str = "c1", **parts: object) -> Connection:
    return Connection.model_validate(
        {
            "connection_id": name,
            "user_id": USER,
            "name": name,
            "provider": "reso",
            "base_url": f"https://{uuid4().hex}.example/odata",
            "overrides": {"api_limits": f"{PER_SECOND}/1"},
        }
        | parts
    )


def test_a_row_is_written_by_the_one_who_saw_it_last(table: Table) -> None:
    row = DynamoSlotRow(table, USER, uuid4().hex, SystemClock())
    first = replace(row.read(), next_at=17, why="because")
    assert row.read() == SlotState()
    assert row.swap(SlotState(), first) is None
    stored = replace(first, revision=1)
    assert row.read() == stored
    assert row.swap(SlotState(), replace(first, next_at=99)) == stored
    assert row.swap(stored, replace(stored, next_at=18)) is None
    assert row.swap(stored, replace(stored, next_at=99)) == replace(stored, next_at=18, revision=2)


def test_workers_in_threads_of_their_own_keep_one_limit_together(table: Table) -> None:
    connection, sent = a_connection(), list[float]()

    async def work() -> None:
        pool = DaemonPool(2, "worker")
        budget = shared_budget(connection, TOKEN, table, pool, SystemClock(), patience=60)

        async def request() -> None:
            async with await budget.acquire(API):
                sent.append(time.time())

        await asyncio.gather(*(request() for _ in range(20)))
        pool.close(1.0)

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 60
    assert max(sum(start <= at < start + 1 for at in sent) for start in sent) <= PER_SECOND


async def test_a_429_stops_the_workers_of_that_credential_and_no_other(table: Table, pool: DaemonPool) -> None:
    connection = a_connection()

    def worker(token: str = "one", **parts: object) -> SharedBudget:
        mine = connection.model_copy(update=parts)
        secrets = {SecretField.ACCESS_TOKEN: token}
        return shared_budget(mine, secrets, table, pool, SystemClock(), patience=5)

    struck = worker()
    struck.pause(API, 100, "api.example answered 429 Too Many Requests")
    await struck.told()
    for held in (worker(), worker(connection_id="another of the same MLS")):
        with pytest.raises(BudgetWaitError, match="429") as caught:
            await held.acquire(API)
        assert 90 < caught.value.seconds <= 100
    for free in (worker("two"), worker(base_url="https://other.example")):
        async with await free.acquire(API):
            assert free.paused_for(API) == 0


def test_the_name_of_a_row_holds_no_secret_and_is_the_credentials() -> None:
    connection = a_connection(client_id="canary-client", username="canary-user")
    names = {
        row_name(kind, "https://a.example/odata", connection.model_copy(update={"auth": auth}), TOKEN)
        for kind in HostKind
        for auth in AuthKind
    }
    assert len(names) == len(HostKind) * len(AuthKind)
    assert "canary" not in "".join(names)


def test_a_renewed_token_keeps_the_row_of_the_one_before() -> None:
    connection = a_connection(auth=AuthKind.BEARER)
    names = {
        row_name(HostKind.API, "https://a.example/odata", connection, {**TOKEN, **secrets})
        for secrets in (
            {SecretField.ACCESS_TOKEN: "a1", SecretField.REFRESH_TOKEN: "r1"},
            {SecretField.ACCESS_TOKEN: "a2", SecretField.REFRESH_TOKEN: "r2"},
        )
    }
    assert len(names) == 1


async def test_a_connector_uses_the_budget_it_is_given(table: Table, pool: DaemonPool) -> None:
    connection = a_connection()
    budget = shared_budget(connection, TOKEN, table, pool, SystemClock())
    connector = open_connector(connection, TOKEN, budget=budget)
    async with await budget.acquire(API):
        assert [window.used for window in connector.budget()] == [1]
    await connector.close()
