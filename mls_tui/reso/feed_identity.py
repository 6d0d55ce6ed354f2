"""Which feed a cursor belongs to. A connection that was pointed at another feed must not go on from the old feed's
watermark: what is older there would never be asked for."""

from __future__ import annotations

import hashlib
import json

from mls_tui.domain.connection import Connection, Cursor
from mls_tui.domain.errors import UsageError
from mls_tui.reso.presets import for_connection

_FIELDS = (
    "name", "property_resource", "timestamp_field", "key_field", "status_field", "system_field", "system", "dataset",
)  # fmt: skip
ANOTHER_FEED = "It points to another feed now: the next import reads all of it."


def feed_identity(connection: Connection) -> str:
    """A digest of what decides which records a connection sees: provider, address, dataset, MLS, agent, and the fields
    that a watermark is made of. Names, secrets, schedule, page sizes, limits and headers are no part of it.

    Raises:
        UsageError: the connection's settings do not fit.
    """
    used = for_connection(connection)
    parts = [getattr(used, name) for name in _FIELDS]
    parts += [used.base_url, connection.agent_key, used.agent_field if connection.agent_key else None]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def at_its_feed(connection: Connection) -> Connection:
    """The connection with a cursor of the feed it points to now: its own, or, where that is another feed's, one that
    begins anew. ``epoch`` stays, so that photos of a run that was cut short are still tidied."""
    try:
        identity = feed_identity(connection)
    except UsageError:
        return connection  # opening it says what does not fit
    cursor = connection.cursor
    if cursor.feed == identity:
        return connection
    if cursor.feed is None and connection.updated_at <= cursor.updated_at:
        cursor = cursor.model_copy(update={"feed": identity})  # kept by a version that did not say
    else:
        cursor = Cursor(feed=identity, epoch=cursor.epoch)
    return connection.model_copy(update={"cursor": cursor})
