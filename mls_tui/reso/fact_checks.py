"""What ``doctor`` says of a connection before anything is asked of its provider: each fact its imports go by, and how
sure it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mls_tui.reso.facts import Fact, letters
from mls_tui.reso.preset_fields import ProviderPreset
from mls_tui.storage.base import Check


@dataclass(frozen=True, slots=True)
class FactCheck(Check):
    """A line for one fact. ``sure`` is the preset's letter (A, B, C, M or ours), ``set_by_you`` whether the user
    replaced it, ``preset_value`` what the preset says."""

    value: str = ""
    preset_value: str = ""
    sure: str = ""
    set_by_you: bool = False


def fact_checks(base: ProviderPreset, facts: Iterable[Fact]) -> list[Check]:
    """The preset in the first line, then a line for each fact."""
    said = " ".join(base.notes)
    head = Check("preset", "ok", f"{base.label}: sure {letters(base)}; not tried live. {said}".strip())
    return [head, *(_line(fact) for fact in facts)]


def _line(fact: Fact) -> FactCheck:
    return FactCheck(
        name=f"fact {fact.name}",
        state="ok",
        detail=f"{fact.value} ({fact.source})",
        value=fact.value,
        preset_value=fact.preset_value,
        sure=fact.sure.value,
        set_by_you=fact.mine,
    )
