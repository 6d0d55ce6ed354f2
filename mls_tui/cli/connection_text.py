"""A connection as text and as JSON. No secret is in either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mls_tui.actions.results import ConnectionView
from mls_tui.cli.text import plain_text
from mls_tui.domain.clock import iso_z

_NEW = "none: the next import reads the whole feed"


def connection_data(view: ConnectionView) -> dict[str, Any]:
    """The JSON of a connection: its fields in camelCase, its state, its last run, how far imports have come."""
    data = view.connection.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"secrets", "cursor"})
    data |= {"state": view.state, "listings": view.listings}
    if view.last_run is not None:
        data["lastRun"] = view.last_run.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"errors", "checkpoint"}
        )
    if view.next_run_at is not None:
        data["nextRunAt"] = view.next_run_at
    cursor = view.connection.cursor
    if cursor.watermark:
        data["watermark"] = cursor.watermark
    if view.connection.token_expires_at:
        data["tokenExpires"] = iso_z(_moment(view.connection.token_expires_at))
    return data


def shown_data(view: ConnectionView) -> dict[str, Any]:
    """The same with the names of the stored secrets and every setting."""
    settings = [
        {
            "name": setting.name,
            "help": setting.help,
            "type": setting.wanted,
            "value": setting.value,
            "default": setting.default,
            "setByYou": setting.mine,
        }
        for setting in view.settings
    ]
    data = connection_data(view)
    data.pop("listings")
    return data | {"storedSecrets": list(view.stored_secrets), "settings": settings}


def shown_lines(view: ConnectionView) -> Iterator[str]:
    """One line a field, then one line a setting: its name, its value, whether the user has set it, what it means."""
    connection = view.connection
    schedule = connection.schedule_minutes
    own = {
        "id": connection.connection_id,
        "name": connection.name,
        "provider": connection.provider,
        "state": view.state,
        "sign-in": connection.auth.value,
        "secrets": ", ".join(view.stored_secrets) or "none",
        "client id": connection.client_id,
        "user name": connection.username,
        "mls": connection.mls_system,
        "agent": connection.agent_key,
        "schedule": f"every {schedule} minutes" if schedule else "by hand",
        "watermark": connection.cursor.watermark or _NEW,
    }
    for label, value in own.items():
        if value:
            yield f"{label:<10} {plain_text(value)}"
    yield ""
    width = max(len(setting.name) for setting in view.settings)
    for setting in view.settings:
        instead = f"; the preset: {setting.default}" if setting.default != setting.value else ""
        said = f"set by you{instead}" if setting.mine else setting.help
        yield f"{setting.name:<{width}}  {plain_text(setting.value)}  ({plain_text(said)})"


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
