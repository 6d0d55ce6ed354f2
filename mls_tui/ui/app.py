"""The terminal application: its screens, what it does with their messages, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import Screen

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import AuthenticationError, CredentialsRefusedError, sentence
from mls_tui.ui import messages
from mls_tui.ui.base_app import BaseApp, Hooks
from mls_tui.ui.resources import styles_path
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import clean
from mls_tui.ui.themes import OUR_THEMES, first_theme, remember_theme
from mls_tui.ui.tuning import ParsedOnce

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mls_tui.actions.workspace import Workspace
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.actions_port import ActionsPort

__all__ = ["Hooks", "MlsTuiApp"]

GO = Binding.Group("Go to")
APPLICATION = Binding.Group("Application")
FIRST_FRAME_SECONDS = 0.1
"""What the first frame takes once everything is mounted; Textual reports no frame that is painted."""
LETTERS = frozenset({"go", "end", "help", "leave_demo"})
"""Actions of keys that are letters or digits: a form takes those as text."""
SIGNAL_PATIENCE_SECONDS = 1.5
"""After a signal the program ends by then, whatever its terminal does."""


def _connections() -> Screen[object]:
    from mls_tui.ui.screens.connections import ConnectionsScreen

    return cast("Screen[object]", ConnectionsScreen())


def _listings() -> Screen[object]:
    from mls_tui.ui.screens.listings import ListingsScreen

    return cast("Screen[object]", ListingsScreen())


def _progress() -> Screen[object]:
    from mls_tui.ui.screens.progress import ProgressScreen

    return cast("Screen[object]", ProgressScreen())


def _history() -> Screen[object]:
    from mls_tui.ui.screens.history import HistoryScreen

    return cast("Screen[object]", HistoryScreen())


MODES = {"connections": _connections, "listings": _listings, "progress": _progress, "history": _history}


class MlsTuiApp(BaseApp):
    """``start_import`` is a connection's id: it is imported as soon as the store is open, with its progress shown."""

    TITLE = "mls_tui"
    CSS_PATH = styles_path()
    MODES: ClassVar[dict[str, str | Callable[[], Screen[object]]]] = {**MODES}
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
        Binding("3", "go('progress')", "Progress", id="go.progress", tooltip="The import that runs", group=GO),
        Binding("4", "go('history')", "History", id="go.history", tooltip="Past imports", group=GO),
        Binding("f2", "log", "Log", id="app.log", tooltip="The errors of all imports", group=GO),
        Binding(
            "question_mark,f1", "help", "Help", id="app.help", tooltip="The keys of this screen", group=APPLICATION
        ),
        Binding("q", "end", "Quit", id="app.quit", tooltip="Quit at once; an import goes on later", group=APPLICATION),
        Binding(
            "ctrl+q",
            "quit",
            "Quit",
            show=False,
            priority=True,
            id="app.leave",
            tooltip="Quit from anywhere; a form with changes asks first",
            group=APPLICATION,
        ),
        Binding(
            "L", "leave_demo", "Leave demo", show=False, id="app.leave-demo", tooltip="Back to your own store",
            group=APPLICATION,
        ),
        Binding(
            "ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend",
            tooltip="Back to the shell; an import stops until fg", group=APPLICATION,
        ),
    ]  # fmt: skip

    def __init__(
        self,
        workspace: Workspace,
        actions: ActionsPort | None = None,
        *,
        hooks: Hooks | None = None,
        clock: Clock | None = None,
        demo: bool = False,
        start_import: str | None = None,
    ) -> None:
        super().__init__(workspace, actions, hooks=hooks, clock=clock, demo=demo)
        self._start_import = start_import
        self._came_from: list[str] = []
        for theme in OUR_THEMES:
            self.register_theme(theme)
        self.theme = first_theme(workspace.settings, self.available_themes, light=self.hooks.light)
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())

    # start and end -----------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.set_keymap(dict(self.workspace.settings.keymap))
        self.theme_changed_signal.subscribe(self, lambda theme: remember_theme(self.workspace.settings, theme.name))
        if not self.is_headless and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP) if hasattr(signal, "SIGHUP") else (signal.SIGTERM,):
                with contextlib.suppress(NotImplementedError):
                    asyncio.get_running_loop().add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: int) -> None:
        """Quit as with ``q``. If the terminal is gone, Textual may wait for it forever: a timer ends the process."""
        last = threading.Timer(SIGNAL_PATIENCE_SECONDS, os._exit, (128 + number,))
        last.daemon = True
        last.start()
        self._quit(128 + number)

    def on_ready(self) -> None:
        if self._actions is None:  # importing them would hold the first frame up by a tenth of a second
            self.set_timer(FIRST_FRAME_SECONDS, self.open_workspace)
        else:
            self.open_workspace()

    def open_workspace(self) -> None:
        """Open the stores after the first frame; screens wait in ``opened``."""
        start_task(self, self._open_workspace, "open")

    async def _open_workspace(self) -> None:
        await asyncio.to_thread(lambda: self.actions)
        await self.workspace.open()
        self._open.set()
        if keymap := self.workspace.settings.keymap:
            from mls_tui.ui.keys import key_problems

            for problem in await asyncio.to_thread(key_problems, keymap):
                self.notify(problem, severity="warning", timeout=20)
        wanted, self._start_import = self._start_import, None
        if wanted is not None:
            await self._import_only(wanted)

    async def use_workspace(self, workspace: Workspace, *, demo: bool) -> None:
        """Switch to another workspace. The current screen loads again, the others when they are next shown."""
        from mls_tui.ui.screens.base import MlsScreen

        self.imports.quit()
        self.schedules.forget_all()
        old, self.workspace = self.workspace, workspace
        self.demo, self.tally, self.queued = demo, None, ()
        self._open.clear()
        self.open_workspace()
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self._go("connections")
        for mode, screen in MODES.items():
            if mode != self.current_mode:
                await self.remove_mode(mode)
                self.add_mode(mode, screen)
        if isinstance(self.screen, MlsScreen):
            self.screen.reload()
        with contextlib.suppress(Exception):
            await old.close()
        await self.opened()

    async def action_end(self) -> None:
        await self.action_quit()

    def action_help_quit(self) -> None:
        """Called for ctrl+c, which quits most programs and copies in a field here: says which key quits."""
        self.notify("Press ctrl+q to quit.", title="Do you want to quit?")

    async def action_quit(self) -> None:
        ask = getattr(self.screen, "ask_to_leave", None)
        if ask is None:
            self._quit()
        else:
            ask(self._quit)

    def _quit(self, code: int = 0) -> None:
        words = self.imports.interrupted_words()
        self.imports.quit()
        self.schedules.forget_all()
        self.exit(return_code=code, message=Text(words) if words else None)

    async def on_unmount(self) -> None:
        self.imports.quit()
        self.schedules.forget_all()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.workspace.close(), 0.4)

    def _fatal_error(self) -> None:
        """Called by Textual after an error in the interface. Textual's own prints a traceback with all local values."""
        from mls_tui.ui.screens.errors import advice

        error = sys.exc_info()[1] or RuntimeError()
        _log_error(error)
        self.panic(Text(f"mls-tui: {clean(error)}\n{advice(error)}"))

    # imports -----------------------------------------------------------------------------------------------------

    @on(messages.ImportRequested)
    def _import(self, message: messages.ImportRequested) -> None:
        name, imports = message.connection.name, self.imports
        before = imports.queue[-1].name if imports.queue else imports.connection_name
        ran = imports.running
        job = self.add_import(message.connection, message.options)
        if job is None:
            self.notify(f"{name} is being imported, or waits for its turn, already. 3 shows it.", severity="warning")
        elif ran:
            self.notify(f"{name} is imported after {before}. o on the progress screen (3) changes the order.")
        if job is not None and message.show:
            self._leave_pushed()
            if not ran:
                self._go("progress")

    @on(messages.RetryRequested)
    def _retry(self, message: messages.RetryRequested) -> None:
        actions, workspace, run_id = self.actions, self.workspace, message.run_id
        job = self.imports.add(
            message.connection_id,
            message.connection_name,
            lambda control: actions.retry_events(run_id, workspace, control),
        )
        if job is None:
            self.notify(f"{message.connection_name} is being imported, or waits for its turn.", severity="warning")
        else:
            self._leave_pushed()
            self._go("progress")

    @on(messages.FollowRequested)
    def _follow(self, message: messages.FollowRequested) -> None:
        run_id, actions, workspace = message.run.run_id, self.actions, self.workspace

        async def steer(word: str) -> bool | None:
            answer = await actions.steer_run(run_id, word, workspace)
            if answer.error is not None:
                self.notify(answer.error, title="Distributed import", severity="error")
            return answer.data.paused if answer.data is not None else None

        if self.imports.follow(message.run, actions.follow_run(run_id, workspace), steer):
            self._leave_pushed()
            self._go("progress")

    def _leave_pushed(self) -> None:
        """Leave the screen from which an import was requested, if it lies over a main screen."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    async def _import_only(self, connection_id: str | None = None) -> None:
        """Import a connection, or the only one, and show the progress."""
        answer = await self.actions.get_connections(self.workspace)
        found = [view.connection for view in answer.data or []]
        if connection_id is not None:
            found = [each for each in found if each.connection_id == connection_id]
        if len(found) == 1:
            self.post_message(messages.ImportRequested(found[0]))

    @on(messages.ImportProgress)
    def _progressed(self, message: messages.ImportProgress) -> None:
        before, self.tally = self.tally, message.tally
        if _phase(before) != _phase(self.tally):  # only then: refreshing the key bar four times a second is slow
            self._refresh_keys()
            if message.tally.result is not None:
                self._report_end(message.tally)

    @on(messages.ImportEvents)
    def _happened(self, message: messages.ImportEvents) -> None:
        self.import_events.publish(message.batch)

    @on(messages.ImportStateChanged)
    def _import_state_changed(self) -> None:
        self.queued = tuple(job.name for job in self.imports.queue)
        self._refresh_keys()

    def _refresh_keys(self) -> None:
        if len(self._screen_stacks.get(self.current_mode, ())):
            self.refresh_bindings()

    def _report_end(self, tally: Tally) -> None:
        """A toast unless the progress screen is shown; a bell and a desktop notification if they were asked for."""
        if (result := tally.result) is None:
            return
        text, title = result.error or result.message, f"Import of {tally.connection}"
        if self.imports.tell_when_done:
            from mls_tui.ui.desktop_notifications import show_notification

            self.bell()
            show_notification(title, text, self.write_sequence)
        if self.current_mode != "progress":
            failed = result.error is not None or result.counts.failed > 0
            self.notify(text, title=title, severity="warning" if failed else "information")

    # the demo ----------------------------------------------------------------------------------------------------

    @on(messages.DemoRequested)
    def _demo_requested(self) -> None:
        if self.hooks.start_demo is not None and not self.demo:
            start_task(self, self._open_demo, "demo")

    async def _open_demo(self) -> None:
        if (start := self.hooks.start_demo) is not None:
            self.notify("Opening the demo MLS…")
            await self.use_workspace(await start(), demo=True)
            await self._import_only()

    @on(messages.DemoLeft)
    def _demo_left(self, message: messages.DemoLeft) -> None:
        if self.demo and self.hooks.own_workspace is None:
            self.notify("Quit with q, then start mls-tui without “demo”.", severity="warning")
        elif self.demo:
            start_task(self, partial(self._leave_demo, message.add), "demo")

    async def _leave_demo(self, add: bool) -> None:
        if (own := self.hooks.own_workspace) is not None:
            await self.use_workspace(own(), demo=False)
            self.notify("This is your own store.")
            if add:
                from mls_tui.ui.screens.connection_form import ConnectionFormScreen

                self.push_screen(ConnectionFormScreen())

    def action_leave_demo(self) -> None:
        self.post_message(messages.DemoLeft())

    # errors and notices ------------------------------------------------------------------------------------------

    @on(messages.WorkFailed)
    def _work_failed(self, message: messages.WorkFailed) -> None:
        self.failed(message.error, message.again)

    def failed(self, error: BaseException, again: Callable[[], object]) -> None:
        """Show the sign-in screen if nobody is signed in, else the error screen. ``again`` retries."""
        from mls_tui.ui.screens.errors import ErrorScreen, advice
        from mls_tui.ui.screens.sign_in import SignInScreen

        def then(wanted: bool | None) -> None:
            if wanted:
                again()

        _log_error(error)
        if not self.is_running:
            return
        if isinstance(self.screen, (ErrorScreen, SignInScreen)):
            self.notify(sentence(error), title="Another error", severity="error")
        elif isinstance(error, AuthenticationError) and not isinstance(error, CredentialsRefusedError):
            self.push_screen(SignInScreen(str(error)), then)
        else:
            self.push_screen(ErrorScreen(error, advice(error)), then)

    @on(messages.Notice)
    def _notice(self, message: messages.Notice) -> None:
        timeout = 30 if message.severity == "error" else None
        self.notify(message.text, title=message.title, severity=message.severity, timeout=timeout)

    def warn(self, text: str) -> None:
        """Log a warning and show it as a toast for 12 seconds. May be called from any thread."""
        logging.getLogger("mls_tui").warning("%s", text)
        self.call_later(self.notify, text, title="Please note", severity="warning", timeout=12)

    # screens and keys --------------------------------------------------------------------------------------------

    @on(messages.GoTo)
    def _go_to(self, message: messages.GoTo) -> None:
        self._go(message.mode)

    @on(messages.ListingsRequested)
    def _show_listings(self, message: messages.ListingsRequested) -> None:
        from mls_tui.ui.screens.listings import ListingsScreen

        self._go("listings")
        if isinstance(self.screen, ListingsScreen):
            self.screen.show_from(message.connection_name)

    def action_go(self, mode: str) -> None:
        self._go(mode)

    def _go(self, mode: str) -> None:
        if mode != self.current_mode:
            self._came_from.append(self.current_mode)
            self.switch_mode(mode)

    @on(messages.GoBack)
    def _back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif self.current_mode != (target := self._came_from.pop() if self._came_from else self.DEFAULT_MODE):
            self.switch_mode(target)

    def action_help(self) -> None:
        from mls_tui.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen.of(self.screen))

    def action_log(self) -> None:
        from mls_tui.ui.screens.log import LogScreen

        if not isinstance(self.screen, LogScreen):
            self.push_screen(LogScreen())

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action; a toast says why if it is disabled."""
        from mls_tui.ui.screens.help import why_not

        handled = await super().run_action(action, default_namespace, namespaces)
        if not handled and (reason := why_not(action, default_namespace)):
            self.notify(reason, severity="warning")
        return handled

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in LETTERS and getattr(self.screen, "KEEPS_LETTERS", False):
            return False
        return self.demo if action == "leave_demo" else super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from self.commands(screen)
        yield from super().get_system_commands(screen)

    def commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """Every action of the screen and of the application, for the command palette. A disabled one says why."""
        from mls_tui.ui.screens.help import why_not

        seen: set[str] = set()
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if not binding.id or not binding.description or binding.action in seen:  # Textual's own have no id
                continue
            seen.add(binding.action)
            why = "" if enabled else why_not(binding.action, node) or ""
            group = f"{binding.group.description}: " if binding.group else ""
            run = partial(self.call_later, self.run_action, binding.action, node)
            yield SystemCommand(f"{group}{binding.description}", why or tooltip or binding.description, run)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """NO_COLOR removes greys as well: glyphs and text styles carry the meaning of every colour."""
        return [NoColor() if isinstance(each, Monochrome) else each for each in super().get_line_filters()]


def _phase(tally: Tally | None) -> tuple[bool, bool, bool]:
    """Begun, paused, ended: a change of these enables or disables keys."""
    return (False, False, False) if tally is None else (tally.begun, tally.paused, tally.result is not None)


def _log_error(error: BaseException) -> None:
    """The whole error, for the log; without a log Python would write it to the terminal."""
    if logging.getLogger().handlers:
        logging.getLogger("mls_tui").error("the interface met an error", exc_info=error)
