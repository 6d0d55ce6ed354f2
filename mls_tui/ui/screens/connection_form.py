"""Add or edit a connection: what the provider asks for, checked as it is typed and tried before it is saved. Secrets
are masked, and a stored secret is never shown."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlsplit

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label, Select, Static

from mls_tui.actions import ConnectionForm, ConnectionTest
from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.domain.errors import UsageError
from mls_tui.domain.wording import plural
from mls_tui.reso.presets import (
    PRESETS,
    SETTING_NAMES,
    ProviderPreset,
    Setting,
    own_base_url,
    own_fields,
    preset_settings,
    read_override,
    setting_text,
)
from mls_tui.ui.formats import every
from mls_tui.ui.messages import GoBack
from mls_tui.ui.screens.base import READ_ONLY, FormScreen
from mls_tui.ui.screens.dialogs import TextDialog
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import one_line, plain
from mls_tui.ui.widgets.inputs import PlainInput

if TYPE_CHECKING:
    from mls_tui.actions.service import BackgroundService

FORM = Binding.Group("Form")
AUTH_WORDS: Final = {
    AuthKind.BEARER: "Access token",
    AuthKind.CLIENT_CREDENTIALS: "Client id and secret",
    AuthKind.PASSWORD: "User name and password",
    AuthKind.REFRESH_TOKEN: "Refresh token",
}
KEPT = "kept as stored; type to replace it"
SCHEDULE_WORDS = "Write “every 15 minutes”, “hourly”, “daily at 06:00” or “by hand”."
_SETTING_LABELS: Final = {
    "page_size": "Page size",
    "overlap_minutes": "Overlap, minutes",
    "api_limits": "Request limits",
    "query_parameters": "Query parameters",
    "media_mode": "Photos come",
    "media_resource": "Photo resource",
}
_CHOICES: Final = (("yes", "no"), ("expand", "inline", "separate"), ("post", "basic"))


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form. ``name`` is ConnectionForm's, or a setting's; ``secret`` fields are masked."""

    name: str
    label: str
    hint: str = ""
    help: str = ""
    secret: bool = False
    required: bool = False
    wanted: str = ""
    """What a setting's value must be; empty for the form's own fields."""
    note: str = ""
    """Shown below the field while its value is right."""

    @property
    def setting(self) -> bool:
        return bool(self.wanted)

    @property
    def key(self) -> str:
        return f"setting-{self.name}" if self.setting else f"field-{self.name}"


_FROM_MLS = "Your MLS, or the vendor of its Web API, gives it to you together with the server's address."
_TOKEN = Field("access_token", "Access token", "from your MLS", _FROM_MLS, True, True)
_CLIENT_ID = Field("client_id", "Client id", "from your MLS", _FROM_MLS, required=True)
_CLIENT_SECRET = Field("client_secret", "Client secret", "from your MLS", _FROM_MLS, True, True)
_IF_ASKED = "Leave it empty unless your MLS gave you one."
_SECRETS: Final = {
    AuthKind.BEARER: (_TOKEN,),
    AuthKind.CLIENT_CREDENTIALS: (_CLIENT_ID, _CLIENT_SECRET),
    AuthKind.PASSWORD: (
        Field("username", "User name", "as at the MLS", "The name you sign in to your MLS with.", required=True),
        Field("password", "Password", "", "The password you sign in to your MLS with.", True, True),
        Field("client_id", "Client id", "if the MLS asks for one", _IF_ASKED),
        Field("client_secret", "Client secret", "if the MLS asks for one", _IF_ASKED, True),
    ),
    AuthKind.REFRESH_TOKEN: (
        Field("refresh_token", "Refresh token", "from your MLS", _FROM_MLS, True, True),
        _CLIENT_ID,
        Field("client_secret", "Client secret", "from your MLS", _FROM_MLS, True),
    ),
}


