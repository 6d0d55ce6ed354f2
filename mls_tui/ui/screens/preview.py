"""A dry run as a table: what an import would bring, change field by field, leave and remove; and marks for what to
import. Looking changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mls_tui.actions import ImportOptions, Preview, PreviewRow
from mls_tui.domain.connection import Connection
from mls_tui.domain.wording import plural
from mls_tui.ui.formats import money
from mls_tui.ui.messages import ImportRequested
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.text import brief, cell, one_line
from mls_tui.ui.widgets.tables import LineColumn, LineTable

PREVIEW = Binding.Group("Preview")
CHANGES = ("new", "changed", "unchanged", "gone", "quarantined")
_SIGNS = {
    "new": ("✚", "success"),
    "changed": ("↻", "primary"),
    "unchanged": ("=", "foreground"),
    "gone": ("−", "warning"),
    "quarantined": ("✖", "error"),
}
IMPORTABLE = frozenset({"new", "changed"})


class PreviewScreen(MlsScreen[None]):
    """Starts with everything new and changed marked."""

    WRITES = frozenset({"import"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "import", "Import marked", id="preview.import", tooltip="Import what is marked", group=PREVIEW),
        Binding("space,enter", "mark", "Mark", id="preview.mark", tooltip="Mark or unmark the row", group=PREVIEW),
        Binding(
            "asterisk", "mark_all", "Mark all", id="preview.mark_all", tooltip="Mark all shown, or none", group=PREVIEW
        ),
        Binding(
            "slash", "next_filter", "Filter", id="preview.filter", tooltip="Show one kind after another", group=PREVIEW
        ),
        Binding("r", "again", "Ask again", id="preview.again", tooltip="Ask the MLS once more", group=PREVIEW),
    ]

    def __init__(self, connection: Connection, *, first: bool = False) -> None:
        """``first``: the connection has not been imported yet."""
        super().__init__()
        self._first = first
        self._connection = connection
        self._preview: Preview | None = None
        self._rows: tuple[PreviewRow, ...] = ()
        self._counts: Counter[str] = Counter()
        self._marked: set[int] = set()
        self._only: str | None = None

    def crumbs(self) -> tuple[str, ...]:
        return ("Connections", self._connection.name, "Preview")

    def body(self) -> ComposeResult:
        yield Static("Asking the MLS what has changed…", id="preview-head")
        yield LineTable(self._cells, id="preview")
        with VerticalScroll(id="preview-detail"):
            yield Static(id="preview-fields")

    def on_mount(self) -> None:
        self.query_one("#preview-detail").display = False

    async def load(self) -> None:
        result = await self.actions.preview_import(self._connection.connection_id, None, self.workspace)
        if result.data is None:
            error = one_line(result.error or "It did not work.", 400)
            self.query_one("#preview-head", Static).update(Content.assemble(("✖ ", "bold $text-error"), error))
            return
        self._preview, self._rows = result.data, result.data.rows
        self._counts = Counter(row.change for row in self._rows)
        self._marked = {index for index, row in enumerate(self._rows) if row.change in IMPORTABLE}
        self.query_one("#preview-detail").display = True
        self._fill()
        if self.is_current:
            self.query_one(LineTable).focus()

    def on_resize(self) -> None:
        self._fill()

    def _visible(self) -> list[int]:
        return [index for index, row in enumerate(self._rows) if self._only in (None, row.change)]

    def _fill(self) -> None:
        wide = self.size.width >= 100
        columns = (
            LineColumn("", 1), LineColumn("Change", 11), LineColumn("MLS number", 14 if wide else 11),
            LineColumn("Price", 10, right=True), LineColumn("Address", 40 if wide else 16),
            LineColumn("Photos", 6, right=True), LineColumn("What", 0),
        )  # fmt: skip
        self.query_one(LineTable).show(columns, self._visible())
        self._tell()
        self.refresh_bindings()

    def _tell(self) -> None:
        if self._preview is None:
            return
        parts: list[str | tuple[str, str]] = []
        for change in CHANGES:
            number = self._counts[change]
            look = f"{'bold ' if self._only == change else ''}{'$foreground' if number else '$foreground 60%'}"
            words = "quarantined" if change == "quarantined" else change
            parts += [(f"{_SIGNS[change][0]} {number:,} {words}", look), "    "]
        marked = plural(len(self._marked), "listing")
        parts += ["\n", (f"{marked} marked", "bold"), (". Nothing has been written. ", "$foreground 60%")]
        if not self._first:
            parts.append(("Only what changed since the last import was asked for.", "$foreground 60%"))
        self.query_one("#preview-head", Static).update(Content.assemble(*parts))

    def _cells(self, index: int) -> list[Text]:
        row = self._rows[index]
        sign, role = _SIGNS.get(row.change, ("·", "foreground"))
        mark = Text(
            "◉" if index in self._marked else "○" if row.change in IMPORTABLE else " ", style=self.hue("accent")
        )
        words = "quarantined" if row.change == "quarantined" else row.change
        what = row.reason or ", ".join(brief(difference.field, 40) for difference in row.differences)
        return [
            mark,
            Text(f"{sign} {words}", style=self.hue(role)),
            cell(brief(row.mls_number or row.listing_key, 18), 18, style="bold"),
            cell("" if row.price is None else money(row.price), 14, justify="right"),
            cell(brief(row.address, 40), 40),
            cell(f"{row.photos:,}" if row.photos else "·", 6, justify="right"),
            cell(brief(what, 120), 120),
        ]

    @on(LineTable.Moved)
    def _another(self, event: LineTable.Moved) -> None:
        if event.row is None:
            return
        row = self._rows[event.row]
        self.query_one("#preview-detail").border_title = Content(one_line(row.mls_number or row.listing_key, 40))
        self.query_one("#preview-fields", Static).update(differences(row))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        if self._preview is None and action != "back":
            return "The MLS has not answered yet."
        if action == "import" and self.app.imports.running:
            return f"{self.app.imports.connection_name} is being imported. Wait for its end, or cancel it (3)."
        if action == "import" and not self._marked:
            return "Nothing is marked. space marks a row, * all of them."
        return None

    @on(LineTable.Chosen)
    def action_mark(self) -> None:
        table = self.query_one(LineTable)
        index = table.row
        if index is None or self._rows[index].change not in IMPORTABLE:
            self.notify("Only what is new or changed can be imported.", severity="warning")
            return
        self._marked ^= {index}
        self._tell()
        self.refresh_bindings()
        table.action_move(1)

    def action_mark_all(self) -> None:
        shown = {index for index in self._visible() if self._rows[index].change in IMPORTABLE}
        self._marked = self._marked - shown if shown <= self._marked else self._marked | shown
        self.query_one(LineTable).refresh()
        self._tell()
        self.refresh_bindings()

    def action_next_filter(self) -> None:
        kinds = [None, *(change for change in CHANGES if self._counts[change])]
        here = kinds.index(self._only) if self._only in kinds else 0
        self._only = kinds[(here + 1) % len(kinds)]
        self._fill()

    def action_again(self) -> None:
        self.query_one("#preview-head", Static).update("Asking the MLS what has changed…")
        self.reload()

    def action_import(self) -> None:
        importable = {index for index, row in enumerate(self._rows) if row.change in IMPORTABLE}
        chosen = tuple(self._rows[index] for index in sorted(self._marked))
        options = ImportOptions() if self._marked == importable else only(chosen)
        self.post_message(ImportRequested(self._connection, options))


def only(rows: Sequence[PreviewRow]) -> ImportOptions:
    """Just these: by ListingKey, which every server can be asked for, else by MLS number."""
    return ImportOptions(
        keys=tuple(row.listing_key for row in rows if row.listing_key),
        only=tuple(row.mls_number for row in rows if row.mls_number and not row.listing_key),
    )


def differences(row: PreviewRow) -> Content:
    """Field by field, old → new; or why the row is what it is."""
    if not row.differences:
        words = {
            "new": "New: it would be created, with its photos.",
            "unchanged": "The same as stored. An import would leave it as it is.",
            "gone": "Gone from the MLS. An import would mark it, or remove it, as the MLS asks.",
        }.get(row.change, "")
        return Content(one_line(row.reason, 600) or words)
    width = max(len(difference.field) for difference in row.differences)
    lines = [
        Content.assemble(
            (one_line(difference.field, 30).ljust(min(30, width)), "$foreground 60%"),
            "  ",
            (_value(difference.old), "$text-error"),
            (" → ", "$foreground 60%"),
            (_value(difference.new), "$text-success"),
        )
        for difference in row.differences
    ]
    return Content("\n").join(lines)


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}"
    return one_line(value, 300) or "nothing"
