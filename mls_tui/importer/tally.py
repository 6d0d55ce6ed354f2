"""Folds a run's events into numbers, for the progress screen, the command line and the run's row."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mls_tui.domain.events import (
    AttemptFailed,
    Event,
    ListingFailed,
    ListingRemoved,
    ListingSkipped,
    ListingStarted,
    ListingStored,
    PageFetched,
    PhotoFailed,
    PhotoStored,
    RunFinished,
    RunStarted,
    Throttled,
)
from mls_tui.domain.run import ImportCounts, ImportResult, ImportRun
from mls_tui.domain.wording import photo_name


@dataclass(frozen=True, slots=True)
class ListingInFlight:
    """A listing being imported. ``attempt`` counts from 1; ``retry_at`` is when that attempt begins."""

    listing_key: str
    mls_number: str
    address: str = ""
    photos_done: int = 0
    photos_total: int = 0
    attempt: int = 1
    attempts_of: int = 3
    retry_at: datetime | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of a run at one moment. ``expected`` is how many listings the MLS counts. ``rate`` is listings per
    second over the last 10 s. ``by_worker`` is True if a worker runs it and only the stored row is known here."""

    run: str = ""
    connection: str = ""
    provider: str = ""
    started_at: datetime | None = None
    now: datetime | None = None
    expected: int | None = None
    resumed: bool = False
    paused: bool = False
    counts: ImportCounts = field(default_factory=ImportCounts)
    in_flight: tuple[ListingInFlight, ...] = ()
    by_worker: bool = False
    throttled_until: datetime | None = None
    throttled_why: str = ""
    rates: tuple[float, ...] = ()
    result: ImportResult | None = None

    @property
    def begun(self) -> bool:
        """True if the run has started, or was refused before it started."""
        return self.started_at is not None or self.result is not None

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.result is None

    @property
    def done(self) -> int:
        """Finished listings, whatever their outcome."""
        return self.counts.successful + self.counts.failed + self.counts.skipped

    @property
    def rate(self) -> float:
        recent = self.rates[-10:]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def seconds(self) -> float:
        if self.started_at is None or self.now is None:
            return 0.0
        return max(0.0, (self.now - self.started_at).total_seconds())

    @property
    def eta_seconds(self) -> float | None:
        """None while it cannot be known."""
        if self.expected is None or self.rate <= 0:
            return None
        return max(0, self.expected - self.done) / self.rate


def deltas(event: Event) -> tuple[tuple[str, int], ...]:
    """The fields of ImportCounts that an event changes, and by how much."""
    match event:
        case PhotoStored():  # first, as most events are of this kind
            return ("photos_stored", 1), ("bytes", event.size)
        case PhotoFailed():
            return (("photos_failed", 1),)
        case ListingStored():
            return (event.outcome, 1), *_replaced(event)
        case ListingRemoved():
            return ("removed", 1), *_replaced(event)
        case ListingSkipped():
            return (("skipped", 1),)
        case ListingFailed():
            return ("failed", 1), ("quarantined", int(event.quarantined)), *_replaced(event)
        case AttemptFailed():
            return ((f"attempts_failed_{event.what}", 1),)
        case PageFetched():
            return (("pages", 1),)
        case Throttled():
            return (("throttled", 1),)
    return ()


def _replaced(event: ListingStored | ListingRemoved | ListingFailed) -> tuple[tuple[str, int], ...]:
    """A listing counts once per run: take back the outcome that it counted as before."""
    return ((event.replaces, -1),) if event.replaces else ()


