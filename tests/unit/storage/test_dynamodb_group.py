"""New listings written together: what happens to the others if one of them fails, or the table."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.storage import items
from mls_tui.storage.dynamodb.listings import MAX_GROUP, GroupCommit, put_new
from mls_tui.storage.dynamodb.table import Table
from mls_tui.storage.items import Item
from mls_tui.storage.threads import DaemonPool, run_job
from tests.contract.samples import FIRST_MS, USER, a_listing
from tests.unit.storage.stubs import StubbedAws, cancelled


class HeldPool(DaemonPool):
    """A pool whose jobs run when the test calls ``work``."""

    def __init__(self) -> None:
        super().__init__(0, "held")
        self.held: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, job: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self.held.append((future, job))
        return future

    def work(self) -> None:
        for future, job in self.held:
            run_job(future, job)
            future.result()
        self.held = []


class GroupHarness:
    def __init__(self) -> None:
        self.aws, self.pool = StubbedAws(), HeldPool()
        table = Table(self.aws, "t", pause=lambda seconds: None)
        self.group = GroupCommit(table, self.pool, lambda item: put_new(table, item))
        self.sent: list[list[str]] = []
        self.aws.dynamodb().meta.events.register(
            "before-parameter-build.dynamodb.TransactWriteItems",
            lambda params, **_: self.sent.append([each["Put"]["Item"]["SK"]["S"] for each in params["TransactItems"]]),
        )

    def put(self, *numbers: str) -> list[Future[bool]]:
        return [self.group.put(built(number)) for number in numbers]


def built(number: str) -> Callable[[], tuple[Item, Item]]:
    listing = a_listing(number)
    return lambda: (items.listing_item(USER, listing, FIRST_MS), items.mark_item(USER, listing))


@pytest.mark.promise(5)
def test_those_that_wait_go_together_each_with_its_mark_and_eight_at_most() -> None:
    harness = GroupHarness()
    for _ in range(2):
        harness.aws.rows.add_response("transact_write_items", {})
    done = harness.put(*(f"A-{number}" for number in range(MAX_GROUP + 1)))
    harness.pool.work()
    assert [each.result() for each in done] == [True] * (MAX_GROUP + 1)
    assert [len(writes) for writes in harness.sent] == [2 * MAX_GROUP, 2]
    assert harness.sent[1] == ["LISTINGKEY#reso.lakeside-mls#key-A-8", f"LISTING#{a_listing('A-8').listing_id}"]


@pytest.mark.promise(7)
def test_group_that_is_refused_is_left_to_each_alone() -> None:
    harness = GroupHarness()
    cancelled(harness.aws.rows, None, None, "ConditionalCheckFailed", None)
    cancelled(harness.aws.rows, "ValidationError", None)
    first = harness.put("A-1", "A-2")
    harness.pool.work()
    second = harness.put("A-3")
    harness.pool.work()
    assert [each.result() for each in first + second] == [False, False, False]
    harness.aws.done()


def test_listing_that_cannot_be_built_fails_alone() -> None:
    harness = GroupHarness()
    harness.aws.rows.add_response("transact_write_items", {})

    def too_large() -> tuple[Item, Item]:
        raise StorageError("too large")

    good, bad = harness.put("A-1")[0], harness.group.put(too_large)
    harness.pool.work()
    assert good.result() is True
    assert str(bad.exception()) == "too large"
    assert len(harness.sent[0]) == 2


def test_number_that_comes_twice_is_not_named_twice_in_one_transaction() -> None:
    harness = GroupHarness()
    harness.aws.rows.add_response("transact_write_items", {})
    done = harness.put("A-1", "A-1")
    harness.pool.work()
    assert [each.result() for each in done] == [True, False]
    assert len(harness.sent[0]) == 2


def test_throttle_that_stays_is_told_to_all_and_asked_of_none_again() -> None:
    harness = GroupHarness()
    for _ in range(8):
        cancelled(harness.aws.rows, "ThrottlingError", None, None, None)
    done = harness.put("A-1", "A-2")
    harness.pool.work()
    errors = [each.exception() for each in done]
    assert all(isinstance(error, StorageError) and error.retryable for error in errors)
    assert errors[0] is not errors[1]
    harness.aws.done()


def test_caller_that_has_gone_is_not_written() -> None:
    harness = GroupHarness()
    harness.aws.rows.add_response("transact_write_items", {})
    gone, stays = harness.put("A-1", "A-2")
    assert gone.cancel()
    harness.pool.work()
    assert stays.result() is True
    assert len(harness.sent[0]) == 2


def test_closed_store_says_so_and_the_next_is_not_left_waiting() -> None:
    harness = GroupHarness()
    pool = DaemonPool(1, "closed")
    pool.close(0)
    harness.group._pool = pool
    for _ in range(2):
        with pytest.raises(StorageError, match="closed"):
            harness.put("A-1")


def test_row_that_cannot_be_written_down_fails_alone_and_the_next_are_not_left_waiting() -> None:
    harness = GroupHarness()
    for _ in range(2):
        harness.aws.rows.add_response("transact_write_items", {})

    def odd() -> tuple[Item, Item]:
        row, mark = built("A-2")()
        return row | {"Data": object()}, mark

    first, bad, later = harness.put("A-1")[0], harness.group.put(odd), harness.put("A-3")[0]
    harness.pool.work()
    assert isinstance(bad.exception(timeout=0), TypeError)
    assert (first.result(timeout=0), later.result(timeout=0)) == (True, True)
    again = harness.put("A-4")[0]
    harness.pool.work()
    assert again.result(timeout=0) is True


def test_whoever_joins_while_the_store_closes_is_told_so_too() -> None:
    harness = GroupHarness()
    joined: list[Future[bool]] = []

    class Closing(DaemonPool):
        def submit(self, job: Callable[[], Any]) -> Future[Any]:
            joined.append(harness.group.put(built("A-2")))  # another thread's, in between
            raise StorageError("The store is closed.")

    harness.group._pool = Closing(0, "closing")
    with pytest.raises(StorageError, match="closed"):
        harness.put("A-1")
    assert "closed" in str(joined[0].exception(timeout=0))
