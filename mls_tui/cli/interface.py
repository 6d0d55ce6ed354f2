"""``mls-tui`` without a command: the interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mls_tui.actions.workspace import Workspace
from mls_tui.cli.running import leave, log_to, replay_keys, require_terminal, settings_of
from mls_tui.ui.terminal import TerminalProbe

if TYPE_CHECKING:
    from mls_tui.cli.demo import DemoSession


def open_interface(ctx: click.Context) -> None:
    """Open the interface over the configured stores."""
    settings = settings_of(ctx)
    require_terminal()
    with TerminalProbe(settings.photos) as probe:
        from mls_tui.ui.app import Hooks, MlsTuiApp

        graphics = probe.answer()
    log = log_to(ctx, settings)
    demo: DemoSession | None = None

    async def demo_workspace() -> Workspace:
        nonlocal demo
        if demo is None:
            from mls_tui.cli.demo import DemoSession  # not before: the first frame would wait for its modules

            demo = DemoSession(settings, log)
        return await demo.workspace()

    def own_workspace() -> Workspace:
        return Workspace(
            settings,
            on_secret=log.masker.add if log else None,
            on_warning=lambda text: app.warn(text),
        )

    try:
        hooks = Hooks(demo_workspace, own_workspace, graphics, light=probe.light)
        app = MlsTuiApp(own_workspace(), hooks=hooks)
        app.run(auto_pilot=replay_keys(probe.typed))
    finally:
        if demo is not None:
            demo.stop()
    leave(app.return_code or 0, log)
