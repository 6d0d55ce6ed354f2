"""The import at work: numbers, listings in flight, budget, log; and its summary at the end. The import goes on whether
this screen is shown or not."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mls_tui.domain.events import Event
from mls_tui.domain.wording import plural
from mls_tui.importer.tally import Tally
from mls_tui.ui.base_app import BaseApp
from mls_tui.ui.formats import clock_time, duration, size
from mls_tui.ui.import_session import ImportJob
from mls_tui.ui.messages import GoTo, RetryRequested
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.screens.dialogs import ConfirmDialog, TextDialog
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import cell, one_line
from mls_tui.ui.widgets.log_view import LogView
from mls_tui.ui.widgets.run_view import Flights, Gauge, RunHead
from mls_tui.ui.widgets.tables import SmallTable

IMPORT = Binding.Group("Import")
BUDGET_SECONDS = 2.0
NO_IMPORT = "No import is running. 1 shows your connections, i imports one."


class ProgressScreen(MlsScreen[None]):
    """Reads the app's tally and log; comes back as it was left."""

    CRUMB = "Progress"
    SHOW_STRIP = False
    WRITES = frozenset({"retry", "pause", "cancel"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause/resume", id="import.pause", tooltip="Pause or resume", group=IMPORT),
        Binding("x", "cancel", "Cancel", id="import.cancel", tooltip="Stop; what is stored stays", group=IMPORT),
        Binding("o", "queue", "Queue", id="import.queue", tooltip="Change what is imported next", group=IMPORT),
        Binding("Q", "leave", "Leave", show=False, id="import.leave", tooltip="Follow it no further", group=IMPORT),
        Binding("slash", "errors", "Errors only", id="import.errors", tooltip="Filter the log to errors", group=IMPORT),
        Binding("R", "retry", "Retry failed", id="import.retry", tooltip="Import what failed again", group=IMPORT),
        Binding("n", "tell", "Notify", id="import.notify", tooltip="Bell and notification at the end", group=IMPORT),
    ]

    def body(self) -> ComposeResult:
        yield Static(id="no-import")
        with Vertical(id="run"):
            yield RunHead(id="run-head")
            yield Static(id="banner")
            yield Static(id="next")
            yield Gauge(id="gauge")
            with Vertical(id="panes"):
                with Vertical(id="flights-pane"):
                    yield Flights(id="flights")
                    yield Static(id="summary")
                with Vertical(id="log-pane"):
                    yield LogView(id="log")

    def on_mount(self) -> None:
        self.query_one("#flights-pane").border_title = "In flight"
        self._title_log()
        self.query_one(LogView).add(self.app.imports.log)
        self.app.import_events.subscribe(self, self._happened)
        self.watch(self.app, "tally", self._moved)
        self.watch(self.app, "queued", self._queue_changed)
        self.set_interval(BUDGET_SECONDS, self._ask_budget)

    def on_screen_resume(self) -> None:
        self._moved(self.app.tally)
        self._ask_budget()
        self.query_one(LogView).follow_end()

    def _queue_changed(self, queued: tuple[str, ...]) -> None:
        line = self.query_one("#next", Static)
        line.display = bool(queued)
        names = ", ".join(one_line(name, 30) for name in queued)
        line.update(Content.assemble(("Next: ", "bold"), names, ("   o changes the order", "$foreground 60%")))

    def _happened(self, batch: tuple[Event, ...]) -> None:
        self.query_one(LogView).add(batch)

    def _moved(self, tally: Tally | None) -> None:
        begun = tally is not None and tally.begun
        nothing, imports = self.query_one("#no-import", Static), self.app.imports
        nothing.display = not begun
        if not begun:
            nothing.update(_soon(imports.connection_name) if imports.running else _nothing_yet())
        self.query_one("#run").display = begun
        if tally is None or not begun:
            self.query_one(LogView).clear()
        elif self.is_current:
            self._draw(tally)

    def _draw(self, tally: Tally) -> None:
        self.query_one(RunHead).tally = tally
        banner = self.query_one("#banner", Static)
        words = banner_words(tally, cancelling=self.app.imports.cancelling)
        if words is not None:
            banner.update(words, layout=not banner.display)
        banner.display = words is not None
        flights, summary = self.query_one(Flights), self.query_one("#summary", Static)
        pane = self.query_one("#flights-pane")
        pane.set_class(tally.result is not None, "-ended")
        here = not self.app.imports.watching
        self.query_one(LogView).tell_where(here=here)
        # The budget known here is that of this machine; the worker has its own.
        self.query_one(Gauge).display = tally.result is None and here
        flights.display, summary.display = tally.result is None, tally.result is not None
        name = "In flight" if tally.result is None else "Summary"
        if str(pane.border_title) != name:  # setting it repaints the pane
            pane.border_title = name
        if tally.result is None:
            flights.show(tally)
        else:
            summary.update(summary_words(tally))

    def _ask_budget(self) -> None:
        if self.is_current and self.app.imports.running and self.app.imports.connection_id:
            ask = partial(self._budget, self.app.imports.connection_id)
            start_task(self, ask, "budget")

    async def _budget(self, connection_id: str) -> None:
        result = await self.actions.get_budget(connection_id, self.workspace)
        if result.data is not None:
            self.query_one(Gauge).windows = tuple(result.data)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        tally, running = self.app.tally, self.app.imports.running
        if action in ("pause", "cancel") and not running:
            return NO_IMPORT
        if action == "queue" and not self.app.imports.queue:
            return "No import waits. i on a second connection (1) puts it in the queue."
        if action == "leave" and not self.app.imports.watching:
            return "This import runs in this program. It continues while you look at other screens."
        if action == "retry":
            if running:
                return "Wait for the end of this import, then try again what failed."
            if tally is None or tally.result is None:
                return NO_IMPORT
            if not tally.result.counts.failed and not tally.result.counts.photos_failed:
                return "Nothing failed in this import."
        return None

    def action_pause(self) -> None:
        imports = self.app.imports
        if imports.paused:
            imports.resume()
        else:
            imports.pause()

    def action_cancel(self) -> None:
        tally = self.app.tally
        stored = tally.counts.successful if tally else 0
        question = ConfirmDialog(
            f"Cancel the import of {self.app.imports.connection_name}?",
            (
                f"What is imported stays in the store: {plural(stored, 'listing')} so far.",
                "Listings in flight are dropped; nothing stays half-written.",
                *(["The worker that does it stops."] if self.app.imports.watching else []),
                "The next import of this connection goes on from there.",
                *([f"{self.app.queued[0]} is imported then."] if self.app.queued else []),
            ),
            action="Cancel the import",
            cancel="Go on importing",
        )
        self.app.push_screen(question, lambda yes: self.app.imports.cancel() if yes else None)

    def action_queue(self) -> None:
        self.app.push_screen(QueueDialog())

    def action_leave(self) -> None:
        self.app.imports.leave()
        self.post_message(GoTo("history"))

    @on(LogView.Opened)
    def _line_opened(self, event: LogView.Opened) -> None:
        self.app.push_screen(TextDialog(event.line.time, event.line.text))

    def action_errors(self) -> None:
        self.query_one(LogView).toggle_errors()
        self._title_log()

    def _title_log(self) -> None:
        only = self.query_one(LogView).only_errors
        self.query_one("#log-pane").border_title = "Log: errors only (/ shows all)" if only else "Log"

    def action_retry(self) -> None:
        tally, imports = self.app.tally, self.app.imports
        if tally is not None and imports.connection_id is not None:
            self.post_message(RetryRequested(tally.run, imports.connection_id, imports.connection_name))

    def action_tell(self) -> None:
        imports = self.app.imports
        imports.tell_when_done = not imports.tell_when_done
        told = "A bell and a desktop notification" if imports.tell_when_done else "No notification"
        self.notify(f"{told} when an import ends.")


class QueueDialog(ModalScreen[None]):
    """The imports that wait, in their order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("K,shift+up", "move(-1)", "Earlier", id="queue.up", tooltip="Import it earlier", group=IMPORT),
        Binding("J,shift+down", "move(1)", "Later", id="queue.down", tooltip="Import it later", group=IMPORT),
        Binding("x,delete", "drop", "Remove", id="queue.drop", tooltip="Do not import it now", group=IMPORT),
        Binding("escape,q,o", "close", "Close", id="queue.close", tooltip="Back to the progress", group=IMPORT),
    ]

    app = getters.app(BaseApp)
    table = getters.query_one(SmallTable)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static("What is imported next", id="question", classes="head")
            yield SmallTable(id="queue")
            yield Static("K earlier   J later   x removes   esc closes", classes="consequence foot")

    def on_mount(self) -> None:
        self.watch(self.app, "queued", self._show)

    def _show(self) -> None:
        jobs = self.app.imports.queue
        rows = {job.connection_id: [cell(f"{place + 1}", 4), cell(job.name, 48)] for place, job in enumerate(jobs)}
        self.table.show(["", "Connection"], rows, elastic="Connection")

    @property
    def _job(self) -> ImportJob | None:
        return next((job for job in self.app.imports.queue if job.connection_id == self.table.chosen), None)

    def action_move(self, step: int) -> None:
        if (job := self._job) is not None:
            self.app.imports.move(job, step)

    def action_drop(self) -> None:
        if (job := self._job) is not None:
            self.app.imports.drop(job)

    def action_close(self) -> None:
        self.dismiss(None)


def banner_words(tally: Tally, *, cancelling: bool) -> Content | None:
    """Why nothing moves; None if something does."""
    if tally.result is not None:
        return None
    if cancelling:
        return Content.assemble(("■ Stopping… ", "bold"), "the listings in flight are finished first.")
    if tally.throttled_until is not None and tally.now is not None:
        wait = (tally.throttled_until - tally.now).total_seconds()
        return Content.assemble(
            ("◷ The MLS asked us to wait ", "bold"),
            f"until {clock_time(tally.throttled_until)}, {duration(wait)} from now: ",
            one_line(tally.throttled_why, 160),
        )
    return None


def summary_words(tally: Tally) -> Content:
    """The outcome of a run, and the keys for what comes next."""
    result = tally.result
    if result is None:
        return Content("")
    counts = result.counts
    rows = [
        ("created", counts.created, ""),
        ("updated", counts.updated, ""),
        ("unchanged", counts.unchanged, ""),
        ("removed", counts.removed, "gone from the MLS" if counts.removed else ""),
        ("failed", counts.failed, f"{counts.quarantined:,} quarantined" if counts.quarantined else ""),
        ("photos", counts.photos_stored, f"{counts.photos_failed:,} missing" if counts.photos_failed else ""),
    ]
    parts: list[Content | str | tuple[str, str]] = []
    for word, number, note in rows:
        if word == "removed" and not number:
            continue
        look = "bold $text-error" if word == "failed" and number else "bold" if number else "$foreground 60%"
        parts += [(f"{number:>9,}", look), f"  {word}", (f"  {note}" if note else "", "$text-warning"), "\n"]
    parts.append((f"{size(counts.bytes):>9}  in {duration(tally.seconds)}\n", "$foreground 60%"))
    repeated = counts.attempts_failed_listing + counts.attempts_failed_photo + counts.attempts_failed_page
    if repeated:
        parts.append((f"{repeated:>9,}  {'attempt' if repeated == 1 else 'attempts'} repeated\n", "$foreground 60%"))
    for warning, times in list(result.warnings.items())[:3]:
        parts += [("\n  ! ", "$text-warning"), f"{one_line(warning, 100)} ({times:,}×)"]
    parts.append("\n")
    if counts.failed or counts.photos_failed:
        parts += [("R", "bold $accent"), " retries what failed   "]
    parts += [("2", "bold $accent"), " listings   ", ("4", "bold $accent"), " past imports"]
    return Content.assemble(*parts)


def _soon(connection: str) -> Content:
    return Content.assemble(
        (f"Beginning the import of {one_line(connection, 40)}…\n\n", "bold $primary"),
        "It signs in, and asks the MLS for its first page.",
    )


def _nothing_yet() -> Content:
    return Content.assemble(
        ("No import is running.\n\n", "bold $primary"),
        ("1", "bold $accent"),
        " shows your connections: choose one, and ",
        ("i", "bold $accent"),
        " imports it.\nIt goes on while you look at other screens; ",
        ("3", "bold $accent"),
        " comes back here.",
    )
