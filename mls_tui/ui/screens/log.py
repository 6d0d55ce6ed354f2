"""The program's own log: each error with its kind, MLS number, attempts and cause, the newest first."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from mls_tui.domain.wording import plural
from mls_tui.log import LogLine, recent
from mls_tui.ui.formats import zone_name
from mls_tui.ui.screens.base import ListScreen
from mls_tui.ui.screens.dialogs import TextDialog
from mls_tui.ui.text import cell, clean, plain
from mls_tui.ui.widgets.tables import SmallTable

LOG = Binding.Group("Log file")
_LOOKS = {"error": ("✖", "error"), "critical": ("✖", "error"), "warning": ("!", "warning")}
"""Sign and colour by level."""


class LogScreen(ListScreen):
    """Opened from anywhere with F2. ``e`` shows the errors only."""

    CRUMB = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Read in full", id="logfile.open", tooltip="The whole line", group=LOG),
        Binding("e", "errors", "Errors only", id="logfile.errors", tooltip="Errors alone, or all", group=LOG),
        Binding("r", "reload", "Reload", id="logfile.reload", tooltip="Read the file again", group=LOG),
        Binding("y", "copy", "Copy", id="logfile.copy", tooltip="Copy the line", group=LOG),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[LogLine] = []
        self._only_errors = False

    def body(self) -> ComposeResult:
        yield Static(id="no-problems")
        yield SmallTable(id="problems")

    async def load(self) -> None:
        path = self.workspace.settings.log_path
        self._lines = (await asyncio.to_thread(recent, path))[::-1]
        none = self.query_one("#no-problems", Static)
        none.update(plain(f"Nothing has been logged yet. The log is kept in {path}"))
        none.display = not self._lines
        self._fill()

    def on_resize(self) -> None:
        if self._loaded:
            self._fill()

    def _fill(self) -> None:
        table = self.query_one(SmallTable)
        table.display = bool(self._lines)
        wide = self.size.width >= 100
        columns = [f"When ({zone_name()})", "", "Kind", "MLS number", *(["Attempts"] if wide else []), "What"]
        shown = {
            str(index): self._cells(line, wide)
            for index, line in enumerate(self._lines)
            if not self._only_errors or line.level in ("error", "critical")
        }
        table.show(columns, shown, elastic="What")
        table.border_title = plural(len(shown), "error" if self._only_errors else "line")
        if self._lines:
            self.focus_table()
        self.refresh_bindings()

    def _cells(self, line: LogLine, wide: bool) -> list[Text]:
        sign, role = _LOOKS.get(line.level, ("·", "foreground"))
        attempts = cell("" if line.attempts is None else f"{line.attempts:,}", 8, justify="right")
        return [
            cell(_local_time(line.at), 14),
            cell(sign, 1, style=self.hue(role)),
            cell(line.category, 14),
            cell(line.mls_number, 20, style="bold"),
            *([attempts] if wide else []),
            cell(line.cause or ": ".join(filter(None, (line.message, line.connection))), 400),
        ]

    @property
    def _chosen(self) -> LogLine | None:
        key = self.query_one(SmallTable).chosen
        return None if key is None else self._lines[int(key)]

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if action in ("open", "copy") and self._chosen is None:
            return "Nothing is logged."
        return super().why_not(action, parameters)

    def action_errors(self) -> None:
        self._only_errors = not self._only_errors
        self._fill()

    def action_reload(self) -> None:
        self.reload()

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        if (line := self._chosen) is not None:
            self.app.push_screen(TextDialog(line.message, _full_text(line)))

    def action_copy(self) -> None:
        if (line := self._chosen) is not None:
            self.app.copy_to_clipboard(clean(_full_text(line)))
            self.notify("Copied.")


def _local_time(at: str) -> str:
    """``06-01 12:00:05`` in the local time zone; a time that cannot be read is shown as it is."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return at


def _full_text(line: LogLine) -> str:
    """Every field of the line on a row of its own, with the time in UTC as in the file."""
    facts = {
        "at": line.at,
        "level": line.level,
        "kind": line.category,
        "connection": line.connection,
        "MLS number": line.mls_number,
        "attempts": "" if line.attempts is None else str(line.attempts),
        "run": line.run,
        "what": line.message,
        "cause": line.cause,
    }
    return "\n".join(f"{name}: {clean(value, newlines=False)}" for name, value in facts.items() if value)