def fields_for(preset: ProviderPreset, auth: AuthKind, service: BackgroundService | None = None) -> tuple[Field, ...]:
    """Every field of a provider with this way to sign in, in the order of the form."""
    own_server = "base_url" in preset.required_fields
    server = "https://…, the folder of Property" if own_server else preset.base_url
    fields = [
        Field("name", "Name", "what you call it", "Any name. Tables and messages show it.", required=True),
        Field(
            "base_url", "Server", server, "The address of the RESO Web API. Empty: the provider's.", required=own_server
        ),
        *_SECRETS[auth],
    ]
    if auth is not AuthKind.BEARER:
        hint = preset.token_url or "https://…, where tokens are given"
        about = "The address at which the client id and secret are exchanged for a token. Empty: the provider's."
        fields.append(Field("token_url", "Token address", hint, about, required=preset.token_url is None))
    if "dataset" in preset.required_fields:
        about = "The name of your MLS at this provider, as it stands in the server's address."
        fields.append(Field("mls_system", "Dataset", "for example actris", about, required=True))
    elif preset.serves_many:
        needed = "mls_system" in preset.required_fields
        hint = "OriginatingSystemName" if needed else "all that the credentials allow"
        about = "The MLS to import from, by its OriginatingSystemName. Empty: all that your credentials allow."
        fields.append(Field("mls_system", "MLS", hint, about, required=needed))
    about = "The member key of one agent, to import that agent's listings only."
    fields.append(Field("agent_key", "Agent", "a member key; empty for all", about))
    about = f"When it is imported without a key, while this program is open. {SCHEDULE_WORDS}"
    note = "while this program is open; a background service (b on the connections screen) imports always"
    if service is not None and service.installed:
        note = f"the background service imports every {service.every}; this adds imports while this program is open"
    fields.append(Field("schedule", "Import", "by hand, or every 15 minutes", about, note=note))
    return tuple(fields)


def setting_field(setting: Setting) -> Field:
    """The line of a provider's setting. Empty means the preset's value."""
    label = _SETTING_LABELS.get(setting.name, setting.name)
    about = f"{setting.help[:1].upper()}{setting.help[1:]}. Empty: {setting.default or 'none'}."
    about += f" The command line calls it --set {setting.name}=…"
    return Field(setting.name, label, one_line(setting.default, 200), about, wanted=setting.wanted)


def problem(field: Field, value: str, *, stored: bool = False) -> str | None:
    """What is wrong with a value, as a sentence; None if it is right. ``stored``: an absent secret is kept."""
    text = value.strip()
    if not text:
        return "It is needed." if field.required and not (field.secret and stored) else None
    if field.setting:
        try:
            read_override(field.name, text)
        except UsageError:
            return f"It must be {field.wanted}."
        return None
    if field.name in ("base_url", "token_url"):
        return _address_problem(text)
    if field.name == "schedule":
        try:
            schedule_minutes(text)
        except ValueError as wanted:
            return str(wanted)
    if field.name == "name" and len(text) > 60:
        return "It may have 60 characters at most."
    if field.secret and any(character.isspace() for character in text):
        return "It has a space in it: was it copied whole?"
    return None


