"""Which users a machine has, by its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mls_tui.users.port import UserSource

if TYPE_CHECKING:
    from mls_tui.config import Settings


def open_users(settings: Settings, on_warning: Callable[[str], object] | None = None) -> UserSource:
    """Cognito if a user pool is configured, else the local user. ``on_warning`` is called with a sentence if saving a
    session creates the file of keys."""
    if settings.user_pool_id:
        from mls_tui.users.cognito import open_cognito

        return open_cognito(settings, on_warning)
    from mls_tui.users.local import LocalUsers

    return LocalUsers(settings.user, settings.state_path)
