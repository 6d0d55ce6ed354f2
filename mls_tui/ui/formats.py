"""Numbers as people read them: durations, sizes, rates, moments, a bar, the outcome of a run. Pure functions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from mls_tui.domain.wording import plural
from mls_tui.ui.text import cell

if TYPE_CHECKING:
    from mls_tui.domain.run import ImportCounts, ImportRun


NOTHING = "–"
"""Stands for an absent value."""


def duration(seconds: float) -> str:
    """``0:07``, ``12:30``, ``3:05:00``, ``2 d 4 h``."""
    whole = int(seconds + 0.5)
    if whole >= 2 * 86_400:
        return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count_of_bytes: int) -> str:
    """``812 B``, ``1.4 MB``: decimal units, as storage is sold."""
    if count_of_bytes < 1_000:
        return f"{count_of_bytes} B"
    value, unit = count_of_bytes / 1_000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1_000, larger
    return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.1f} {unit}"


def rate(per_second: float) -> str:
    """``12.3/s``; ``0/s`` says that nothing moves."""
    return f"{per_second:,.0f}/s" if per_second >= 100 or per_second == 0 else f"{per_second:.1f}/s"


def count(done: int, expected: int | None) -> str:
    """``124 of 300``; without a known end, ``124``."""
    return f"{done:,}" if expected is None else f"{done:,} of {max(done, expected):,}"


def every(minutes: int | None, at: str | None = None) -> str:
    """A schedule in words: ``every 15 minutes``, ``every 2 hours``, ``daily at 06:00``, ``by hand``."""
    if not minutes:
        return "by hand"
    if at and minutes == 1_440:
        return f"daily at {at}"
    if minutes % 1_440 == 0:
        return "every day" if minutes == 1_440 else f"every {minutes // 1_440} days"
    if minutes % 60 == 0:
        return "every hour" if minutes == 60 else f"every {minutes // 60} hours"
    return "every minute" if minutes == 1 else f"every {minutes} minutes"


def ago(at_ms: int | None, now: datetime) -> str:
    """``just now``, ``5 min ago``, ``3 h ago``, ``2026-05-30``; ``never`` without a moment."""
    if at_ms is None:
        return "never"
    seconds = now.timestamp() - at_ms / 1000
    if seconds < 60:
        return "just now"
    if seconds < 3_600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3_600:.0f} h ago"
    if seconds < 7 * 86_400:
        days = int(seconds // 86_400)
        return "1 day ago" if days == 1 else f"{days} days ago"
    return _local(at_ms).strftime("%Y-%m-%d")


def until(at_ms: int, now: datetime) -> str:
    """``in 12 min``, ``in 3 h``, ``in 5 days``; ``due`` once it is past."""
    seconds = at_ms / 1000 - now.timestamp()
    if seconds <= 0:
        return "due"
    if seconds < 3_600:
        return f"in {max(1, round(seconds / 60))} min"
    if seconds < 2 * 86_400:
        return f"in {round(seconds / 3_600)} h"
    return f"in {round(seconds / 86_400)} days"


def moment(at_ms: int | None) -> str:
    """``2026-06-01 12:00`` in the local time zone."""
    return "" if at_ms is None else _local(at_ms).strftime("%Y-%m-%d %H:%M")


def moment_utc(at_ms: int | None) -> str:
    """``2026-06-01 12:00``, in UTC."""
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def clock_time(at: datetime) -> str:
    """``12:00:05`` in the local time zone."""
    return at.astimezone().strftime("%H:%M:%S")


def zone_name(at_ms: int | None = None) -> str:
    """The local time zone's short name at this moment: ``CEST``."""
    return (datetime.now().astimezone() if at_ms is None else _local(at_ms)).strftime("%Z")


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()


def money(value: float | None) -> str:
    """``$450,000``; the feed's currency unit is taken as the dollar."""
    return NOTHING if value is None else f"${value:,.0f}"


def number(value: float | None) -> str:
    """``3``, ``2.5``, ``1,850``."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def age(then_ms: int, now_ms: int) -> str:
    """``now``, ``5 min``, ``3 h``, ``2 d``, else how many weeks or years."""
    seconds = max(0, now_ms - then_ms) / 1000
    if seconds < 60:
        return "now"
    for unit, each, limit in (("min", 60, 3600), ("h", 3600, 86_400), ("d", 86_400, 14 * 86_400)):
        if seconds < limit:
            return f"{int(seconds // each)} {unit}"
    weeks = int(seconds // (7 * 86_400))
    return f"{weeks} wk" if weeks < 104 else f"{weeks // 52} y"


def bar(share: float | None, width: int, *, style: str = "$primary") -> tuple[tuple[str, str], tuple[str, str]]:
    """Two styled parts, ``width`` cells together; ``share`` from 0 to 1, None if the end is not known."""
    if share is None:
        return ("╌" * width, "$foreground 60%"), ("", "")
    halves = round(max(0.0, min(1.0, share)) * width * 2)
    full = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return (full, style), ("─" * (width - len(full)), "$foreground 20%")


Hue = Callable[[str], str]
"""A theme's colour by its role: ``success``, ``warning``, ``error``, ``primary`` …"""


def left_words(counts: ImportCounts) -> str:
    """``3 failed``, else ``13 photos missing``: what another try may bring; empty if nothing."""
    if counts.failed:
        return f"{counts.failed:,} failed"
    return f"{plural(counts.photos_failed, 'photo')} missing" if counts.photos_failed else ""


def outcome(run: ImportRun | None, hue: Hue) -> Text:
    """``✔ 298 in``, ``! 298 in, 2 failed``, ``✖ <why>``, ``■ cancelled``; empty without a run."""
    if run is None:
        return Text("")
    from mls_tui.domain.run import RunState

    if not run.ended:
        return Text("▶ running" if run.state is RunState.RUNNING else "… queued", style=hue("primary"))
    if run.state in (RunState.CANCELLED, RunState.INTERRUPTED):
        return Text(f"■ {run.state.value}", style=hue("warning"))
    if run.state is RunState.FAILED:
        return Text.assemble(("✖ ", hue("error")), cell(run.error or "failed"))
    counts = run.counts
    if left := left_words(counts):
        return Text.assemble(("! ", hue("warning")), f"{counts.successful:,} in, {left}")
    return Text.assemble(("✔ ", hue("success")), f"{counts.successful:,} in" if counts.total else "nothing new")
