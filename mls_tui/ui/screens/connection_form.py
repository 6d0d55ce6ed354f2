"""Add or edit a connection: what the provider asks for, checked as one types, tried before it is saved, and every fact
of its preset. Secrets are masked, and one that is stored is never shown."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from mls_tui.actions import ConnectionForm
from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.reso.presets import PRESETS, ProviderPreset
from mls_tui.ui.screens.base import READ_ONLY, MlsScreen
from mls_tui.ui.screens.fact_fields import asked_elsewhere, typed_facts
from mls_tui.ui.screens.fact_section import FactSection
from mls_tui.ui.screens.form_answers import failed_words, found_words
from mls_tui.ui.screens.form_fields import (
    AUTH_WORDS,
    KEPT,
    Field,
    fields_for,
    from_connection,
    problem,
    to_form,
)
from mls_tui.ui.widgets.background import begin
from mls_tui.ui.widgets.plain import plain
from mls_tui.ui.widgets.plain_input import PlainInput

FORM = Binding.Group("Form")


class FormScroll(VerticalScroll, inherit_bindings=False):
    """Its arrows go from field to field and do not scroll; the field with the focus is always in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up", show=False, id="form.page_up", tooltip="A page up", group=FORM),
        Binding("pagedown", "page_down", "Page down", show=False, id="form.page_down", tooltip="A page on", group=FORM),
    ]


