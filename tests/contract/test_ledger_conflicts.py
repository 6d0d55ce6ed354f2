"""What moto's server never does: a transaction in which one mark stands and others only met another transaction, and an
update too long for DynamoDB."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.distributed.ledger import MOST_ACTIONS, Ledger
from mls_tui.distributed.outcome import MOST_KINDS, OTHER_KINDS, Outcome, RunKey, Sums
from mls_tui.domain.clock import SystemClock
from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import ImportCounts
from mls_tui.storage.attributes import from_attributes
from mls_tui.storage.aws import Aws
from mls_tui.storage.dynamodb.table import Table, TransactionFailedError

KEY = RunKey("ana", "r1", 1)
STANDS, BUSY = "ConditionalCheckFailed", "TransactionConflict"


class Transactions:
    """Cancels with each of ``codes`` in turn, then takes what comes; ``sizes`` are the writes of each."""

    def __init__(self, *codes: list[str | None]) -> None:
        self.codes, self.sizes = list(codes), list[int]()

    def __call__(self, writes: list[dict[str, Any]]) -> None:
        self.sizes.append(len(writes))
        if self.codes:
            codes = self.codes.pop(0)
            raise TransactionFailedError(codes, [None] * len(codes))


async def _finished(monkeypatch: pytest.MonkeyPatch, transactions: Transactions, tasks: int) -> list[bool]:
    monkeypatch.setattr(Table, "transact", lambda table, writes: transactions(writes))
    ledger = Ledger(Aws(), "mls-listings", SystemClock())
    batch = [Outcome(f"t{number}", {"created": 1}) for number in range(tasks)]
    try:
        counted = ledger._count(KEY, batch)
    finally:
        await ledger.close()
    return [each.task in counted for each in batch]


@pytest.mark.parametrize("row", [None, BUSY])
async def test_what_met_another_transaction_beside_a_mark_that_stands_is_counted(
    monkeypatch: pytest.MonkeyPatch, row: str | None
) -> None:
    transactions = Transactions([STANDS, BUSY, None, row])
    assert await _finished(monkeypatch, transactions, 3) == [False, True, True]
    assert transactions.sizes == [4, 3]


async def test_a_run_that_is_gone_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageError, match="no longer stored"):
        await _finished(monkeypatch, Transactions([None, STANDS]), 1)


def test_the_longest_update_keeps_to_dynamodbs_limits() -> None:
    sums = Sums()
    every = dict.fromkeys(ImportCounts.model_fields, 1)
    for number in range(MOST_ACTIONS):
        sums.take(Outcome(f"t{number}", every, {f"{number} odd {kind}": 1 for kind in range(40)}, total=9, ended=True))
    update = sums.update(1)
    assert len(update["UpdateExpression"].encode()) <= 4_096
    assert all(len(name) <= 255 for name in update["ExpressionAttributeNames"].values())
    assert OTHER_KINDS in update["ExpressionAttributeNames"].values()
    values = from_attributes(update["ExpressionAttributeValues"])
    assert MOST_ACTIONS * 40 - MOST_KINDS in values.values()
