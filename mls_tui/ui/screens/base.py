"""What every screen shares: its frame, loading its data, a way back, and reasons for actions that are out of reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from mls_tui.domain.errors import AuthenticationError
from mls_tui.ui.base_app import BaseApp
from mls_tui.ui.messages import GoBack, WorkFailed
from mls_tui.ui.screens.dialogs import ConfirmDialog
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import plain
from mls_tui.ui.themes import rich_name
from mls_tui.ui.widgets.frame import Crumbs, DemoBanner, ImportStrip, KeyBar
from mls_tui.ui.widgets.inputs import PlainInput
from mls_tui.ui.widgets.tables import SmallTable

if TYPE_CHECKING:
    from mls_tui.actions import ActionResult
    from mls_tui.actions.workspace import Workspace
    from mls_tui.ui.actions_port import ActionsPort

T = TypeVar("T")
Answer = TypeVar("Answer")

MOVE = Binding.Group("Move")
SIGNED_OUT = "Authentication required"
"""What every action answers if nobody is signed in."""

READ_ONLY = "This session is read-only. Start again without --read-only to change things."


class MlsScreen(Screen[Answer]):
    """Subclasses give ``body`` (widgets), ``load`` (data) and, if they have one, ``crumbs`` and ``why_not``."""

    CRUMB: ClassVar[str] = ""
    SHOW_STRIP: ClassVar[bool] = True
    RELOAD_ON_RESUME: ClassVar[bool] = False
    WRITES: ClassVar[frozenset[str]] = frozenset()
    """Actions that change something and are out of reach in a read-only session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="go.back", tooltip="Back to where you came from", group=MOVE),
    ]

    app = getters.app(BaseApp)

    def __init__(self) -> None:
        super().__init__()
        self._loaded = False

    @property
    def actions(self) -> ActionsPort:
        return self.app.actions

    @property
    def workspace(self) -> Workspace:
        return self.app.workspace

    def compose(self) -> ComposeResult:
        yield Crumbs()
        yield DemoBanner()
        with Vertical(id="body"):
            yield from self.body()
        with Vertical(id="foot"):
            if self.SHOW_STRIP:
                yield ImportStrip()
            yield KeyBar()
        yield Static(
            plain("This terminal is too small.\nmls_tui needs at least 60 × 16 characters."), classes="too-small"
        )

    def body(self) -> ComposeResult:
        """The widgets between the breadcrumb and the key bar."""
        yield from ()

    def crumbs(self) -> tuple[str, ...]:
        """The path to this screen, without the program's name."""
        return (self.CRUMB,)

    async def load(self) -> None:
        """Fetch and show the data. Runs in a background task once the store is open, and again on ``reload``."""

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.reload())
        self.reload()

    def on_screen_resume(self) -> None:
        self.query_one(Crumbs).show(self.crumbs(), self.app.place)
        if self.RELOAD_ON_RESUME and self._loaded:
            self.reload()

    def reload(self) -> None:
        """Load again, ending a load that still runs."""
        start_task(self, self._load, "load")

    async def _load(self) -> None:
        if await self.app.opened():
            await self.load()
            self._loaded = True
            self.query_one(Crumbs).show(self.crumbs(), self.app.place)
            self.refresh_bindings()

    def answered(self, result: ActionResult[T], *, title: str = "") -> T | None:
        """The data of a result; a failure is shown as a toast and gives None."""
        if result.success:
            return result.data
        error = result.error or result.message or "It did not work."
        if error == SIGNED_OUT:
            self.app.post_message(WorkFailed(AuthenticationError(error), self.reload))
        else:
            self.notify(error, title=title, severity="error", timeout=12)
        return None

    def hue(self, role: str) -> str:
        """The theme's colour for ``success``, ``warning``, ``error``, ``primary``, ``accent`` … for Rich."""
        return rich_name(self.app.theme_variables, role)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Why an action is out of reach now, as a sentence; None if it is not. It is dimmed, and says why."""
        if action in self.WRITES and self.app.read_only:
            return READ_ONLY
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if self.is_mounted and self.why_not(action, parameters) else True

    def action_back(self) -> None:
        self.post_message(GoBack())


class ListScreen(MlsScreen[None]):
    """A screen with one small table, whose rows ``/`` filters by words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False, id="list.filter", tooltip="Only rows with these words",
                group=MOVE),
    ]  # fmt: skip

    table = getters.query_one(SmallTable)

    def focus_table(self) -> None:
        """Unless the user is typing a filter, or another screen lies over this one."""
        if self.is_current and not self.query("#list-filter:focus"):
            self.table.focus()

    def action_filter(self) -> None:
        if not self.query("#list-filter"):
            entry = PlainInput(placeholder="Only rows with these words; esc shows all", id="list-filter", compact=True)
            self.mount(entry, before=self.table)
        self.query_one("#list-filter", PlainInput).focus()

    @on(Input.Changed, "#list-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.table.filter_rows(event.value)

    @on(Input.Submitted, "#list-filter")
    def _filter_done(self) -> None:
        self.table.focus()

    def action_back(self) -> None:
        if found := self.query("#list-filter"):
            found.remove()
            self.table.filter_rows("")
            self.table.focus()
        else:
            super().action_back()


class FormScreen(MlsScreen[None]):
    """No single letter leaves a form, and what was typed is not dropped without a question."""

    KEEPS_LETTERS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, so that letters typed right after it go to the next field, however slow the screen is.
        Binding("tab", "app.focus_next", "Next", show=False, priority=True, id="form.tab", tooltip="Next field",
                group=MOVE),
        Binding("shift+tab", "app.focus_previous", "Previous", show=False, priority=True, id="form.back_tab",
                tooltip="Field before", group=MOVE),
    ]  # fmt: skip

    @property
    def changed(self) -> bool:
        """Something was typed that is not saved."""
        raise NotImplementedError

    def ask_to_leave(self, leave: Callable[[], object]) -> None:
        """Call ``leave``, after a question if something was typed."""
        if not self.changed:
            leave()
            return
        question = ConfirmDialog(
            "Leave without saving?",
            ("What you typed on this form is lost.",),
            action="Leave",
            cancel="Stay",
        )

        def answered(yes: bool | None) -> None:
            if yes:
                leave()

        self.app.push_screen(question, answered)

    def action_back(self) -> None:
        self.ask_to_leave(lambda: self.post_message(GoBack()))
