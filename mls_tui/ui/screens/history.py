"""Past imports, newest first: what each brought, how long it took, how it ended. It shows; ``actions`` remembers."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable, Static

from mls_tui.domain.run import ImportRun
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.widgets.numbers import duration, moment
from mls_tui.ui.widgets.outcome import outcome
from mls_tui.ui.widgets.plain import cell
from mls_tui.ui.widgets.small_table import SmallTable

HISTORY = Binding.Group("History")
NO_RUN = "There is no past import yet. 1 shows your connections, i imports one."


class HistoryScreen(MlsScreen[None]):
    CRUMB = "History"
    RELOAD_ON_RESUME = True
    WRITES = frozenset({"retry"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="history.open", tooltip="Each failure of this import", group=HISTORY),
        Binding("r", "retry", "Retry failed", id="history.retry", tooltip="Import what failed again", group=HISTORY),
        Binding("R", "reload", "Refresh", show=False, id="history.reload", tooltip="Read again", group=HISTORY),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, ImportRun] = {}

    def body(self) -> ComposeResult:
        yield Static(_no_history(), id="no-history")
        yield SmallTable(id="history")

    def on_mount(self) -> None:
        self.query_one("#no-history").display = False

    async def load(self) -> None:
        runs = self.answered(await self.actions.get_import_history(self.workspace), title="History")
        if runs is None:
            return
        self._runs = {run.run_id: run for run in runs}
        self.query_one("#no-history").display = not runs
        table = self.query_one(SmallTable)
        table.display = bool(runs)
        self._fill(table)
        if runs and self.is_current:
            table.focus()

    def on_resize(self) -> None:
        if self._loaded:
            self._fill(self.query_one(SmallTable))

    def _fill(self, table: SmallTable) -> None:
        wide = self.size.width >= 100
        columns = ["Started (UTC)", "Connection", "Result", "New", "Changed", "Failed"]
        columns += ["Same", "Gone", "Photos", "Time", "Scope"] if wide else []
        table.show(columns, {key: self._cells(run, wide) for key, run in self._runs.items()}, elastic="Result")

    def _cells(self, run: ImportRun, wide: bool) -> list[Text]:
        counts = run.counts
        failed = Text(f"{counts.failed:,}", style=self.hue("error") if counts.failed else "", justify="right")
        cells = [
            cell(moment(run.started_at), 16),
            cell(run.connection_name, 24, style="bold"),
            outcome(run, self.hue),
            _number(counts.created),
            _number(counts.updated),
            failed,
        ]
        if wide:
            took = duration((run.finished_at - run.started_at) / 1000) if run.finished_at else "–"
            scope = "everything" if run.full else "changes"
            cells += [_number(counts.unchanged), _number(counts.removed), _number(counts.photos_stored)]
            cells += [cell(took, 12, justify="right"), cell(", ".join((scope, *run.statuses)), 40)]
        return cells

    @property
    def _chosen(self) -> ImportRun | None:
        key = self.query_one(SmallTable).chosen
        return None if key is None else self._runs.get(key)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        run = self._chosen
        if action in ("open", "retry") and run is None:
            return NO_RUN
        return why_no_retry(run, self.shell.imports.running) if action == "retry" and run is not None else None

    @on(DataTable.RowHighlighted)
    def _another(self) -> None:
        self.refresh_bindings()

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        from mls_tui.ui.screens.run_detail import RunDetailScreen

        if (run := self._chosen) is not None:
            self.app.push_screen(RunDetailScreen(run))

    def action_retry(self) -> None:
        if (run := self._chosen) is not None:
            self.shell.imports.retry_run(run)
            self.shell.go("progress")

    def action_reload(self) -> None:
        self.reload()


def why_no_retry(run: ImportRun, running: bool) -> str | None:
    """Why what failed in a run cannot be imported again now."""
    if running:
        return "An import is running. Wait for its end, or cancel it on the progress screen (3)."
    if not (run.counts.failed or run.counts.photos_failed or run.problems):
        return "Nothing failed in this import."
    return None


def _number(value: int) -> Text:
    return Text(f"{value:,}" if value else "·", justify="right")


def _no_history() -> Content:
    return Content.assemble(
        ("No import has run yet.\n\n", "bold $primary"),
        ("1", "bold $accent"),
        " shows your connections: choose one, and ",
        ("i", "bold $accent"),
        " imports it.",
    )
