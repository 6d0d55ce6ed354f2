"""Time to live: items that carry ``ExpiresAt`` (epoch seconds) go by themselves when it is past. Listings, connections
and runs never carry it."""

from __future__ import annotations

from mls_tui.storage.aws import guarded
from mls_tui.storage.base import Check
from mls_tui.storage.dynamodb.table import Table

ATTRIBUTE = "ExpiresAt"
_ON = frozenset({"ENABLED", "ENABLING"})


class Expiry:
    """Blocking; every method raises StorageError where DynamoDB cannot be asked or refuses."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def init(self) -> Check:
        """Turn it on where it is off."""
        if self._attribute() != ATTRIBUTE:
            client, name = self._table.client(), self._table.name
            guarded(
                lambda: client.update_time_to_live(
                    TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": ATTRIBUTE}
                ),
                self._table.where,
            )
        return Check("expiry", "ok", f"on, by {ATTRIBUTE}")

    def check(self) -> Check:
        if self._attribute() == ATTRIBUTE:
            return Check("expiry", "ok", f"on, by {ATTRIBUTE}")
        advice = "run `mls-tui storage init --distributed`"
        return Check("expiry", "warning", "off: marks of finished tasks stay for ever", advice)

    def _attribute(self) -> str | None:
        """The attribute in use; None where time to live is off."""
        client, name = self._table.client(), self._table.name
        found = guarded(lambda: client.describe_time_to_live(TableName=name), self._table.where)
        said = found["TimeToLiveDescription"]
        return said.get("AttributeName") if said.get("TimeToLiveStatus") in _ON else None
