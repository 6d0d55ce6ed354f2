"""Where to export the filtered listings to, and in which format. It writes nothing; the screen asks ``actions`` to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, RadioSet, Static

from mls_tui.domain.words import plural
from mls_tui.ui.widgets.confirm import DIALOG
from mls_tui.ui.widgets.plain import plain
from mls_tui.ui.widgets.toggles import Choice, Tick

FORMATS = {"csv": "CSV — for spreadsheets", "json": "JSON — every field", "parquet": "Parquet — for analysis"}


@dataclass(frozen=True, slots=True)
class ExportWish:
    """``file_format`` is a key of FORMATS."""

    path: str
    file_format: str
    overwrite: bool


class ExportDialog(ModalScreen[ExportWish | None]):
    """Answers where to and how, or None where the user went back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="export.cancel", tooltip="Export nothing", group=DIALOG),
    ]
    AUTO_FOCUS = "#export-path"

    def __init__(self, count: int, total: int) -> None:
        super().__init__()
        self._count = count
        self._total = total

    def compose(self) -> ComposeResult:
        what = "all of them" if self._count == self._total else f"filtered from {self._total:,}"
        with Vertical(id="dialog"):
            yield Static(plain(f"Export {plural(self._count, 'listing')}, {what}"), id="question")
            with RadioSet(id="export-format", compact=True):
                for index, (key, label) in enumerate(FORMATS.items()):
                    yield Choice(label, value=index == 0, id=f"export-{key}")
            yield Static(plain("File"), classes="field-label")
            yield Input("listings.csv", id="export-path", compact=True)
            yield Static(id="export-problem")
            yield Tick("Replace the file if it exists", id="export-overwrite", compact=True)
            with Horizontal(id="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Export", id="act", compact=True, variant="primary")

    @property
    def file_format(self) -> str:
        pressed = self.query_one(RadioSet).pressed_index
        return list(FORMATS)[max(0, pressed)]

    @on(RadioSet.Changed)
    def _format_chosen(self) -> None:
        """The file's ending follows the format, unless the user gave it one of his own."""
        field = self.query_one("#export-path", Input)
        path = PurePath(field.value.strip() or "listings")
        if path.name and path.suffix.lstrip(".").lower() in {*FORMATS, ""}:
            field.value = str(path.with_suffix(f".{self.file_format}"))

    @on(Input.Changed)
    def _path_changed(self, event: Input.Changed) -> None:
        missing = not event.value.strip()
        self.query_one("#export-problem", Static).update(plain("Write a file name." if missing else ""))
        self.query_one("#act", Button).disabled = missing

    @on(Input.Submitted)
    @on(Button.Pressed, "#act")
    def _export(self) -> None:
        path = self.query_one("#export-path", Input).value.strip()
        if path:
            self.dismiss(ExportWish(path, self.file_format, self.query_one(Tick).value))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)
