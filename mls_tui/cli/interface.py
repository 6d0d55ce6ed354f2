"""``mls-tui`` without a command: the interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mls_tui.actions.workspace import Workspace
from mls_tui.cli.running import leave, log_to, require_terminal, settings_of, typing
from mls_tui.config import Settings
from mls_tui.ui.terminal import Question

if TYPE_CHECKING:
    from mls_tui.cli.demo import DemoLoan
    from mls_tui.log import Log


def open_interface(ctx: click.Context) -> None:
    """Open the interface over the configured stores."""
    settings = settings_of(ctx)
    require_terminal()
    with Question(settings.photos) as question:
        from mls_tui.ui.app import Hooks, MlsTuiApp

        graphics = question.answer()
    log = log_to(ctx, settings)
    demo = DemoOnDemand(settings, log)

    def own_workspace() -> Workspace:
        return Workspace(
            settings,
            on_secret=log.masker.add if log else None,
            on_warning=lambda text: app.warn(text),
        )

    try:
        hooks = Hooks(demo.workspace, own_workspace, graphics, light=question.light)
        app = MlsTuiApp(own_workspace(), hooks=hooks)
        app.run(auto_pilot=typing(question.typed))
    finally:
        demo.stop()
    leave(app.return_code or 0, log)


class DemoOnDemand:
    """The demo, whose modules are imported when it is first asked for, so that the first frame does not wait."""

    def __init__(self, settings: Settings, log: Log | None) -> None:
        self._settings, self._log = settings, log
        self._loan: DemoLoan | None = None

    async def workspace(self) -> Workspace:
        if self._loan is None:
            from mls_tui.cli.demo import DemoLoan

            self._loan = DemoLoan(self._settings, self._log)
        return await self._loan.workspace()

    def stop(self) -> None:
        if self._loan is not None:
            self._loan.stop()
