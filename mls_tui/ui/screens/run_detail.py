"""One past import: each listing that failed, each photo that could not be had, each record put aside, and why."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from mls_tui.domain.run import ImportRun, Problem, ProblemKind, RunState
from mls_tui.domain.words import photo_name, plural
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.screens.history import why_no_retry
from mls_tui.ui.widgets.numbers import duration, moment
from mls_tui.ui.widgets.plain import cell, clean, one_line, plain
from mls_tui.ui.widgets.run_head import outcomes
from mls_tui.ui.widgets.small_table import SmallTable

RUN = Binding.Group("Past import")
NOTHING = "Nothing failed in this import."
NOT_ONE = "It stopped for the reason above; no single listing failed."
_KINDS = {
    ProblemKind.LISTING: ("✖ listing", "error"),
    ProblemKind.PHOTO: ("▣ photo", "warning"),
    ProblemKind.QUARANTINED: ("◫ put aside", "accent"),
}


class RunDetailScreen(MlsScreen[None]):
    """Opened from the history."""

    WRITES = frozenset({"retry"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read in full", id="run.open", tooltip="The whole error, the raw record", group=RUN),
        Binding("w", "watch", "Follow", id="run.watch", tooltip="Follow it on the progress screen", group=RUN),
        Binding("r", "retry", "Retry failed", id="run.retry", tooltip="Import what failed again", group=RUN),
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
        if not run.finished_at and run.distributed and run.state is RunState.RUNNING:
            took += "  ·  w follows it"
        lines = [
            Content.assemble((one_line(run.connection_name, 60), "bold"), f"  {moment(run.started_at)} UTC  ·  {took}"),
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
        if self._problems and self.is_current:
            table.focus()

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
            return why_no_retry(self._run, self.shell.imports.running)
        if action == "watch":
            return why_no_watch(self._run, self.shell.imports.running)
        if action in ("open", "copy") and self._chosen is None:
            return NOT_ONE if self._run.error else NOTHING
        return None

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        if (problem := self._chosen) is not None:
            self.app.push_screen(ProblemScreen(problem))

    def action_copy(self) -> None:
        if (problem := self._chosen) is not None:
            self.app.copy_to_clipboard(f"{problem.mls_number}: {clean(problem.error)}")
            self.notify("Copied.")

    def action_watch(self) -> None:
        self.shell.imports.watch(self._run)
        self.shell.back()
        self.shell.go("progress")

    def action_retry(self) -> None:
        self.shell.imports.retry_run(self._run)
        self.shell.back()
        self.shell.go("progress")


def why_no_watch(run: ImportRun, running: bool) -> str | None:
    """Why a run cannot be followed from here now."""
    if run.state is not RunState.RUNNING:
        return "This import has ended."
    if not run.distributed:
        return "This import runs in another process, which shows it; only imports by workers can be followed from here."
    return "An import is shown on the progress screen (3) already." if running else None


class ProblemScreen(ModalScreen[None]):
    """One problem in full, with the raw record where it was put aside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", id="problem.close", tooltip="Close", group=RUN),
    ]

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem

    def compose(self) -> ComposeResult:
        problem = self._problem
        with Vertical(id="dialog", classes="-problem"):
            name = one_line(problem.mls_number or problem.listing_key or "Record", 60)
            yield Static(plain(name), id="question", classes="head")
            with VerticalScroll(classes="middle"):
                yield Static(plain(_known(problem)), classes="consequence", id="problem-known")
                yield Static(plain(problem.error))
                if problem.raw:
                    yield Static("The record as the MLS served it:", classes="consequence")
                    yield Static(plain(problem.raw), id="raw")
            yield Static("esc closes", classes="consequence foot")

    def action_close(self) -> None:
        self.dismiss(None)


def _what(problem: Problem) -> str:
    """``✖ listing``, ``▣ photo 3``."""
    words, _ = _KINDS[problem.kind]
    return words if problem.photo_index is None else f"▣ {photo_name(problem.photo_index)}"


def _known(problem: Problem) -> str:
    """``✖ listing · 3 attempts · 2026-06-01 11:16 UTC``."""
    return f"{_what(problem)} · {plural(problem.attempts, 'attempt')} · {moment(problem.at)} UTC"
