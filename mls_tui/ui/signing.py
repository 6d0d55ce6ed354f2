"""Signing in from the interface: asks the workspace's own users, off the event loop. Keeps no password."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mls_tui.users.port import Challenge, User

if TYPE_CHECKING:
    from mls_tui.ui.app import MlsTuiApp


def needs_password(app: MlsTuiApp) -> bool:
    """False for the local user, who is asked for nothing but the wish."""
    return app.workspace.users.needs_password()


async def sign_in(app: MlsTuiApp, username: str, password: str) -> Challenge | None:
    """None once signed in, else what is asked for next. Raises AuthenticationError, StorageError."""
    return _asked(await asyncio.to_thread(app.workspace.users.sign_in, username, password))


async def answer(app: MlsTuiApp, challenge: Challenge, text: str) -> Challenge | None:
    """As ``sign_in``, with the answer to what was asked."""
    return _asked(await asyncio.to_thread(app.workspace.users.answer, challenge, text))


def _asked(reply: User | Challenge) -> Challenge | None:
    return reply if isinstance(reply, Challenge) else None
