"""Past imports, newest first, and the problems of one: what failed, what is missing, what is quarantined, and why."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable, Static

from mls_tui.domain.run import ImportRun, Problem, ProblemKind
from mls_tui.domain.wording import photo_name, plural
from mls_tui.ui.formats import duration, moment, outcome, zone_name
from mls_tui.ui.messages import FollowRequested, RetryRequested
from mls_tui.ui.screens.base import ListScreen
from mls_tui.ui.screens.dialogs import TextDialog
from mls_tui.ui.text import cell, clean, one_line
from mls_tui.ui.widgets.run_view import outcomes
from mls_tui.ui.widgets.tables import SmallTable

HISTORY = Binding.Group("History")
NO_RUN = "There is no past import yet. 1 shows your connections, i imports one."


class HistoryScreen(ListScreen):
    CRUMB = "History"
    RELOAD_ON_RESUME = True
    WRITES = frozenset({"retry"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="history.open", tooltip="Each failure of this import", group=HISTORY),
        Binding("R", "retry", "Retry failed", id="history.retry", tooltip="Import what failed again", group=HISTORY),
        Binding("r", "reload", "Reload", show=False, id="history.reload", tooltip="Read again", group=HISTORY),
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
        if runs:
            self.focus_table()

    def on_resize(self) -> None:
        if self._loaded:
            self._fill(self.query_one(SmallTable))

    def _fill(self, table: SmallTable) -> None:
        wide = self.size.width >= 100
        columns = [f"Started ({zone_name()})", "Connection", "Result", "New", "Changed", "Failed"]
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
        return why_no_retry(run, self.app.imports.running) if action == "retry" and run is not None else None

    @on(DataTable.RowHighlighted)
    def _another(self) -> None:
        self.refresh_bindings()

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        from mls_tui.ui.screens.history import RunDetailScreen

        if (run := self._chosen) is not None:
            self.app.push_screen(RunDetailScreen(run))

    def action_retry(self) -> None:
        if (run := self._chosen) is not None:
            self.post_message(RetryRequested(run.run_id, run.connection_id, run.connection_name))

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


RUN = Binding.Group("Past import")
NOTHING = "Nothing failed in this import."
NOT_ONE = "It stopped for the reason above; no single listing failed."
_KINDS = {
    ProblemKind.LISTING: ("✖ listing", "error"),
    ProblemKind.PHOTO: ("▣ photo", "warning"),
    ProblemKind.QUARANTINED: ("◫ quarantined", "accent"),
}


class RunDetailScreen(ListScreen):
    """Opened from the history."""

    WRITES = frozenset({"retry"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read in full", id="run.open", tooltip="The whole error, the raw record", group=RUN),
        Binding("w", "watch", "Follow", id="run.watch", tooltip="Follow it on the progress screen", group=RUN),
        Binding("R", "retry", "Retry failed", id="run.retry", tooltip="Import what failed again", group=RUN),
        Binding("y", "copy", "Copy", id="run.copy", tooltip="Copy the error", group=RUN),
    ]

    def __init__(self, run: ImportRun) -> None:
        super().__init__()
        self._run = run
        self._problems: list[Problem] = []

    def crumbs(self) -> tuple[str, ...]:
        return ("History", f"{self._run.connection_name}, {moment(self._run.started_at)}")

    def body(self) -> ComposeResult:
        yield Static(id="run-facts")
        yield Static(NOT_ONE if self._run.error else NOTHING, id="no-problems")
        yield SmallTable(id="problems")

    def on_resize(self) -> None:
        self.query_one("#run-facts", Static).update(self._head(self.size.width - 4))

    def _head(self, width: int) -> Content:
        run = self._run
        took = duration((run.finished_at - run.started_at) / 1000) if run.finished_at else run.unended
        if run.distributed and not run.ended:
            took += "  ·  w follows it"
        started = f"{moment(run.started_at)} {zone_name(run.started_at)}"
        lines = [
            Content.assemble(
                (one_line(run.connection_name, 60), "bold"),
                f"  {started}  ·  {took}",
            ),
            outcomes(run.counts, width),
        ]
        if run.error:
            lines.append(Content.assemble(("✖ ", "$text-error"), one_line(run.error, 300)))
        for warning, times in list(run.warnings.items())[:3]:
            lines.append(Content.assemble(("! ", "$text-warning"), one_line(warning, 120), f" ({times:,}×)"))
        return Content("\n").join(lines)

    async def load(self) -> None:
        result = await self.actions.get_run_problems(self._run.run_id, self.workspace)
        problems = self.answered(result, title="Past import")
        self._problems = problems or []
        self.query_one("#no-problems").display = not self._problems
        table = self.query_one(SmallTable)
        table.display = bool(self._problems)
        rows = {str(index): self._cells(problem) for index, problem in enumerate(self._problems)}
        table.show(("What", "MLS number", "Attempts", "Why"), rows, elastic="Why")
        table.border_title = plural(len(self._problems), "problem")
        if self._problems:
            self.focus_table()

    def _cells(self, problem: Problem) -> list[Text]:
        _, role = _KINDS[problem.kind]
        return [
            cell(_what(problem), 14, style=self.hue(role)),
            cell(problem.mls_number or problem.listing_key, 20, style="bold"),
            cell(f"{problem.attempts:,}", 8, justify="right"),
            cell(problem.error, 400),
        ]

    @property
    def _chosen(self) -> Problem | None:
        key = self.query_one(SmallTable).chosen
        return None if key is None else self._problems[int(key)]

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        if action == "retry":
            return why_no_retry(self._run, self.app.imports.running)
        if action == "watch":
            return why_no_watch(self._run, self.app.imports.running)
        if action in ("open", "copy") and self._chosen is None:
            return NOT_ONE if self._run.error else NOTHING
        return None

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        if (problem := self._chosen) is not None:
            name = one_line(problem.mls_number or problem.listing_key or "Record", 60)
            self.app.push_screen(TextDialog(name, clean(problem.error), known=_known(problem), raw=problem.raw or ""))

    def action_copy(self) -> None:
        if (problem := self._chosen) is not None:
            self.app.copy_to_clipboard(f"{problem.mls_number}: {clean(problem.error)}")
            self.notify("Copied.")

    def action_watch(self) -> None:
        self.post_message(FollowRequested(self._run))

    def action_retry(self) -> None:
        self.post_message(RetryRequested(self._run.run_id, self._run.connection_id, self._run.connection_name))


def why_no_watch(run: ImportRun, running: bool) -> str | None:
    """Why a run cannot be followed from here now."""
    if run.ended:
        return "This import has ended."
    if not run.distributed:
        return "This import runs in another process, which shows it; only imports by workers can be followed from here."
    return "An import is shown on the progress screen (3) already." if running else None


def _what(problem: Problem) -> str:
    """``✖ listing``, ``▣ photo 3``."""
    words, _ = _KINDS[problem.kind]
    return words if problem.photo_index is None else f"▣ {photo_name(problem.photo_index)}"


def _known(problem: Problem) -> str:
    """``✖ listing · 3 attempts · 2026-06-01 11:16 UTC``."""
    return f"{_what(problem)} · {plural(problem.attempts, 'attempt')} · {moment(problem.at)} {zone_name(problem.at)}"