@dataclass(slots=True)
class TallyFold:
    """Folds events into a Tally. Cheap per event; ``snapshot`` builds the immutable view. ``counts`` to begin with are
    those of a run that is resumed."""

    _counts: dict[str, int] = field(default_factory=dict)
    _flights: dict[str, ListingInFlight] = field(default_factory=dict)
    _photos_done: dict[str, int] = field(default_factory=dict)
    _base: Tally = field(default_factory=Tally)
    _now: datetime | None = None
    _seconds: deque[int] = field(default_factory=lambda: deque(maxlen=60))
    _last_second: int | None = None

    @property
    def expected(self) -> int | None:
        return self._base.expected

    def count(self, **counts: int) -> None:
        """Add to the counts without an event."""
        for name, by in counts.items():
            self._counts[name] = self._counts.get(name, 0) + by

    def add(self, event: Event) -> None:
        """Add one event."""
        self._now = event.at
        for name, by in deltas(event):
            self._counts[name] = self._counts.get(name, 0) + by
        match event:
            case PhotoStored():  # first, as most events are of this kind
                self._photo_done(event.listing_key)
            case RunStarted():
                self._base = replace(
                    self._base,
                    run=event.run,
                    connection=event.connection,
                    provider=event.provider,
                    started_at=event.at,
                    resumed=event.resumed,
                )
            case PageFetched():
                if event.total is not None:
                    self._base = replace(self._base, expected=event.total)
            case Throttled():
                self._base = replace(self._base, throttled_until=event.until, throttled_why=event.why)
            case RunFinished():
                self._flights.clear()
                self._photos_done.clear()
                self._base = replace(self._base, result=event.result)
            case _:
                self._add_listing(event)

    def _add_listing(self, event: Event) -> None:
        match event:
            case ListingStarted():
                self._photos_done[event.listing_key] = 0
                self._flights[event.listing_key] = ListingInFlight(
                    event.listing_key, event.mls_number, event.address, photos_total=event.photos
                )
            case AttemptFailed():
                self._attempt_failed(event)
            case PhotoFailed():
                self._photo_done(event.listing_key)
            case ListingStored() | ListingRemoved() | ListingFailed():
                self._finished(event.listing_key, event.at)

    def snapshot(self, now: datetime | None = None, *, paused: bool = False) -> Tally:
        """The numbers so far. ``now`` (the last event's time if None) determines rates and waits."""
        counts = self._counts
        total = sum(counts.get(name, 0) for name in ("created", "updated", "unchanged", "removed", "failed"))
        moment = now or self._now
        until = self._base.throttled_until
        return replace(
            self._base,
            now=moment,
            paused=paused,
            counts=ImportCounts.model_construct(**{**_NO_COUNTS, **counts, "total": total}),
            in_flight=tuple(
                replace(flight, photos_done=self._photos_done[key]) for key, flight in self._flights.items()
            ),
            throttled_until=until if until and moment and until > moment else None,
            rates=self._rates(moment),
        )

    def _rates(self, now: datetime | None) -> tuple[float, ...]:
        """Listings finished in each of the last 60 seconds, including seconds without any."""
        rates = tuple(float(count) for count in self._seconds)
        if now is None or self._last_second is None or self._base.result is not None:
            return rates
        quiet = min(max(0, int(now.timestamp()) - self._last_second), 60)
        return (*rates, *(0.0,) * quiet)[-60:]

    def _attempt_failed(self, event: AttemptFailed) -> None:
        if event.listing_key is None or event.listing_key not in self._flights:
            return
        flight = self._flights[event.listing_key]
        if event.what == "listing":
            retry_at = _after(event.at, event.wait)
            flight = replace(
                flight, attempt=event.attempt + 1, attempts_of=event.of, retry_at=retry_at, cause=event.cause
            )
        else:
            flight = replace(flight, cause=_photo_cause(event))
        self._flights[event.listing_key] = flight

    def _photo_done(self, listing_key: str) -> None:
        if listing_key in self._photos_done:
            self._photos_done[listing_key] += 1

    def _finished(self, listing_key: str, at: datetime) -> None:
        self._flights.pop(listing_key, None)
        self._photos_done.pop(listing_key, None)
        second = int(at.timestamp())
        if self._last_second is None:
            self._last_second = second
            self._seconds.append(0)
        for _ in range(min(second - self._last_second, 60)):
            self._seconds.append(0)
        self._last_second = max(self._last_second, second)
        self._seconds[-1] += 1


def tally_of(run: ImportRun, now: datetime, before: Tally | None = None) -> Tally:
    """The tally of a run in another process, from its stored row. ``before`` is the previous tally: the rate is what
    was added since."""
    return Tally(
        run=run.run_id,
        connection=run.connection_name,
        provider=run.provider,
        started_at=datetime.fromtimestamp(run.started_at / 1000, UTC),
        now=now,
        expected=run.expected,
        paused=run.paused,
        by_worker=run.distributed,
        counts=run.counts,
        rates=() if before is None else (*before.rates, _rate(run, now, before))[-60:],
        result=result_of(run) if run.ended else None,
    )


def _rate(run: ImportRun, now: datetime, before: Tally) -> float:
    seconds = (now - before.now).total_seconds() if before.now is not None else 0.0
    return max(0.0, (run.counts.total - before.counts.total) / seconds) if seconds > 0 else 0.0


def result_of(run: ImportRun) -> ImportResult:
    """The result of a run that has ended, from its stored row."""
    return ImportResult(
        state=run.state,
        counts=run.counts,
        errors=run.errors,
        warnings=run.warnings,
        error=run.error,
        exit_code=run.exit_code,
        changes_only=run.changes_only,
        started_at=run.started_at,
        finished_at=run.finished_at or run.updated_at,
    )


_NO_COUNTS = ImportCounts().model_dump()


def _photo_cause(event: AttemptFailed) -> str:
    return event.cause if event.photo_index is None else f"{photo_name(event.photo_index)}: {event.cause}"


def _after(moment: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else moment + timedelta(seconds=seconds)
