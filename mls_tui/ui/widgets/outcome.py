"""How a run ended, for a table's cell: by sign, words and colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text

from mls_tui.domain.words import plural
from mls_tui.ui.widgets.plain import cell

if TYPE_CHECKING:
    from mls_tui.domain.run import ImportCounts, ImportRun

Hue = Callable[[str], str]
"""A theme's colour by its role: ``success``, ``warning``, ``error``, ``primary`` …"""


def left_words(counts: ImportCounts) -> str:
    """``3 failed``, else ``13 photos missing``: what another try may bring; empty where there is nothing."""
    if counts.failed:
        return f"{counts.failed:,} failed"
    return f"{plural(counts.photos_failed, 'photo')} missing" if counts.photos_failed else ""


def outcome(run: ImportRun | None, hue: Hue) -> Text:
    """``✔ 298 in``, ``! 298 in, 2 failed``, ``✖ <why>``, ``■ cancelled``; empty without a run."""
    if run is None:
        return Text("")
    from mls_tui.domain.run import RunState

    if run.state is RunState.RUNNING:
        return Text("▶ running", style=hue("primary"))
    if run.state in (RunState.CANCELLED, RunState.INTERRUPTED):
        return Text(f"■ {run.state.value}", style=hue("warning"))
    if run.state is RunState.FAILED:
        return Text.assemble(("✖ ", hue("error")), cell(run.error or "failed"))
    counts = run.counts
    if left := left_words(counts):
        return Text.assemble(("! ", hue("warning")), f"{counts.successful:,} in, {left}")
    return Text.assemble(("✔ ", hue("success")), f"{counts.successful:,} in" if counts.total else "nothing new")
