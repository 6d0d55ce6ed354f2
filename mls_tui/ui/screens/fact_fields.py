"""The settings of a provider as lines of the connection form: their groups, and how each is checked as it is typed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import UsageError
from mls_tui.reso.presets import (
    PRESETS,
    SETTING_NAMES,
    Override,
    ProviderPreset,
    own_base_url,
    own_fields,
    preset_settings,
    read_override,
    written,
)

WORDS: Final = {setting.name: setting.help for setting in preset_settings(PRESETS["reso"])}


def groups(hidden: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The names of the facts to show, by group; what the form asks for elsewhere is left out."""
    shown: dict[str, tuple[str, ...]] = {}
    for setting in preset_settings(PRESETS["reso"]):
        if setting.name not in hidden:
            shown[setting.group] = (*shown.get(setting.group, ()), setting.name)
    return shown


def asked_elsewhere(base: ProviderPreset, own: Collection[str]) -> frozenset[str]:
    """The facts that the form's own fields, by name, already ask for."""
    return frozenset(fact for fact, field in own_fields(base).items() if field in own)


def fact_problem(name: str, text: str) -> str | None:
    """What is wrong with a typed value, as what it must be; None where it is right or empty (the preset's)."""
    if not text.strip():
        return None
    try:
        read_override(name, text)
    except UsageError:
        return next(setting.wanted for setting in preset_settings(PRESETS["reso"]) if setting.name == name)
    return None


def typed_facts(connection: Connection) -> dict[str, str]:
    """What the lines hold on an edit: the facts that the user has set, as text."""
    base = PRESETS.get(connection.provider)
    own = own_fields(base) if base else {}
    facts = {fact: str(getattr(connection, field)) for fact, field in own.items() if getattr(connection, field)}
    facts |= {name: _text(value) for name, value in connection.overrides.items() if name in SETTING_NAMES}
    if base and not stored_base_url(connection):
        facts.pop("base_url", None)
    return facts


def stored_base_url(connection: Connection) -> str:
    """The server that the user gave; empty where it is the preset's."""
    try:
        return own_base_url(connection)
    except UsageError:
        return connection.base_url  # kept by a version with other presets: saving says what does not fit


def _text(value: Override) -> str:
    return value.strip() or written(None) if isinstance(value, str) else written(value)
