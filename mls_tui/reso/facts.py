"""The facts that an import of one connection goes by: each field of its preset as it is used, what the preset says, and
how sure that is. Pure; the same rows for the form, ``doctor`` and ``connections show``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from mls_tui.domain.connection import Connection
from mls_tui.reso.overrides import FIXED, NOTHING, Override, written
from mls_tui.reso.preset_fields import ProviderPreset, Sure
from mls_tui.reso.presets import for_connection, preset

SURE_WORDS: Final[Mapping[Sure, str]] = MappingProxyType(
    {
        Sure.A: "the provider's or the standard's own text",
        Sure.B: "a credible second-hand source",
        Sure.C: "seen in one client only",
        Sure.M: "measured",
        Sure.OURS: "our own choice",
    }
)
FACT_NAMES: Final = tuple(each.name for each in fields(ProviderPreset) if each.name not in FIXED)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. ``value`` and ``preset_value`` are text as ``overrides`` takes it; ``mine``: the user has set it."""

    name: str
    value: str
    preset_value: str
    sure: Sure
    mine: bool = False

    @property
    def source(self) -> str:
        """``set by you``, or the letter of how sure the preset is and what that means."""
        return "set by you" if self.mine else grade(self.sure)


def grade(sure: Sure) -> str:
    """``A: the provider's or the standard's own text``; ``our own choice``."""
    return SURE_WORDS[sure] if sure is Sure.OURS else f"{sure.value}: {SURE_WORDS[sure]}"


def letters(base: ProviderPreset) -> str:
    """How sure the facts of a preset are together, as FIELD §6 has it: ``A/B``."""
    return "/".join(sure.value for sure in base.sure)


def preset_facts(base: ProviderPreset) -> tuple[Fact, ...]:
    """The facts of a preset that nobody has changed."""
    return tuple(_fact(base, name, getattr(base, name), mine=False) for name in FACT_NAMES)


def facts_of(connection: Connection) -> tuple[Fact, ...]:
    """The facts as an import of this connection uses them. Raises UsageError as ``for_connection`` does."""
    base, used = preset(connection.provider), for_connection(connection)
    own = own_fields(base).items()
    mine = {fact for fact, field in own if fact != "base_url" and getattr(connection, field)}
    mine |= set(connection.overrides) | ({"base_url"} if own_base_url(connection) else set())
    return tuple(_fact(base, name, getattr(used, name), mine=name in mine) for name in FACT_NAMES)


def own_base_url(connection: Connection) -> str:
    """The base URL that the user gave; empty where it is the preset's."""
    without = connection.model_copy(update={"base_url": ""})
    base = preset(connection.provider)
    if not base.base_url:
        return connection.base_url
    return "" if connection.base_url == for_connection(without).base_url else connection.base_url


def own_fields(base: ProviderPreset) -> dict[str, str]:
    """Facts that a connection keeps in a field of its own: the field's name by the fact's."""
    own = {"base_url": "base_url", "token_url": "token_url", "scope": "scope"}
    return own | {"dataset" if "dataset" in base.required_fields else "system": "mls_system"}


def split_own(base: ProviderPreset, overrides: Mapping[str, Override]) -> tuple[dict[str, str], dict[str, Override]]:
    """Overrides of facts that a connection keeps in fields of its own, by those fields' names; and all others. One that
    takes the preset's value away stays an override: an own field that is empty means the preset's."""
    fields_of = own_fields(base)
    own = {
        name: str(value).strip()
        for name, value in overrides.items()
        if name in fields_of and str(value).strip().lower() not in ("", NOTHING)
    }
    return (
        {fields_of[name]: text for name, text in own.items()},
        {name: value for name, value in overrides.items() if name not in own},
    )


def _fact(base: ProviderPreset, name: str, value: object, *, mine: bool) -> Fact:
    return Fact(name, written(value), written(getattr(base, name)), base.sure_of(name), mine)
