"""Shows an import: a bar on a terminal, else plain lines, or JSON lines with ``--events``; and its summary."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from mls_tui.cli.output import json_text, plain_text, say
from mls_tui.domain.events import AttemptFailed, Event, ListingFailed, PageFetched, RunStarted, Throttled
from mls_tui.domain.run import ImportCounts, ImportResult
from mls_tui.domain.wording import photo_name, plural
from mls_tui.importer.tally import Tally, TallyFold

if TYPE_CHECKING:
    from rich.progress import Progress


class Silent:
    """Shows nothing of a run, as with ``--json``. The other ways to show a run are its subclasses; each is a context
    manager around the run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def event(self, event: Event) -> None:
        """Show an event of an import that runs in this process."""

    def tally(self, tally: Tally) -> None:
        """Show the counts of a run that a worker executes."""


def show_for(*, events: bool = False, quiet: bool = False) -> Silent:
    """JSON lines on stdout with ``events``, nothing if ``quiet``, a bar if stderr is a terminal, else lines."""
    if events:
        return JsonLines()
    if quiet:
        return Silent()
    return Bar() if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else Lines()


class JsonLines(Silent):
    """Prints one event a line on stdout (docs/contract.md, section Events)."""

    def event(self, event: Event) -> None:
        click.echo(json_text(event.to_json()))


class Lines(Silent):
    """Prints pages, retries, throttling and failures on stderr, for a log file."""

    def __init__(self) -> None:
        self._fold = TallyFold()
        self._before: Tally | None = None

    def event(self, event: Event) -> None:
        self._fold.add(event)
        text = line_of(event)
        if text is not None:
            say(text)
        if isinstance(event, PageFetched):
            counts = self._fold.snapshot().counts
            say(f"  so far {_counted(counts.successful, counts)}")

    def tally(self, tally: Tally) -> None:
        before, self._before = self._before, tally
        if before is not None and (before.counts, before.paused) == (tally.counts, tally.paused):
            return
        counts = tally.counts
        total = f" (of {tally.expected:,})" if tally.expected is not None else ""
        paused = "; paused" if tally.paused else ""
        done = f"{_counted(tally.done, counts)}{total}{paused}"
        say(plain_text(f"{tally.connection}: {done}"))


class Bar(Silent):
    """Draws a bar with the time left. Failures scroll above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._fold = TallyFold()
        self._bar: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("listings", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def event(self, event: Event) -> None:
        from rich.text import Text

        self._fold.add(event)
        text = line_of(event)
        if text is not None and not isinstance(event, PageFetched):
            self._bar.console.print(Text(text))
        self.tally(self._fold.snapshot())

    def tally(self, tally: Tally) -> None:
        photos = f"listings ({tally.counts.photos_stored} photos)"
        self._bar.update(self._task, completed=tally.done, total=tally.expected, description=photos)


def _counted(listings: int, counts: ImportCounts) -> str:
    return f"{plural(listings, 'listing')}, {plural(counts.photos_stored, 'photo')}, {counts.failed:,} failed"


def line_of(event: Event) -> str | None:
    """The event as a line of text; None if it is not worth one."""
    match event:
        case RunStarted():
            return f"Importing {plain_text(event.connection)}" + (
                " (continuing where it stopped)" if event.resumed else ""
            )
        case PageFetched():
            total = f" of {event.total}" if event.total is not None else ""
            return f"Page {event.number}: {plural(event.records, 'record')}{total}"
        case AttemptFailed():
            what = event.what if event.photo_index is None else photo_name(event.photo_index)
            who = f"{event.mls_number} " if event.mls_number else ""
            again = "giving up" if event.wait is None else f"again in {event.wait:.0f} s"
            return plain_text(f"{who}{what}: attempt {event.attempt} of {event.of} failed, {again}: {event.cause}")
        case ListingFailed():
            return plain_text(f"{event.mls_number} failed after {plural(event.attempts, 'attempt')}: {event.error}")
        case Throttled():
            return plain_text(f"The MLS asks to wait until {event.until:%H:%M:%S} UTC: {event.why}")
    return None


def print_end(result: ImportResult, *, quiet: bool, err: bool = False) -> None:
    """Print the error on stderr, or the summary on stdout (``err``: on stderr) unless ``quiet``."""
    if result.error is not None:
        say(f"Error: {plain_text(result.error)}")
    elif not quiet:
        (say if err else click.echo)(summary(result))


def summary(result: ImportResult) -> str:
    """The result in a few lines."""
    counts = result.counts
    lines = [
        f"{result.message} in {(result.finished_at - result.started_at) / 1000:.1f} s: "
        f"{counts.created:,} created, {counts.updated:,} updated, {counts.unchanged:,} unchanged, "
        f"{counts.removed:,} removed, {counts.failed:,} failed.",
        f"{plural(counts.photos_stored, 'photo')} stored ({counts.bytes / 1e6:.1f} MB), "
        f"{counts.photos_failed:,} could not be fetched.",
    ]
    lines += [
        f"  {plain_text(each.mls_number)}: {plain_text(each.error)} ({plural(each.attempts, 'attempt')})"
        for each in result.errors[:20]
    ]
    if len(result.errors) > 20:
        lines.append(f"  and {len(result.errors) - 20} more: `mls-tui history` has them all")
    lines += [f"  warning: {count} × {plain_text(kind)}" for kind, count in sorted(result.warnings.items())]
    return "\n".join(lines)
