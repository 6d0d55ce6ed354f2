"""The section of the connection form that holds every setting of the provider, folded away until it is wanted. An empty
line is the preset's own value; one that the user has set says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static
from textual.widgets._collapsible import CollapsibleTitle

from mls_tui.reso.presets import ProviderPreset, Setting, preset_settings
from mls_tui.ui.screens.fact_fields import WORDS, fact_problem, groups
from mls_tui.ui.widgets.plain import one_line, plain
from mls_tui.ui.widgets.plain_input import PlainInput

_CHOICES = {
    "yes": ["yes", "no"],
    "no": ["yes", "no"],
    "expand": ["expand", "inline", "separate"],
    "inline": ["expand", "inline", "separate"],
    "separate": ["expand", "inline", "separate"],
    "post": ["post", "basic"],
    "basic": ["post", "basic"],
}


class FoldTitle(CollapsibleTitle, inherit_bindings=False):
    """The line that folds and unfolds. Collapsible itself would style every line anew at each step of the focus, which
    costs a tenth of a second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "toggle_collapsible", "Fold", show=False, id="form.fold", tooltip="Show or hide them"),
    ]


class Mark(Static):
    """What stands beside a fact. A click on one that the user has set takes it back to the preset's value."""

    @dataclass
    class Clicked(Message):
        """``fact`` is the name of the fact beside the mark."""

        fact: str

    def __init__(self, fact: str) -> None:
        super().__init__("", id=f"mark-{fact}", classes="check")
        self.fact = fact

    def on_click(self) -> None:
        self.post_message(self.Clicked(self.fact))


class FactSection(Vertical):
    """``typed`` holds what the user has typed by fact, blank where the preset's value stands."""

    @dataclass
    class Told(Message):
        """``words`` say what the fact with the focus means; None where the section was folded away."""

        words: str | None

    def __init__(self) -> None:
        super().__init__(id="fact-section")
        self.typed: dict[str, str] = {}
        self._facts: dict[str, Setting] = {}
        self._hidden: Collection[str] = ()
        self._laid_out = False
        self._wrong: set[str] = set()

    def compose(self) -> ComposeResult:
        yield FoldTitle(label="Provider facts", collapsed_symbol="▶", expanded_symbol="▼", collapsed=True)
        lines = Vertical(id="fact-lines")
        lines.display = False
        yield lines

    async def show(self, base: ProviderPreset, hidden: Collection[str], typed: dict[str, str]) -> None:
        """Show the facts of this preset but the hidden ones; ``typed`` is kept and changed as the user types."""
        self._facts = {fact.name: fact for fact in preset_settings(base)}
        self._hidden, self.typed, self._laid_out = hidden, typed, False
        self._wrong = set(self.wrong())
        await self.query_one("#fact-lines", Vertical).remove_children()
        if not self.folded:
            await self._lay_out()
        self._title()

    @property
    def folded(self) -> bool:
        return self.query_one(FoldTitle).collapsed

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of the facts in it, in their order."""
        return tuple(name for names in groups(self._hidden).values() for name in names)

    def chosen(self) -> dict[str, str]:
        """The facts that the user has set, as ``ConnectionForm.overrides`` takes them."""
        return {name: text for name in self.shown if (text := self.typed.get(name, "").strip())}

    def wrong(self) -> list[str]:
        """The facts whose text cannot be read."""
        return [name for name in self.shown if fact_problem(name, self.typed.get(name, "")) is not None]

    async def unfold(self, fact: str | None = None) -> None:
        """Open the section with the focus on a fact, the first unless it is named."""
        await self.fold(False)
        self.query_one(f"#fact-{fact or self.shown[0]}", Input).focus()

    def reset(self, fact: str) -> None:
        """Back to the preset's value."""
        self.query_one(f"#fact-{fact}", Input).value = ""

    @on(CollapsibleTitle.Toggle)
    async def _toggled(self, event: CollapsibleTitle.Toggle) -> None:
        event.stop()
        await self.fold(not self.folded)

    async def fold(self, folded: bool) -> None:
        """Fold the facts away, or show them."""
        self.query_one(FoldTitle).collapsed = folded
        self.query_one("#fact-lines", Vertical).display = not folded
        self.post_message(self.Told(None if folded else ""))
        if not folded:
            await self._lay_out()
            self.call_after_refresh(self.scroll_visible, top=True, animate=False)

    async def _lay_out(self) -> None:
        if self._laid_out or not self._facts:
            return
        self._laid_out = True
        lines: list[Static | Horizontal] = []
        for title, names in groups(self._hidden).items():
            lines.append(Static(plain(title), classes="fact-group"))
            lines += [self._line(self._facts[name]) for name in names]
        await self.query_one("#fact-lines", Vertical).mount(*lines)
        for name in self.shown:
            self._mark(name)

    def _line(self, fact: Setting) -> Horizontal:
        choices = _CHOICES.get(fact.default)
        entry = PlainInput(
            value=self.typed.get(fact.name, ""),
            placeholder=one_line(fact.default, 200),
            suggester=SuggestFromList(choices) if choices else None,
            id=f"fact-{fact.name}",
            compact=True,
        )
        label = Label(fact.name, classes="label", markup=False)
        return Horizontal(label, entry, Mark(fact.name), classes="field fact")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        name = (event.input.id or "").removeprefix("fact-")
        self.typed[name] = event.value
        self._mark(name)
        self._title()
        self._help(name)

    @on(Mark.Clicked)
    def _clicked(self, event: Mark.Clicked) -> None:
        event.stop()
        self.reset(event.fact)
        self.query_one(f"#fact-{event.fact}", Input).focus()

    def _mark(self, name: str) -> None:
        text = self.typed.get(name, "")
        wrong = fact_problem(name, text)
        (self._wrong.add if wrong else self._wrong.discard)(name)
        if wrong:
            words = Content.assemble((f"✖ {wrong}", "$text-error"))
        elif text.strip():
            words = Content.assemble(("✔ set by you  ↺", "$text-success"))
        else:
            words = Content("")
        self.query_one(f"#mark-{name}", Mark).update(words, layout=False)

    def _title(self) -> None:
        mine, wrong = len(self.chosen()), len(self._wrong)
        said = f"{mine} set by you" if mine else "all as the preset has them"
        said += f", {wrong} cannot be read" if wrong else ""
        self.query_one(FoldTitle).label = Content(f"Provider facts: {said}")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        name = (event.widget.id or "").removeprefix("fact-")
        if name in WORDS:
            self._help(name)

    def _help(self, name: str) -> None:
        fact = self._facts[name]
        wrong = fact_problem(name, self.typed.get(name, ""))
        back = f"Preset: {one_line(fact.default, 60)}."
        meant = f"It must be {wrong}" if wrong else WORDS[name][:1].upper() + WORDS[name][1:]
        self.post_message(self.Told(f"{meant}. {back}"))
