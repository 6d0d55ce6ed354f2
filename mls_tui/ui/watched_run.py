"""An import that workers do, as the interface follows it: read from its row, steered by its row. Leaving it changes
nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.ui.widgets.background import begin

if TYPE_CHECKING:
    from mls_tui.domain.run import ImportRun
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.app import MlsTuiApp


class WatchedRun:
    """One look a second until the run ends or is left. ``seen`` is told each look, ``left`` that there will be none."""

    def __init__(self, app: MlsTuiApp, run: ImportRun, seen: Callable[[Tally], None], left: Callable[[], None]) -> None:
        self._app, self._run, self._seen, self._left = app, run, seen, left
        self._watching = True
        self.paused = run.paused

    def start(self) -> None:
        begin(self._app, self._watch, "import")

    async def _watch(self) -> None:
        looks = self._app.actions.follow_run(self._run.run_id, self._app.workspace)
        try:
            async with aclosing(looks):
                async for tally in looks:
                    if not self._watching:
                        return
                    self.paused = tally.paused
                    self._seen(tally)
        except MlsTuiError as error:
            self._app.notify(sentence(error), title="Distributed import", severity="error")
        finally:
            if self._watching:
                self._left()

    def leave(self) -> None:
        """See no more of it."""
        self._watching = False

    def steer(self, word: str) -> None:
        """``pause``, ``resume`` or ``cancel``; the next look shows what came of it."""
        begin(self._app, partial(self._steer, word), "steer")

    async def _steer(self, word: str) -> None:
        answer = await self._app.actions.steer_run(self._run.run_id, word, self._app.workspace)
        if answer.error is not None:
            self._app.notify(answer.error, title="Distributed import", severity="error")
        elif answer.data is not None:
            self.paused = answer.data.paused
