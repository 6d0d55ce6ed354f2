"""``mls-tui`` alone: the interface, with what only a process can lend it. Prints nothing while that is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import click

from mls_tui.cli.running import log_to, settings_of
from mls_tui.config import Settings
from mls_tui.domain.errors import AuthenticationError, UsageError
from mls_tui.workspace import Workspace


def open_interface(ctx: click.Context) -> None:
    """Open the interface over the configured stores."""
    from mls_tui.app import Hooks, MlsTuiApp
    from mls_tui.cli.demo import DemoLoan

    settings = settings_of(ctx)
    log = log_to(ctx, settings)
    demo = DemoLoan(settings, log)
    workspace = Workspace(
        settings,
        on_secret=log.redactor.add if log else None,
        on_warning=lambda text: logging.getLogger("mls_tui").warning("%s", text),
    )
    hooks = Hooks(
        start_demo=demo.workspace,
        remember=keeper(settings),
        sign_in=signer_in(settings) if settings.user_pool_id else None,
    )
    try:
        MlsTuiApp(workspace, hooks=hooks).run()
    finally:
        demo.stop()


def keeper(settings: Settings) -> Callable[[str, str], None]:
    """Keeps a preference (the theme) in config.toml; one that cannot be kept is no reason to stop anything."""

    def remember(name: str, value: str) -> None:
        from mls_tui.preferences import save_preference

        with suppress(UsageError):
            save_preference(settings.config_path, name, value)

    return remember


def signer_in(settings: Settings) -> Callable[[str, str], Awaitable[None]]:
    """Signs in for the interface; what Cognito asks beyond the password is answered on the command line."""

    async def sign_in(username: str, password: str) -> None:
        from mls_tui.users.port import Challenge, open_users

        answer = await asyncio.to_thread(lambda: open_users(settings).sign_in(username, password))
        if isinstance(answer, Challenge):
            raise AuthenticationError(
                f"Cognito asks for more: {answer.prompt}. Quit, run `mls-tui sign-in`, answer it there, and come back."
            )

    return sign_in
