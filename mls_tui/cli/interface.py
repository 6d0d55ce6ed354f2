"""``mls-tui`` alone: the interface, with what only a process can lend it."""

from __future__ import annotations

from collections.abc import Callable

import click

from mls_tui.cli.running import log_to, settings_of
from mls_tui.config import Settings
from mls_tui.workspace import Workspace


def open_interface(ctx: click.Context) -> None:
    """Open the interface over the configured stores."""
    from mls_tui.app import Hooks, MlsTuiApp
    from mls_tui.cli.demo import DemoLoan

    settings = settings_of(ctx)
    log_to(ctx, settings)
    demo = DemoLoan(settings)
    try:
        app = MlsTuiApp(Workspace(settings), hooks=Hooks(start_demo=demo.workspace, remember=keeper(settings)))
        app.run()
    finally:
        demo.stop()


def keeper(settings: Settings) -> Callable[[str, str], None]:
    """Keeps a preference (the theme) in config.toml."""

    def remember(name: str, value: str) -> None:
        from mls_tui.preferences import save_preference

        save_preference(settings.config_path, name, value)

    return remember
