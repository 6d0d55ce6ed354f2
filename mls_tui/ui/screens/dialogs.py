"""The dialogs: a question that starts on no, a text to read, what is deleted, what could not be, where to export to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, RadioSet, Static

from mls_tui.domain.wording import plural
from mls_tui.ui.text import clean, one_line, plain
from mls_tui.ui.widgets.inputs import Choice, Tick

DIALOG = Binding.Group("Dialog")


class ConfirmDialog(ModalScreen[bool]):
    """Answers True only if the user chose ``action``.

    ``consequences`` are the lines under the question: what goes, from where, what stays. With ``type_to_confirm``
    (a count, say ``"12"``) the action stays out of reach until that text is typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Cancel", id="dialog.cancel", tooltip="Change nothing", group=DIALOG),
        Binding("left,up", "app.focus_previous", "Previous", show=False, id="dialog.previous", group=DIALOG),
        Binding("right,down", "app.focus_next", "Next", show=False, id="dialog.next", group=DIALOG),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(
        self,
        question: str,
        consequences: Sequence[str] = (),
        *,
        action: str = "Delete",
        cancel: str = "Cancel",
        danger: bool = True,
        type_to_confirm: str | None = None,
    ) -> None:
        super().__init__()
        self._question = question
        self._consequences = tuple(consequences)
        self._action = action
        self._cancel = cancel
        self._danger = danger
        self._expected = type_to_confirm

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="-danger" if self._danger else ""):
            yield Static(plain(self._question), id="question", classes="head")
            with VerticalScroll(id="consequences", classes="middle", can_focus=False):
                for line in self._consequences:
                    yield Static(plain(line), classes="consequence")
            with Vertical(classes="foot"):
                if self._expected is not None:
                    yield Static(plain(f"Type {self._expected} to confirm:"), id="expect")
                    yield Input(id="typed", compact=True)
                yield from self._answers()

    def _answers(self) -> ComposeResult:
        with Horizontal(id="answers"):
            yield Button(self._cancel, id="cancel", compact=True)
            yield Button(
                self._action,
                id="act",
                compact=True,
                variant="error" if self._danger else "primary",
                disabled=self._expected is not None,
            )

    @on(Input.Changed, "#typed")
    def _typed(self, event: Input.Changed) -> None:
        self.query_one("#act", Button).disabled = event.value.strip() != self._expected

    @on(Input.Submitted, "#typed")
    def _submitted(self) -> None:
        if not self.query_one("#act", Button).disabled:
            self.query_one("#act", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "act")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


BACK = "u brings them back, unless you delete others or quit first. The MLS keeps its own copy."
ASK_FOR_COUNT_ABOVE = 10
NAMED = 5


class TextDialog(ModalScreen[None]):
    """A text to read in full. ``y`` copies ``text``, which may come from a feed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", id="text.close", tooltip="Close", group=DIALOG),
        Binding("y", "copy", "Copy", id="text.copy", tooltip="Copy the text", group=DIALOG),
    ]

    def __init__(self, title: str, text: str, *, known: str = "", raw: str = "") -> None:
        """``known`` is a line in grey above the text; ``raw`` is shown below it as it came."""
        super().__init__()
        self._title, self._text, self._known, self._raw = title, text, known, raw

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="-problem"):
            yield Static(plain(self._title), id="question", classes="head")
            with VerticalScroll(classes="middle"):
                if self._known:
                    yield Static(plain(self._known), classes="consequence", id="problem-known")
                yield Static(plain(self._text), id="dialog-text")
                if self._raw:
                    yield Static("The record as the MLS served it:", classes="consequence")
                    yield Static(plain(self._raw), id="raw")
            yield Static("esc closes   y copies", classes="consequence foot")

    def action_close(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(clean("\n".join(filter(None, (self._text, self._raw)))))
        self.notify("Copied.")


@dataclass(frozen=True, slots=True)
class ListingToDelete:
    """A listing as the dialog names it."""

    listing_id: str
    name: str
    photos: int


def delete_question(listings: Sequence[ListingToDelete], place: str) -> ConfirmDialog:
    """Ask whether these go from ``place``. Above ten, the count must be typed."""
    count = len(listings)
    photos = sum(each.photos for each in listings)
    one = listings[0].name if count == 1 else ""
    question = f"Delete {one}?" if one else f"Delete {plural(count, 'listing')}?"
    gone = plural(count, "listing") + (f" and {plural(photos, 'photo')}" if photos else ", no photos")
    lines = [f"{gone} will be deleted from {place}.", BACK]
    if count > 1:
        lines += [f"· {one_line(each.name, 54)}" for each in listings[:NAMED]]
        if count > NAMED:
            lines.append(f"· and {count - NAMED:,} more")
    typed = str(count) if count > ASK_FOR_COUNT_ABOVE else None
    return ConfirmDialog(one_line(question, 110), lines, action="Delete", type_to_confirm=typed)


class FailuresDialog(ModalScreen[None]):
    """Which listings could not be deleted, and why. They are still there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="failures.close", tooltip="Back to the listings", group=DIALOG),
    ]

    def __init__(self, deleted: int, failures: Mapping[str, str], names: Mapping[str, str]) -> None:
        super().__init__()
        self._deleted = deleted
        self._failures = dict(failures)
        self._names = dict(names)

    def compose(self) -> ComposeResult:
        total = self._deleted + len(self._failures)
        with Vertical(id="dialog", classes="-danger"):
            with Vertical(classes="head"):
                yield Static(plain(f"Deleted {self._deleted:,} of {plural(total, 'listing')}"), id="question")
                yield Static(plain("These were not deleted, or only in part. They stay marked, so that d tries again:"))
            with VerticalScroll(id="failures", classes="middle"):
                for listing_id, why in self._failures.items():
                    yield Static(plain(self._names.get(listing_id, listing_id)), classes="failed-name")
                    yield Static(plain(why), classes="failed-why")
            with Horizontal(id="answers", classes="foot"):
                yield Button("Close", id="close", compact=True)

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()


FORMATS = {"csv": "CSV — for spreadsheets", "json": "JSON — every field", "parquet": "Parquet — for analysis"}


@dataclass(frozen=True, slots=True)
class ExportWish:
    """``file_format`` is a key of FORMATS."""

    path: str
    file_format: str
    overwrite: bool


class ExportDialog(ModalScreen[ExportWish | None]):
    """Answers where to and how, or None if the user went back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="export.cancel", tooltip="Export nothing", group=DIALOG),
    ]
    AUTO_FOCUS = "#export-path"

    def __init__(self, count: int, what: str) -> None:
        """``what``: all of them, marked, filtered from 40."""
        super().__init__()
        self._question = f"Export {plural(count, 'listing')}, {what}"

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(plain(self._question), id="question")
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
        name = event.value.strip()
        told = self.query_one("#export-problem", Static)
        told.set_class(not name, "-problem")
        told.update(plain(f"To {_whole_path(name)}" if name else "Write a file name."))
        self.query_one("#act", Button).disabled = not name

    @on(Input.Submitted)
    @on(Button.Pressed, "#act")
    def _export(self) -> None:
        path = self.query_one("#export-path", Input).value.strip()
        if path:
            self.dismiss(ExportWish(path, self.file_format, self.query_one(Tick).value))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)


def _whole_path(name: str) -> str:
    try:
        return str(Path(name).expanduser().absolute())
    except (RuntimeError, OSError):  # no such user, or the working folder is gone
        return name
