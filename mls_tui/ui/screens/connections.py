"""The first screen: the connections with their state, and the keys to import, test, edit and remove them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Vertical
from textual.content import Content
from textual.widgets import Button, DataTable, Static

from mls_tui.domain.wording import plural
from mls_tui.ui.formats import ago, every, outcome, until
from mls_tui.ui.messages import DemoLeft, DemoRequested, ImportRequested, ListingsRequested
from mls_tui.ui.screens.base import ListScreen
from mls_tui.ui.screens.dialogs import ConfirmDialog
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import cell
from mls_tui.ui.widgets.tables import SmallTable

if TYPE_CHECKING:
    from mls_tui.actions import ConnectionView
    from mls_tui.actions.service import BackgroundService
    from mls_tui.domain.run import ImportRun

CONNECTION = Binding.Group("Connection")
NONE_CHOSEN = "There is no connection yet. Add one with a, or see the demo with o."


_STATES = {
    "connected": ("●", "success"),
    "importing": ("▶", "primary"),
    "import failed": ("✖", "error"),
    "expires soon": ("◐", "warning"),
    "expired": ("✖", "error"),
    "never imported": ("○", "foreground"),
}


class ConnectionsScreen(ListScreen):
    """The first screen. On a fresh machine it offers the demo."""

    CRUMB = "Connections"
    RELOAD_ON_RESUME = True
    WRITES = frozenset({"import", "import_all", "background", "add", "edit", "remove", "demo"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "i",
            "import",
            "Import",
            id="connection.import",
            tooltip="Import it now, or after the one that runs",
            group=CONNECTION,
        ),
        Binding(
            "I",
            "import_all",
            "Import all",
            id="connection.import-all",
            tooltip="Import all, one after the other",
            group=CONNECTION,
        ),
        Binding(
            "p", "preview", "Preview", id="connection.preview", tooltip="See what an import would do", group=CONNECTION
        ),
        Binding("a", "add", "Add", id="connection.add", tooltip="Add a connection", group=CONNECTION),
        Binding(
            "enter",
            "listings",
            "Listings",
            id="connection.listings",
            tooltip="Show its listings",
            group=CONNECTION,
        ),
        Binding("e", "edit", "Edit", id="connection.edit", tooltip="Edit it", group=CONNECTION),
        Binding("t", "test", "Test", id="connection.test", tooltip="Sign in and see what is there", group=CONNECTION),
        Binding(
            "x",
            "remove",
            "Remove",
            id="connection.remove",
            tooltip="Remove the connection; its listings stay",
            group=CONNECTION,
        ),
        Binding(
            "o",
            "demo",
            "Demo",
            id="connection.demo",
            tooltip="Open the demo MLS, apart from your own data",
            group=CONNECTION,
        ),
        Binding(
            "b",
            "background",
            "Background",
            id="connection.background",
            tooltip="Import with no interface open, by a service of this machine",
            group=CONNECTION,
        ),
        Binding("r", "reload", "Refresh", show=False, id="connection.reload", tooltip="Read again", group=CONNECTION),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._views: dict[str, ConnectionView] = {}
        self._service: BackgroundService | None = None
        self._was_importing: bool | None = None

    def body(self) -> ComposeResult:
        yield Static("Opening the store…", id="opening")
        table = SmallTable(id="connections")
        table.display = False
        yield table
        with Center(id="welcome"), Vertical(id="welcome-box"):
            yield Static(_welcome(), id="welcome-text")
            yield Button("See the demo  (o)", id="demo", variant="primary", compact=True)
            yield Button("Add a connection  (a)", id="add", compact=True)

    def on_mount(self) -> None:
        self.query_one("#welcome").display = False
        self.watch(self.app, "tally", self._import_moved)

    def _import_moved(self) -> None:
        """Reload when an import begins or ends, as states and counts have changed."""
        running = self.app.imports.running
        if self._was_importing is not None and running != self._was_importing and self.is_current:
            self.reload()
        self._was_importing = running

    async def load(self) -> None:
        views = self.answered(await self.actions.get_connections(self.workspace), title="Connections")
        if views is None:
            return
        self._views = {view.connection.connection_id: view for view in views}
        self._service = (await self.actions.service_status()).data
        self.app.schedules.follow([] if self.app.read_only else views)
        self.query_one("#opening").display = False
        self.query_one("#welcome").display = not views
        table = self.query_one(SmallTable)
        table.display = bool(views)
        self._fill(table)
        if self.is_current:
            if views:
                self.focus_table()
            else:
                self.query_one("#demo" if self._can_demo else "#add").focus()
        self.query_one("#demo").display = self._can_demo

    @property
    def _can_demo(self) -> bool:
        return self.app.hooks.start_demo is not None or self.app.demo

    def _fill(self, table: SmallTable) -> None:
        wide = self.size.width >= 100
        columns = ["Name", "Provider", "State", "Listings", "Last import", *(["Result", "Next"] if wide else [])]
        table.show(columns, {key: self._cells(view, wide) for key, view in self._views.items()}, elastic="Result")

    def on_resize(self) -> None:
        if self._loaded:
            self._fill(self.query_one(SmallTable))

    def _cells(self, view: ConnectionView, wide: bool) -> list[Text]:
        now = self.app.clock.now()
        run = view.last_run
        cells = [
            cell(view.connection.name, 32, style="bold"),
            cell(view.connection.provider, 12),
            self._state(view),
            cell("–" if view.listings is None else f"{view.listings:,}", 10, justify="right"),
            cell(ago(run.finished_at or run.started_at, now) if run else "never", 14),
        ]
        if wide:
            cells += [self._result(run), self._next(view)]
        return cells

    def _result(self, run: ImportRun | None) -> Text:
        """How the last import ended, and how to go on after one that was interrupted."""
        result = outcome(run, self.hue)
        return result.append(": i continues") if run is not None and run.state == "interrupted" else result

    def _next(self, view: ConnectionView) -> Text:
        """When the next import starts, or why none does."""
        words = every(view.connection.schedule_minutes, view.connection.schedule_at)
        if not view.connection.schedule_minutes:
            serviced = self._service is not None and self._service.installed and not self.app.demo
            return cell(f"every {self._service.every}, by the service" if serviced and self._service else words, 34)
        watch = self.app.schedules.of(view.connection.connection_id)
        if watch is None:
            return cell(f"{words}, not in a read-only session", 44)
        if watch.stopped:
            return Text.assemble(("✖ ", self.hue("error")), cell("stopped: press e", 34))
        if watch.next_at is None:
            return cell(f"now, {words}", 34)
        due = until(watch.next_at, self.app.clock.now())
        return cell(f"{due}, {words}" + (" (backing off)" if watch.why else ""), 44)

    def _state(self, view: ConnectionView) -> Text:
        from mls_tui.domain.run import RunState

        imports = self.app.imports
        importing = imports.running and imports.connection_id == view.connection.connection_id
        state = "importing" if importing else view.state
        if state == "connected" and view.last_run is not None and view.last_run.state is RunState.FAILED:
            state = "import failed"
        sign, role = _STATES.get(state, ("·", "foreground"))
        words = state
        expires = view.connection.token_expires_at
        if state in ("connected", "expires soon") and expires is not None:
            words = f"token expires {until(expires, self.app.clock.now())}"
        elif state == "expired":
            words = "expired: press e"
        return Text.assemble((f"{sign} ", self.hue(role)), cell(words, 26))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        if action == "demo" and not self._can_demo:
            return "Start it with: mls-tui demo"
        if action in ("listings", "import", "preview", "edit", "test", "remove") and self._chosen is None:
            return NONE_CHOSEN
        if action == "background" and self.app.demo:
            return "The demo is imported only while it is open."
        if action == "import_all" and not self._views:
            return NONE_CHOSEN
        if action == "import" and self._chosen and self.app.imports.job_of(self._chosen.connection.connection_id):
            return f"{self._chosen.connection.name} is being imported, or waits for its turn. 3 shows it."
        return None

    @property
    def _chosen(self) -> ConnectionView | None:
        key = self.query_one(SmallTable).chosen
        return None if key is None else self._views.get(key)

    @on(DataTable.RowSelected)
    def action_listings(self) -> None:
        if (view := self._chosen) is not None:
            self.post_message(ListingsRequested(view.connection.name))

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        self.post_message(DemoLeft() if self.app.demo else DemoRequested())

    def action_import(self) -> None:
        if (view := self._chosen) is not None:
            self.post_message(ImportRequested(view.connection))

    def action_import_all(self) -> None:
        for view in self._views.values():
            if self.app.imports.job_of(view.connection.connection_id) is None:
                self.post_message(ImportRequested(view.connection))

    def action_background(self) -> None:
        """Install the background service, or remove it, after a question."""
        service = self._service
        if service is None:
            return
        if service.installed:
            question = ConfirmDialog(
                "Remove the background service?",
                (f"It imports every connection every {service.every}.", "Connections and listings stay."),
                action="Remove",
            )
        elif service.kind:
            question = ConfirmDialog(
                "Import in the background?",
                ("Every connection is imported every 15 minutes, also while this program is closed.",
                 f"{service.kind} of this machine starts it. b removes it again."),
                action="Install",
                danger=False,
            )  # fmt: skip
        else:
            self.notify("This machine has neither systemd nor launchd: mls-tui service install prints a line for cron.")
            return
        self.app.push_screen(question, self._background_answered)

    def _background_answered(self, yes: bool | None) -> None:
        if yes:
            start_task(self, self._change_service, "service")

    async def _change_service(self) -> None:
        installed = self._service is not None and self._service.installed
        ask = self.actions.remove_service() if installed else self.actions.install_service(self.workspace.settings)
        result = await ask
        if self.answered(result, title="Background service") is not None:
            self.notify(result.message or "Done.")
        await self.load()

    def action_preview(self) -> None:
        from mls_tui.ui.screens.preview import PreviewScreen

        if (view := self._chosen) is not None:
            self.app.push_screen(PreviewScreen(view.connection, first=view.last_run is None))

    @on(Button.Pressed, "#add")
    def action_add(self) -> None:
        if not self.app.demo:
            self._form(None)
            return
        question = ConfirmDialog(
            "Add a connection to your own store?",
            (
                "This is the demo; the next demo deletes all that is in it.",
                "Your own store opens, and the form with it.",
            ),
            action="Leave the demo and add",
            danger=False,
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.post_message(DemoLeft(add=True))

        self.app.push_screen(question, answered)

    def action_edit(self) -> None:
        if (view := self._chosen) is not None:
            self._form(view)

    def action_test(self) -> None:
        if (view := self._chosen) is not None:
            self._form(view, test=True)

    def _form(self, view: ConnectionView | None, *, test: bool = False) -> None:
        from mls_tui.ui.screens.connection_form import ConnectionFormScreen

        self.app.push_screen(ConnectionFormScreen(view.connection if view else None, test=test))

    def action_remove(self) -> None:
        if (view := self._chosen) is None:
            return
        kept = "Its listings stay where they are."
        if view.listings:
            kept = f"Its {plural(view.listings, 'listing')} stay where they are."
        question = ConfirmDialog(
            f"Remove the connection {view.connection.name}?",
            ("Its token is revoked if the provider can do that.", "Its stored token and passwords are deleted.", kept),
            action="Remove",
        )
        self.app.push_screen(question, lambda yes: self._remove(view) if yes else None)

    def _remove(self, view: ConnectionView) -> None:
        start_task(self, partial(self._disconnect, view), "remove", exclusive=False)

    async def _disconnect(self, view: ConnectionView) -> None:
        result = await self.actions.disconnect_mls(view.connection.connection_id, self.workspace)
        if self.answered(result, title="Remove") is not None:
            self.notify(f"Removed {view.connection.name}.")
        await self.load()

    def action_reload(self) -> None:
        self.reload()


def _welcome() -> Content:
    return Content.assemble(
        ("Welcome to mls_tui\n\n", "bold $primary"),
        "It brings an MLS's listings and their photos to your own store, and keeps them current.\n\n",
        ("The demo", "bold"),
        " is an MLS on this machine, with homes, photos and faults. It needs nothing and changes nothing of yours.\n",
        ("A connection", "bold"),
        " needs an address and the credentials your MLS gave you.\n",
    )