def _address_problem(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "It is not an address."
    if parts.scheme not in ("https", "http"):
        return "It begins with https://"
    if not host:
        return "It has no server in it."
    if parts.username or parts.password:
        return "It may hold no user name or password."
    if parts.query or parts.fragment:
        return "It ends with the path: no “?” or “#”."
    return None


_EVERY = re.compile(r"(?:every\s+)?(\d{0,5})\s*(m|min|mins|minutes?|h|hours?|d|days?)?", re.IGNORECASE)
_MINUTES = {"m": 1, "h": 60, "d": 1_440}
_NAMED = {"hourly": 60, "daily": 1_440, "weekly": 7 * 1_440}


_DAILY = re.compile(r"(?:daily|every day)\s+at\s+([01]?\d|2[0-3])(?::([0-5]\d))?", re.IGNORECASE)


def time_of_day(text: str) -> str | None:
    """``06:00`` of ``daily at 6``; None for every other schedule."""
    match = _DAILY.fullmatch(text.strip())
    return f"{int(match[1]):02}:{match[2] or '00'}" if match else None


def schedule_minutes(text: str) -> int | None:
    """``every 15 minutes``, ``2 h``, ``hourly``; None for ``by hand``. Raises ValueError with what to write."""
    words = text.strip().lower()
    if words in ("", "by hand", "never", "no", "off"):
        return None
    if words in _NAMED:
        return _NAMED[words]
    if _DAILY.fullmatch(words):
        return _NAMED["daily"]
    match = _EVERY.fullmatch(words)
    if match is None or not (match[1] or match[2]):
        raise ValueError(SCHEDULE_WORDS)
    minutes = int(match[1] or 1) * _MINUTES[(match[2] or "m")[0]]
    if not 1 <= minutes <= 30 * 1_440:
        raise ValueError("It must be between 1 minute and 30 days.")
    return minutes


def to_form(provider: str, auth: AuthKind, values: dict[str, str], settings: dict[str, str]) -> ConnectionForm:
    """What was typed, as the actions want it: empty is absent, an absent secret keeps the stored one."""
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    schedule, name = given.pop("schedule", ""), given.pop("name", "")
    return ConnectionForm(
        name=name,
        provider=provider,
        auth=auth,
        schedule_minutes=schedule_minutes(schedule),
        schedule_at=time_of_day(schedule),
        overrides=dict(settings),
        **given,
    )


def from_connection(connection: Connection) -> dict[str, str]:
    """What the form starts with on an edit. No secret is among it."""
    return {
        "name": connection.name,
        "base_url": stored_base_url(connection),
        "token_url": connection.token_url or "",
        "client_id": connection.client_id or "",
        "username": connection.username or "",
        "mls_system": connection.mls_system or "",
        "agent_key": connection.agent_key or "",
        "schedule": every(connection.schedule_minutes, connection.schedule_at),
    }


def stored_base_url(connection: Connection) -> str:
    """The server that the user gave; empty if it is the preset's."""
    try:
        return own_base_url(connection)
    except UsageError:
        return connection.base_url  # kept by a version with other presets: saving says what does not fit


def typed_settings(connection: Connection) -> dict[str, str]:
    """The settings that the user has changed, as text."""
    base = PRESETS.get(connection.provider)
    own = own_fields(base) if base else {}
    found = {name: str(getattr(connection, field)) for name, field in own.items() if getattr(connection, field)}
    for name, value in connection.overrides.items():
        if name in SETTING_NAMES:
            found[name] = value.strip() or setting_text(None) if isinstance(value, str) else setting_text(value)
    if base and not stored_base_url(connection):
        found.pop("base_url", None)
    return found


def found_words(found: ConnectionTest) -> Content:
    """What a test found, for the user to recognise as theirs."""
    member = found.member
    who = one_line(member.member_name or member.member_key or "the MLS does not say", 60)
    office = one_line(member.office_name or member.office_key or "the MLS does not say", 60)
    waiting = "the MLS does not count" if found.waiting is None else plural(found.waiting, "listing")
    lines = [
        Content.assemble(("✔ Signed in. This test stored nothing; ctrl+s saves the connection.", "bold $text-success")),
        Content.assemble(("  Agent    ", "$foreground 60%"), who),
        Content.assemble(("  Office   ", "$foreground 60%"), office),
        Content.assemble(("  Waiting  ", "$foreground 60%"), waiting),
    ]
    lines += [Content.assemble(("  ! ", "$text-warning"), one_line(note, 200)) for note in found.notes]
    return Content("\n").join(lines)


def failed_words(error: str) -> Content:
    """Why a test or a save did not work."""
    return Content.assemble(("✖ ", "bold $text-error"), plain(error or "It did not work."))


class FieldLine(Vertical):
    """A label, its input, a mark, and below them what is wrong."""

    entry = getters.query_one(Input)

    def __init__(self, field: Field, value: str, *, stored: bool = False) -> None:
        super().__init__(classes="field-line")
        self.field = field
        self.initial = self._value = value
        self._stored = stored

    def compose(self) -> ComposeResult:
        field = self.field
        choices = next((each for each in _CHOICES if field.setting and field.hint in each), None)
        with Horizontal(classes="field"):
            yield Label(f"{field.label}{' *' if field.required else ''}", classes="label", markup=False)
            yield (Input if field.secret else PlainInput)(
                value=self._value,
                password=field.secret,
                placeholder=KEPT if self._stored else field.hint,
                suggester=SuggestFromList(choices) if choices else None,
                id=field.key,
                compact=True,
            )
            yield Static("", id=f"mark-{field.name}", classes="mark")
        yield Static("", id=f"check-{field.name}", classes="check")

    def on_mount(self) -> None:
        self.initial = self.entry.value
        self.check()

    def check(self, *, required: bool = False) -> bool:
        """Show what is wrong; an empty field is called wrong only with ``required``, when one tries to save."""
        wrong = problem(self.field, self.entry.value, stored=self._stored)
        empty = not self.entry.value.strip()
        shown = wrong if wrong and (required or not empty) else None
        if shown:
            mark: tuple[str, str] = ("✖", "$text-error")
        elif empty:
            mark = ("", "")
        else:
            mark = ("↺" if self.field.setting else "✔", "$text-success")
        self.query_one(f"#mark-{self.field.name}", Static).update(Content.assemble(mark), layout=False)
        note = self.query_one(f"#check-{self.field.name}", Static)
        note.update(Content.assemble((shown, "$text-error") if shown else (self.field.note, "$text-muted")))
        note.display = bool(shown or self.field.note)
        return wrong is None


class FieldScroll(VerticalScroll, inherit_bindings=False):
    """Its arrows go from field to field and do not scroll; the field with the focus is always on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up", show=False, id="form.page_up", tooltip="A page up", group=FORM),
        Binding("pagedown", "page_down", "Page down", show=False, id="form.page_down", tooltip="A page on", group=FORM),
    ]


class ConnectionFormScreen(FormScreen):
    """``test`` tries the stored connection at once."""

    WRITES = frozenset({"save"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="form.save", tooltip="Store the connection", group=FORM),
        Binding("ctrl+t", "test", "Test", id="form.test", tooltip="Sign in and see what is there", group=FORM),
        Binding("ctrl+o", "more", "More settings", id="form.more", tooltip="All settings of the provider", group=FORM),
        Binding("ctrl+r", "preset", "As preset", id="form.preset", tooltip="Back to the preset's value", group=FORM),
        Binding("f1", "explain", "Explain", id="form.explain", tooltip="What this field is for", group=FORM),
        Binding("escape", "back", "Cancel", id="go.back", tooltip="Leave without saving", group=FORM),
        Binding("up", "app.focus_previous", "Previous", show=False, id="form.up", tooltip="Field above", group=FORM),
        Binding("down,enter", "app.focus_next", "Next", show=False, id="form.down", tooltip="Field below", group=FORM),
    ]

    provider = getters.query_one("#provider", Select)
    auth = getters.query_one("#auth", Select)
    found = getters.query_one("#found", Static)

    def __init__(self, connection: Connection | None = None, *, test: bool = False) -> None:
        super().__init__()
        self._connection = connection
        self._test_first = test
        self._typed: dict[str, str] = from_connection(connection) if connection else {"schedule": "by hand"}
        self._fields: tuple[Field, ...] = ()
        self._settings: dict[str, dict[str, str]] = {}
        if connection is not None:
            self._settings[connection.provider] = typed_settings(connection)
        self._more = False
        self._changed = False
        self._service: BackgroundService | None = None

    def crumbs(self) -> tuple[str, ...]:
        return ("Connections", self._connection.name if self._connection else "New")

    def body(self) -> ComposeResult:
        provider = self._connection.provider if self._connection else "reso"
        with FieldScroll(id="form", can_focus=False):
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
            with Horizontal(classes="field", id="sign-in-line"):
                yield Label("Sign in with", classes="label")
                yield Select([("", "")], allow_blank=False, compact=True, id="auth")
            yield Vertical(id="fields")
            yield Static("Settings", classes="label form-title")
            yield Vertical(id="common-settings")
            yield Button("More settings  (ctrl+o)", id="more", compact=True)
            yield Vertical(id="more-settings")
            yield Static(id="found")
        with Horizontal(id="form-buttons"):
            yield Button("Save  (ctrl+s)", id="save", variant="primary", compact=True)
            yield Button("Test  (ctrl+t)", id="test", compact=True)
            yield Button("Cancel  (esc)", id="cancel", compact=True)

    async def load(self) -> None:
        if self._fields:
            return
        if not self.app.demo:
            self._service = (await self.actions.service_status()).data
        self._offer_auths()
        await self._lay_out()
        if self._test_first:
            self.action_test()

    # what is on the form -----------------------------------------------------------------------------------------

    @property
    def _preset(self) -> ProviderPreset:
        return PRESETS[str(self.provider.value)]

    @property
    def _auth(self) -> AuthKind:
        value = self.auth.value
        return AuthKind(value) if value in self._preset.auths else self._preset.auths[0]

    def _offer_auths(self) -> None:
        auths = self._preset.auths
        stored = self._connection.auth if self._connection else None
        self.auth.set_options([(AUTH_WORDS[auth], auth.value) for auth in auths])
        self.auth.value = (stored if stored in auths else auths[0]).value if stored else auths[0].value
        self.auth.disabled = len(auths) == 1
        notes = [plain(note) for note in self._preset.notes]
        self.query_one("#preset-notes", Static).update(Content("\n").join(notes))

    @on(Select.Changed, "#provider")
    async def _another_provider(self) -> None:
        if self._fields:
            self._offer_auths()
            await self._lay_out()

    @on(Select.Changed, "#auth")
    async def _another_auth(self) -> None:
        if self._fields:
            await self._lay_out()

    async def _lay_out(self) -> None:
        fields = fields_for(self._preset, self._auth, self._service)
        if fields == self._fields and self.provider.value == self._laid_out:
            return
        if self._fields:
            self._changed = True
        self._fields, self._laid_out = fields, str(self.provider.value)
        stored = self._keeps_secrets
        await self._replace(
            "#fields",
            [FieldLine(each, self._typed.get(each.name, ""), stored=each.secret and stored) for each in fields],
        )
        await self._replace("#common-settings", self._setting_lines(common=True))
        await self._replace("#more-settings", self._setting_lines(common=False) if self._more else [])
        self.query_one("#field-name", Input).focus()

    _laid_out = ""

    async def _replace(self, holder: str, lines: list[FieldLine]) -> None:
        place = self.query_one(holder, Vertical)
        await place.remove_children()
        await place.mount(*lines)

    @property
    def _typed_settings(self) -> dict[str, str]:
        """The changed settings of the provider that is chosen."""
        return self._settings.setdefault(self._preset.name, {})

    @property
    def _asked_above(self) -> Collection[str]:
        """The settings that the form's own fields ask for."""
        own = {field.name for field in self._fields}
        return {setting for setting, field in own_fields(self._preset).items() if field in own}

    def _setting_lines(self, *, common: bool) -> list[FieldLine]:
        hidden, typed = self._asked_above, self._typed_settings
        return [
            FieldLine(setting_field(each), typed.get(each.name, ""))
            for each in preset_settings(self._preset)
            if each.common is common and each.name not in hidden
        ]

    @property
    def _keeps_secrets(self) -> bool:
        """Whether the stored secrets stay: another provider, or another way of signing in, needs its own."""
        stored = self._connection
        return stored is not None and stored.provider == self._preset.name and stored.auth is self._auth

    @on(Input.Changed)
    def _input_changed(self, event: Input.Changed) -> None:
        line = event.input.query_ancestor(FieldLine)
        values = self._typed_settings if line.field.setting else self._typed
        self._changed = self._changed or event.value != line.initial
        values[line.field.name] = event.value
        line.check()

    # what can be done --------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        return self._changed

    def _complete(self) -> ConnectionForm | None:
        """The form if every field is right; else the first wrong one gets the focus."""
        lines = list(self.query(FieldLine))
        wrong = [line for line in lines if not line.check(required=True)]
        shown = {line.field.name for line in lines if line.field.setting}
        hidden = [
            each.name
            for each in preset_settings(self._preset)
            if each.name not in shown and problem(setting_field(each), self._typed_settings.get(each.name, ""))
        ]
        if wrong:
            wrong[0].entry.focus()
        elif hidden:
            start_task(self, partial(self._show_more, hidden[0]), "more")
        else:
            values = {field.name: self._typed.get(field.name, "") for field in self._fields}
            above = self._asked_above
            settings = {
                name: text.strip() for name, text in self._typed_settings.items() if text.strip() and name not in above
            }
            return to_form(self._preset.name, self._auth, values, settings)
        return None

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if action == "preset" and self._focused_setting is None:
            return "Go to one of the provider's settings first."
        if action == "explain" and self._focused_line is None:
            return "Go to a field first."
        return READ_ONLY if action == "save" and self.app.read_only else None

    @property
    def _focused_line(self) -> FieldLine | None:
        focused = self.focused
        return focused.query_ancestor(FieldLine) if isinstance(focused, Input) else None

    @property
    def _focused_setting(self) -> FieldLine | None:
        line = self._focused_line
        return line if line is not None and line.field.setting else None

    def action_explain(self) -> None:
        if (line := self._focused_line) is not None:
            must = f"\n\nIt must be {line.field.wanted}." if line.field.wanted else ""
            self.app.push_screen(TextDialog(line.field.label, f"{line.field.help}{must}"))

    @on(Button.Pressed, "#more")
    def action_more(self) -> None:
        start_task(self, self._hide_more if self._more else self._show_more, "more")

    async def _show_more(self, setting: str | None = None) -> None:
        if not self._more:
            self._more = True
            self.query_one("#more", Button).label = "Fewer settings  (ctrl+o)"
            await self._replace("#more-settings", self._setting_lines(common=False))
        name = setting or self.query("#more-settings FieldLine").first(FieldLine).field.name
        self.query_one(f"#setting-{name}", Input).focus()

    async def _hide_more(self) -> None:
        self._more = False
        self.query_one("#more", Button).label = "More settings  (ctrl+o)"
        await self._replace("#more-settings", [])

    def action_preset(self) -> None:
        if (line := self._focused_setting) is not None:
            line.entry.value = ""

    @on(Button.Pressed, "#test")
    def action_test(self) -> None:
        if (form := self._complete()) is not None:
            self._say(Content.assemble(("… ", "$text-primary"), "Signing in"))
            start_task(self, partial(self._try, form), "form")

    def _say(self, words: Content) -> None:
        self.found.update(words)
        self.call_after_refresh(self.found.scroll_visible, animate=False)  # only then is its new height known

    async def _try(self, form: ConnectionForm) -> None:
        identity = self._connection.connection_id if self._connection else None
        result = await self.actions.try_connection(form, self.workspace, connection_id=identity)
        self._say(found_words(result.data) if result.success and result.data else failed_words(result.error or ""))

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        if self.app.read_only:
            self.notify(READ_ONLY, severity="warning")
        elif (form := self._complete()) is not None:
            start_task(self, partial(self._save, form), "form")

    async def _save(self, form: ConnectionForm) -> None:
        if self._connection is None:
            result = await self.actions.connect_mls(form, self.workspace)
        else:
            result = await self.actions.update_connection(self._connection.connection_id, form, self.workspace)
        if not result.success:
            self._say(failed_words(result.error or ""))
            return
        if self._connection is not None:
            self.app.schedules.forget(self._connection.connection_id)
        note = result.data.note if result.data else ""
        if form.schedule_minutes and not note:
            service = (await self.actions.service_status()).data
            if service is not None and not service.installed:
                note = "It is imported while this program is open; b installs a service that imports it always."
        self.notify(f"Saved {form.name}. {note or 'i imports it.'}")
        self.post_message(GoBack())

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_back()
