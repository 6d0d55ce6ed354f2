"""The import at work: numbers, listings in flight, budget, log; and its summary at the end. The import goes on whether
this screen is shown or not."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mls_tui.domain.events import Event
from mls_tui.domain.words import plural
from mls_tui.importer.tally import Tally
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.widgets.background import begin
from mls_tui.ui.widgets.confirm import ConfirmDialog
from mls_tui.ui.widgets.flights import Flights
from mls_tui.ui.widgets.gauge import Gauge
from mls_tui.ui.widgets.log_view import LogView
from mls_tui.ui.widgets.numbers import duration, size
from mls_tui.ui.widgets.plain import one_line
from mls_tui.ui.widgets.run_head import RunHead

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
        Binding("Q", "leave", "Leave", show=False, id="import.leave", tooltip="Follow it no further", group=IMPORT),
        Binding("f", "errors", "Errors only", id="import.errors", tooltip="Filter the log to errors", group=IMPORT),
        Binding("r", "retry", "Retry failed", id="import.retry", tooltip="Import what failed again", group=IMPORT),
        Binding("n", "tell", "Notify", id="import.notify", tooltip="Bell and notification at the end", group=IMPORT),
    ]

    def body(self) -> ComposeResult:
        yield Static(id="no-import")
        with Vertical(id="run"):
            yield RunHead(id="run-head")
            yield Static(id="banner")
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
        self.query_one(LogView).add(self.shell.imports.log)
        self.shell.import_events.subscribe(self, self._happened)
        self.watch(self.app, "tally", self._moved)
        self.set_interval(BUDGET_SECONDS, self._ask_budget)

    def on_screen_resume(self) -> None:
        self._moved(self.shell.tally)
        self._ask_budget()
        self.query_one(LogView).follow_end()

    def _happened(self, batch: tuple[Event, ...]) -> None:
        self.query_one(LogView).add(batch)

    def _moved(self, tally: Tally | None) -> None:
        begun = tally is not None and tally.begun
        nothing, imports = self.query_one("#no-import", Static), self.shell.imports
        nothing.display = not begun
        if not begun:
            nothing.update(_soon(imports.connection_name) if imports.running else _nothing_yet())
        self.query_one("#run").display = begun
        if tally is None:
            self.query_one(LogView).clear()
        elif self.is_current:
            self._draw(tally)

    def _draw(self, tally: Tally) -> None:
        self.query_one(RunHead).tally = tally
        banner = self.query_one("#banner", Static)
        words = banner_words(tally, cancelling=self.shell.imports.cancelling)
        if words is not None:
            banner.update(words, layout=not banner.display)
        banner.display = words is not None
        flights, summary = self.query_one(Flights), self.query_one("#summary", Static)
        pane = self.query_one("#flights-pane")
        pane.set_class(tally.result is not None, "-ended")
        here = not self.shell.imports.watching
        self.query_one(LogView).tell_where(here=here)
        # The budget known here is that of this machine; the worker has its own.
        self.query_one(Gauge).display = tally.result is None and here
        flights.display, summary.display = tally.result is None, tally.result is not None
        pane.border_title = "In flight" if tally.result is None else "Summary"
        if tally.result is None:
            flights.show(tally)
        else:
            summary.update(summary_words(tally))

    def _ask_budget(self) -> None:
        if self.is_current and self.shell.imports.running and self.shell.imports.connection_id:
            ask = partial(self._budget, self.shell.imports.connection_id)
            begin(self, ask, "budget")

    async def _budget(self, connection_id: str) -> None:
        result = await self.actions.get_budget(connection_id, self.workspace)
        if result.data is not None:
            self.query_one(Gauge).windows = tuple(result.data)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        tally, running = self.shell.tally, self.shell.imports.running
        if action in ("pause", "cancel") and not running:
            return NO_IMPORT
        if action == "leave" and not self.shell.imports.watching:
            return "This import runs here: leave the screen by 1, 2 or 4, and it goes on."
        if action == "retry":
            if running:
                return "Wait for the end of this import, then try again what failed."
            if tally is None or tally.result is None:
                return NO_IMPORT
            if not tally.result.counts.failed and not tally.result.counts.photos_failed:
                return "Nothing failed in this import."
        return None

    def action_pause(self) -> None:
        imports = self.shell.imports
        if imports.paused:
            imports.resume()
        else:
            imports.pause()

    def action_cancel(self) -> None:
        tally = self.shell.tally
        stored = tally.counts.successful if tally else 0
        question = ConfirmDialog(
            f"Cancel the import of {self.shell.imports.connection_name}?",
            (
                f"What is imported so far, {plural(stored, 'listing')}, stays in the store.",
                "Listings in flight are dropped; nothing stays half-written.",
                *(["The worker that does it stops."] if self.shell.imports.watching else []),
                "The next import goes on from there.",
            ),
            action="Cancel the import",
            cancel="Go on importing",
        )
        self.app.push_screen(question, lambda yes: self.shell.imports.cancel() if yes else None)

    def action_leave(self) -> None:
        self.shell.imports.leave()
        self.shell.go("history")

    def action_errors(self) -> None:
        self.query_one(LogView).toggle_errors()
        self._title_log()

    def _title_log(self) -> None:
        only = self.query_one(LogView).only_errors
        self.query_one("#log-pane").border_title = "Log: errors only (f shows all)" if only else "Log"

    def action_retry(self) -> None:
        tally, imports = self.shell.tally, self.shell.imports
        if tally is not None and imports.connection_id is not None:
            imports.retry(tally.run, imports.connection_id, imports.connection_name)

    def action_tell(self) -> None:
        imports = self.shell.imports
        imports.tell_when_done = not imports.tell_when_done
        told = "The bell rings, and the desktop tells you," if imports.tell_when_done else "Nothing rings"
        self.notify(f"{told} when an import ends.")


def banner_words(tally: Tally, *, cancelling: bool) -> Content | None:
    """Why nothing moves, where nothing does."""
    if tally.result is not None:
        return None
    if cancelling:
        return Content.assemble(("■ Stopping… ", "bold"), "what is in flight is brought to a safe end.")
    if tally.throttled_until is not None and tally.now is not None:
        wait = (tally.throttled_until - tally.now).total_seconds()
        return Content.assemble(
            ("◷ The MLS asked us to wait ", "bold"),
            f"until {tally.throttled_until:%H:%M:%S} UTC, {duration(wait)} from now: ",
            one_line(tally.throttled_why, 160),
        )
    return None


def summary_words(tally: Tally) -> Content:
    """What came of a run, and what can be done now."""
    result = tally.result
    if result is None:
        return Content("")
    counts = result.counts
    rows = [
        ("created", counts.created, ""),
        ("updated", counts.updated, ""),
        ("unchanged", counts.unchanged, ""),
        ("removed", counts.removed, "gone from the MLS" if counts.removed else ""),
        ("failed", counts.failed, f"{counts.quarantined:,} put aside" if counts.quarantined else ""),
        ("photos", counts.photos_stored, f"{counts.photos_failed:,} missing" if counts.photos_failed else ""),
    ]
    parts: list[Content | str | tuple[str, str]] = []
    for word, number, note in rows:
        if word == "removed" and not number:
            continue
        look = "bold $text-error" if word == "failed" and number else "bold" if number else "$foreground 60%"
        parts += [(f"{number:>9,}", look), f"  {word}", (f"  {note}" if note else "", "$text-warning"), "\n"]
    parts.append((f"{size(counts.bytes):>9}  in {duration(tally.seconds)}\n", "$foreground 60%"))
    for warning, times in list(result.warnings.items())[:3]:
        parts += [("\n  ! ", "$text-warning"), f"{one_line(warning, 100)} ({times:,}×)"]
    parts.append("\n")
    if counts.failed or counts.photos_failed:
        parts += [("r", "bold $accent"), " tries again what failed   "]
    parts += [("2", "bold $accent"), " looks at the homes   ", ("4", "bold $accent"), " past imports"]
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
