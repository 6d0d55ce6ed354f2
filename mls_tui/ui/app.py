"""The terminal application: opens the workspace, holds the screens and the one import, and does no I/O of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.screen import Screen
from textual.signal import Signal

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import AuthenticationError
from mls_tui.resources import styles_path
from mls_tui.ui import modes
from mls_tui.ui.hooks import Hooks
from mls_tui.ui.imports import Imports
from mls_tui.ui.schedules import Schedules
from mls_tui.ui.stylesheet import ParsedOnce
from mls_tui.ui.themes import DEFAULT_THEME, OUR_THEMES
from mls_tui.ui.widgets.background import begin
from mls_tui.ui.widgets.plain import clean

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mls_tui.actions.workspace import Workspace
    from mls_tui.domain.events import Event
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.screens.port import ActionsPort
    from mls_tui.ui.worker import ImportEvents, ImportProgress

__all__ = ["Hooks", "MlsTuiApp"]

GO = Binding.Group("Go to")
APPLICATION = Binding.Group("Application")


FIRST_FRAME_SECONDS = 0.1
"""What the first frame takes once everything is mounted; Textual tells of no frame that is painted."""


class MlsTuiApp(App[None]):
    """``tally`` is the present or last import as it stands; watch it. ``import_events`` publishes its batches.

    ``start_import`` is a connection's id: it is imported as soon as the store is open, with the progress in sight.
    """

    TITLE = "mls_tui"
    CSS_PATH = styles_path()
    MODES: ClassVar[dict[str, str | Callable[[], Screen[object]]]] = modes.MODES  # type: ignore[assignment]
    DEFAULT_MODE = "connections"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-medium"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "go('connections')", "Connections", id="go.connections", tooltip="Your MLSs", group=GO),
        Binding("2", "go('listings')", "Listings", id="go.listings", tooltip="The homes you have", group=GO),
        Binding("3", "go('progress')", "Progress", id="go.progress", tooltip="The import at work", group=GO),
        Binding("4", "go('history')", "History", id="go.history", tooltip="Past imports", group=GO),
        Binding(
            "question_mark,f1", "help", "Help", id="app.help", tooltip="The keys of this screen", group=APPLICATION
        ),
        Binding("f2", "log", "Log", show=False, id="app.log", tooltip="The errors of all imports", group=APPLICATION),
        Binding("q", "quit", "Quit", id="app.quit", tooltip="Quit at once; an import goes on later", group=APPLICATION),
    ]

    tally: reactive[Tally | None] = reactive(None, repaint=False)

    def __init__(
        self,
        workspace: Workspace,
        actions: ActionsPort | None = None,
        *,
        hooks: Hooks | None = None,
        clock: Clock | None = None,
        start_import: str | None = None,
    ) -> None:
        super().__init__()
        self.workspace = workspace
        self._actions = actions
        self.hooks = hooks or Hooks()
        self.clock: Clock = clock or SystemClock()
        self.imports = Imports(self)
        self.schedules = Schedules(self)
        self._start_import = start_import
        self.import_events: Signal[tuple[Event, ...]] = Signal(self, "import-events")
        self._came_from: list[str] = []
        self._open = asyncio.Event()
        for theme in OUR_THEMES:
            self.register_theme(theme)
        wanted = getattr(workspace.settings, "theme", None)
        self.theme = wanted if wanted in self.available_themes else DEFAULT_THEME
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())

    @property
    def actions(self) -> ActionsPort:
        """Those lent, else ours."""
        if self._actions is None:
            self._actions = _our_actions()
        return self._actions

    @property
    def read_only(self) -> bool:
        return self.workspace.read_only

    @property
    def place(self) -> str:
        """Whose data is shown, and where it is kept."""
        stored = "DynamoDB + S3" if self.workspace.settings.storage == "aws" else "embedded store"
        try:
            user = self.workspace.user_id
        except AuthenticationError:
            user = "not signed in"
        return " · ".join([user, stored, *(["read-only"] if self.read_only else [])])

    def on_mount(self) -> None:
        self.set_keymap(dict(self.workspace.settings.keymap))
        self.theme_changed_signal.subscribe(self, lambda theme: self._remember_theme(theme.name))

    def on_ready(self) -> None:
        if self._actions is None:  # to import them beside the first frame would hold that up
            self.set_timer(FIRST_FRAME_SECONDS, self.open_workspace)
        else:
            self.open_workspace()

    def open_workspace(self) -> None:
        """Open the stores off the first frame; screens wait in ``opened``."""
        begin(self, self._open_workspace, "open")

    async def _open_workspace(self) -> None:
        if self._actions is None:  # with every model they know: a tenth of a second that no frame waits for
            self._actions = await asyncio.to_thread(_our_actions)
        await self.workspace.open()
        self._open.set()
        wanted, self._start_import = self._start_import, None
        if wanted is not None:
            await modes.start_import(self, wanted)

    async def opened(self) -> bool:
        """True once the stores are open; waits for it."""
        await self._open.wait()
        return True

    async def use_workspace(self, workspace: Workspace) -> None:
        """Go on in another workspace, as the demo does; every screen starts anew."""
        self.imports.quit()
        self.schedules.forget_all()
        old, self.workspace = self.workspace, workspace
        self._open.clear()
        self.open_workspace()
        await modes.start_anew(self)
        with contextlib.suppress(Exception):
            await old.close()

    def _remember_theme(self, name: str) -> None:
        if self.hooks.remember is not None:
            self.hooks.remember("theme", name)

    def on_import_progress(self, message: ImportProgress) -> None:
        before, self.tally = self.tally, message.tally
        if modes.phase(before) != modes.phase(self.tally) and len(self._screen_stacks.get(self.current_mode, ())):
            self.refresh_bindings()  # not at every snapshot: that would draw the key bar ten times a second
            if message.tally.result is not None:
                modes.tell_the_end(self, message.tally)

    def on_import_events(self, message: ImportEvents) -> None:
        self.import_events.publish(message.batch)

    def failed(self, error: BaseException, again: Callable[[], object]) -> None:
        """Show an error that no screen has taken, with what to do; ``again`` is called where the user wants it."""
        modes.show_error(self, error, again)

    def _fatal_error(self) -> None:
        """Textual's end after an error in the interface itself; its own would print a traceback with every value."""
        error = sys.exc_info()[1]
        modes.log_error(error)
        self.panic(Text(modes.last_words(error)))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """A toast, unless it is in sight already; its text may come from a feed and is never markup."""
        told, named = clean(message)[:600], clean(title)
        if not any((each.message, each.title) == (told, named) for each in self._notifications):
            super().notify(told, title=named, severity=severity, timeout=timeout, markup=False)

    def warn(self, text: str) -> None:
        """A warning that stops nothing, from any thread: in the log, and as a toast that stays for a while."""
        modes.log_warning(text)
        self.call_later(self.notify, text, title="Please note", severity="warning", timeout=30)

    def write_sequence(self, text: str) -> None:
        """Send the terminal a sequence of our own (never feed text that is not cleaned)."""
        if self._driver is not None and not self.is_headless and not self.is_web:
            self._driver.write(text)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """As Textual's, and a dimmed action says why."""
        handled = await super().run_action(action, default_namespace, namespaces)
        if not handled:
            modes.say_why_not(self, action, default_namespace)
        return handled

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from modes.commands(self, screen)
        yield from super().get_system_commands(screen)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """As Textual's, but NO_COLOR leaves no greys either: glyphs and text styles tell what colours told."""
        return [NoColor() if isinstance(each, Monochrome) else each for each in super().get_line_filters()]

    def go(self, mode: str) -> None:
        """Show one of the four main screens."""
        if mode != self.current_mode:
            self._came_from.append(self.current_mode)
            self.switch_mode(mode)

    def back(self) -> None:
        """Leave the screen on top, else return to the main screen shown before."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode != (target := self._came_from.pop() if self._came_from else self.DEFAULT_MODE):
            self.switch_mode(target)

    def action_go(self, mode: str) -> None:
        self.go(mode)

    def action_help(self) -> None:
        from mls_tui.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen.of(self.screen))

    def action_log(self) -> None:
        from mls_tui.ui.screens.log import LogScreen

        if not isinstance(self.screen, LogScreen):
            self.push_screen(LogScreen())

    async def action_quit(self) -> None:
        self.imports.quit()
        self.exit()

    async def on_unmount(self) -> None:
        self.imports.quit()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.workspace.close(), 0.4)


def _our_actions() -> ActionsPort:
    from mls_tui import actions

    return actions