class ConnectionFormScreen(MlsScreen[None]):
    """``test`` tries the stored connection at once."""

    WRITES = frozenset({"save"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="form.save", tooltip="Store the connection", group=FORM),
        Binding("ctrl+t", "test", "Test", id="form.test", tooltip="Sign in and see what is there", group=FORM),
        Binding("ctrl+o", "facts", "Facts", id="form.facts", tooltip="Every fact of the provider", group=FORM),
        Binding("ctrl+r", "preset", "As preset", id="form.preset", tooltip="Back to the preset's value", group=FORM),
        Binding("escape", "back", "Cancel", id="go.back", tooltip="Leave without saving", group=FORM),
        Binding("up", "app.focus_previous", "Previous", show=False, id="form.up", tooltip="Field above", group=FORM),
        Binding("down,enter", "app.focus_next", "Next", show=False, id="form.down", tooltip="Field below", group=FORM),
    ]

    def __init__(self, connection: Connection | None = None, *, test: bool = False) -> None:
        super().__init__()
        self._connection = connection
        self._test_first = test
        self._typed: dict[str, str] = from_connection(connection) if connection else {"schedule": "by hand"}
        self._fields: tuple[Field, ...] = ()
        self._facts: dict[str, dict[str, str]] = {}
        if connection is not None:
            self._facts[connection.provider] = typed_facts(connection)

    def crumbs(self) -> tuple[str, ...]:
        return ("Connections", self._connection.name if self._connection else "New")

    def body(self) -> ComposeResult:
        provider = self._connection.provider if self._connection else "reso"
        with FormScroll(id="form", can_focus=False):
            with Horizontal(classes="field"):
                yield Label("Provider", classes="label")
                yield Select(
                    [(plain(preset.label), name) for name, preset in PRESETS.items()],
                    value=provider if provider in PRESETS else "reso",
                    allow_blank=False,
                    compact=True,
                    id="provider",
                )
            yield Static(id="preset-notes")
            with Horizontal(classes="field"):
                yield Label("Sign in with", classes="label")
                yield Select([("", "")], allow_blank=False, compact=True, id="auth")
            yield Vertical(id="fields")
            yield FactSection()
            yield Static(id="found")
        yield Static(id="fact-help")
        with Horizontal(id="form-buttons"):
            yield Button("Save  (ctrl+s)", id="save", variant="primary", compact=True)
            yield Button("Test  (ctrl+t)", id="test", compact=True)
            yield Button("Cancel  (esc)", id="cancel", compact=True)

    async def load(self) -> None:
        if self._fields:
            return
        self._offer_auths()
        await self._lay_out()
        if self._test_first:
            self.action_test()

    @property
    def _preset(self) -> ProviderPreset:
        return PRESETS[str(self.query_one("#provider", Select).value)]

    @property
    def _auth(self) -> AuthKind:
        value = self.query_one("#auth", Select).value
        return AuthKind(value) if value in self._preset.auths else self._preset.auths[0]

    def _offer_auths(self) -> None:
        auths = self._preset.auths
        choice = self.query_one("#auth", Select)
        choice.set_options([(AUTH_WORDS[auth], auth.value) for auth in auths])
        stored = self._connection.auth if self._connection else None
        choice.value = (stored if stored in auths else auths[0]).value if stored else auths[0].value
        choice.disabled = len(auths) == 1
        preset = self._preset
        notes = [plain(note) for note in preset.notes]
        self.query_one("#preset-notes", Static).update(Content("\n").join(notes))

    @on(Select.Changed, "#provider")
    async def _another_provider(self) -> None:
        self._offer_auths()
        await self._lay_out()

    @on(Select.Changed, "#auth")
    async def _another_auth(self) -> None:
        await self._lay_out()

    async def _lay_out(self) -> None:
        fields = fields_for(self._preset, self._auth)
        typed = self._facts.setdefault(self._preset.name, {})
        if fields == self._fields and self._section.typed is typed:
            return
        self._fields = fields
        hidden = asked_elsewhere(self._preset, [field.name for field in fields])
        await self._section.show(self._preset, hidden, typed)
        holder = self.query_one("#fields", Vertical)
        await holder.remove_children()
        await holder.mount(*(self._line(field) for field in fields))
        for field in fields:
            self._check(field.name)
        self.query_one("#field-name", Input).focus()

    @property
    def _section(self) -> FactSection:
        return self.query_one(FactSection)

    def _line(self, field: Field) -> Horizontal:
        stored = field.secret and self._keeps_secrets
        entry = (Input if field.secret else PlainInput)(
            value=self._typed.get(field.name, ""),
            password=field.secret,
            placeholder=KEPT if stored else field.hint,
            id=f"field-{field.name}",
            compact=True,
        )
        star = " *" if field.required else ""
        return Horizontal(
            Label(f"{field.label}{star}", classes="label"),
            entry,
            Static("", id=f"check-{field.name}", classes="check"),
            classes="field",
        )

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        name = (event.input.id or "").removeprefix("field-")
        self._typed[name] = event.value
        self._check(name)

    def _problem(self, field: Field) -> str | None:
        return problem(field, self._typed.get(field.name, ""), stored=self._keeps_secrets)

    @property
    def _keeps_secrets(self) -> bool:
        """Whether the stored secrets stay: another provider, or another way of signing in, is told its own."""
        stored = self._connection
        return stored is not None and stored.provider == self._preset.name and stored.auth is self._auth

    def _check(self, name: str, *, pressing: bool = False) -> bool:
        """Show what is wrong beside a field; an empty one is only called wrong once one tries to save."""
        field = next((each for each in self._fields if each.name == name), None)
        if field is None:
            return True
        wrong = self._problem(field)
        empty = not self._typed.get(name, "").strip()
        mark = self.query_one(f"#check-{name}", Static)
        if wrong and (pressing or not empty):
            mark.update(Content.assemble(("✖ ", "$text-error"), (wrong, "$text-error")))
        elif empty:
            mark.update(Content(""))
        else:
            mark.update(Content.assemble(("✔", "$text-success")))
        return wrong is None

    def _complete(self) -> ConnectionForm | None:
        """The form where every field is right; else the first wrong one gets the focus."""
        wrong = [field.name for field in self._fields if not self._check(field.name, pressing=True)]
        if wrong:
            self.query_one(f"#field-{wrong[0]}", Input).focus()
            return None
        if wrong := self._section.wrong():
            begin(self, partial(self._section.unfold, wrong[0]), "facts")
            return None
        values = {field.name: self._typed.get(field.name, "") for field in self._fields}
        return to_form(self._preset.name, self._auth, values, self._section.chosen())

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if action == "preset" and self._fact is None:
            return "Go to one of the provider's facts first; ctrl+o shows them."
        return READ_ONLY if action == "save" and self.shell.read_only else None

    @property
    def _fact(self) -> str | None:
        """The fact that has the focus."""
        name = (self.focused.id or "" if self.focused else "").partition("fact-")
        return name[2] if isinstance(self.focused, Input) and name[1] and not name[0] else None

    def action_facts(self) -> None:
        begin(self, self._section.unfold, "facts")

    def action_preset(self) -> None:
        if (fact := self._fact) is not None:
            self._section.reset(fact)

    @on(FactSection.Told)
    def _told(self, event: FactSection.Told) -> None:
        line = self.query_one("#fact-help", Static)
        line.display = event.words is not None
        line.update(plain(event.words or ""), layout=False)

    @on(Button.Pressed, "#test")
    def action_test(self) -> None:
        if (form := self._complete()) is not None:
            self.query_one("#found", Static).update(Content.assemble(("… ", "$text-primary"), "Signing in"))
            begin(self, partial(self._try, form), "form")

    async def _try(self, form: ConnectionForm) -> None:
        identity = self._connection.connection_id if self._connection else None
        result = await self.actions.try_connection(form, self.workspace, connection_id=identity)
        words = found_words(result.data) if result.success and result.data else failed_words(result.error or "")
        self.query_one("#found", Static).update(words)
        self.query_one("#form", VerticalScroll).scroll_end(animate=False)

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        if self.shell.read_only:
            self.notify(READ_ONLY, severity="warning")
        elif (form := self._complete()) is not None:
            begin(self, partial(self._save, form), "form")

    async def _save(self, form: ConnectionForm) -> None:
        if self._connection is None:
            result = await self.actions.connect_mls(form, self.workspace)
        else:
            result = await self.actions.update_connection(self._connection.connection_id, form, self.workspace)
        if not result.success:
            self.query_one("#found", Static).update(failed_words(result.error or ""))
            return
        if self._connection is not None:
            self.shell.schedules.forget(self._connection.connection_id)
        note = result.data.note if result.data else ""
        self.notify(f"Saved {form.name}. {note or 'i imports it.'}")
        self.shell.back()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.shell.back()
