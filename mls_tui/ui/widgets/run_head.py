"""The numbers of a run: bar, rate, time left, bytes, outcomes; and its summary at the end. Pure drawing of a Tally."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from mls_tui.domain.run import ImportCounts, ImportResult, RunState
from mls_tui.importer.tally import Tally
from mls_tui.ui.widgets.numbers import bar, count, duration, rate, size
from mls_tui.ui.widgets.outcome import left_words
from mls_tui.ui.widgets.plain import one_line

_BLOCKS = "▁▂▃▄▅▆▇█"

Parts = list[Content | str | tuple[str, str]]


def spark(values: tuple[float, ...], width: int) -> str:
    """The last ``width`` values as blocks; the highest fills its cell, zero stays at the bottom."""
    shown = values[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return ""
    return "".join(_BLOCKS[min(7, round(value / top * 7))] for value in shown)


class RunHead(Widget, can_focus=False):
    """Five lines while a run works, its summary when it has ended."""

    tally: reactive[Tally | None] = reactive(None)

    def render(self) -> Content:
        tally = self.tally
        if tally is None:
            return Content("")
        width = self.size.width
        parts = [title(tally), overall(tally, width), speed(tally, width)]
        parts.append(outcomes(tally.result.counts if tally.result else tally.counts, width))
        return Content("\n").join(parts)


def title(tally: Tally) -> Content:
    """The connection, and what it is doing."""
    name = one_line(tally.connection, 60) or "Import"
    state: tuple[str, str]
    if tally.result is not None:
        state = ended_words(tally.result)
    elif tally.paused:
        state = ("⏸ paused: what is in flight is finished, nothing new begins", "$text-warning")
    elif tally.throttled_until is not None:
        state = ("◷ waiting for the MLS", "$text-warning")
    else:
        state = ("▶ importing", "$text-success")
    resumed = ("  · resumed", "$foreground 60%") if tally.resumed else ""
    return Content.assemble((name, "bold"), "   ", state, resumed)


def ended_words(result: ImportResult) -> tuple[str, str]:
    """The state a run ended in, by sign, words and colour."""
    if result.state in (RunState.CANCELLED, RunState.INTERRUPTED):
        return f"■ {result.state.value}: what is stored stays, the next import goes on from there", "$text-warning"
    if result.error is not None:
        return f"✖ {one_line(result.error, 200)}", "$text-error"
    if left := left_words(result.counts):
        return f"! done, {left}", "$text-warning"
    return "✔ done", "$text-success"


def overall(tally: Tally, width: int) -> Content:
    """The bar with its percentage; without a known end, a dotted line."""
    share = tally.done / tally.expected if tally.expected else None
    if tally.result is not None and tally.result.success and tally.result.state is RunState.DONE:
        share = 1.0
    label = "  ?  " if share is None else f" {min(1.0, share):4.0%}"
    return Content.assemble(*bar(share, max(10, width - len(label) - 1)), label)


def speed(tally: Tally, width: int) -> Content:
    """Listings, rate, time, bytes; and the sparkline where there is room."""
    counts = tally.result.counts if tally.result else tally.counts
    done = counts.total if tally.result else tally.done
    words = [f"{count(done, tally.expected)} listings", rate(tally.rate)]
    if tally.running:
        left = tally.eta_seconds
        words.append("time left unknown" if left is None else f"{duration(left)} left")
    words.append(f"{duration(tally.seconds)} so far" if tally.running else f"took {duration(tally.seconds)}")
    per_second = int(counts.bytes / tally.seconds) if tally.seconds >= 1 else 0
    words.append(size(counts.bytes))
    wide = "  ·  ".join(words) + (f" ({size(per_second)}/s)" if per_second else "")
    text = wide if len(wide) <= width else " · ".join(words)
    room = width - len(text) - 4
    graph = spark(tally.rates, min(60, room)) if room >= 8 else ""
    return Content.assemble(text, "  ", (graph, "$primary"))


def outcomes(counts: ImportCounts, width: int | None = None) -> Content:
    """Every outcome with its sign; failures stand out by sign, word and colour.

    What does not fit into ``width`` is said shorter: first without what is zero, then without words.
    """
    full, brief = _outcomes(counts), _outcomes(counts, zeros=False)
    if width is None or full.cell_length <= width:
        return full
    return brief if brief.cell_length <= width else _outcomes(counts, zeros=False, words=False)


def _outcomes(counts: ImportCounts, *, zeros: bool = True, words: bool = True) -> Content:
    shown = [
        ("✚", counts.created, "created", "$text-success"),
        ("↻", counts.updated, "updated", "$text-primary"),
        ("=", counts.unchanged, "unchanged", "$foreground 60%"),
        ("−", counts.removed, "removed", "$foreground 60%"),
        ("✖", counts.failed, "failed", "$text-error"),
        ("▣", counts.photos_stored, "photos", "$text-secondary"),
        ("✖", counts.photos_failed, "photos missing", "$text-warning"),
    ]
    always = {"created", "updated", "unchanged", "failed", "photos"} if zeros else {"created"}
    found: list[Content] = []
    for sign, number, word, style in shown:
        if number or word in always:
            look = style if number else "$foreground 60%"
            said = f" {word}" if words else ""
            found.append(Content.assemble((f"{sign} {number:,}", look), (said, "$foreground 60%")))
    return Content("   ").join(found)
