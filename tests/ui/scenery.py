"""The data of the screenshots: homes of the demo's feed through the real mapping, four connections, past imports.
Always the same, and no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mls_tui.actions import ActionResult, ConnectionView, Difference, Preview, PreviewRow
from mls_tui.demo.feed import DemoFeed
from mls_tui.demo.records import media_records
from mls_tui.domain.listing import Change, Listing, Photo
from mls_tui.domain.run import ImportCounts, ImportRun, Problem, ProblemKind, RunState
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.record import Mapped, map_record
from mls_tui.reso.presets import preset
from tests.ui.fakes import NOW, NOW_MS, FakeActions, a_connection

if TYPE_CHECKING:
    from mls_tui.actions.workspace import Workspace

HOMES = 240
MINUTE = 60_000
DAY = 1_440 * MINUTE
RUN = "20260601-1148"
GONE = "photos.lakeside.example answered 404 Not Found."


class SceneryActions(FakeActions):
    """Draws a photo of the demo when it is asked for."""

    def __init__(self) -> None:
        self.feed = DemoFeed(HOMES, seed=4, epoch=NOW)
        homes = [home for key in self.feed.listing_keys() if (home := self._home(key)) is not None]
        super().__init__(connections=views(len(homes)), listings=homes, history=runs(len(homes)))
        self.problems[RUN] = problems(homes)
        self.preview = preview(homes)
        self.numbers = {home.listing_id: home.mls_id for home in homes}

    async def get_photo(self, key: str, workspace: Workspace) -> ActionResult[bytes]:
        from mls_tui.demo.photos import draw

        _, _, listing_id, _, name = key.split("/")
        mls_id = self.numbers[listing_id]
        shot = self.feed.shots(mls_id)[int(name.removeprefix("photo").partition(".")[0])]
        return ActionResult(success=True, data=draw(self.feed.home(mls_id), shot))

    def _home(self, key: str) -> Listing | None:
        verdict = map_record(self.feed.record(key), preset("reso"), connection_id="lakeside")
        if not isinstance(verdict, Mapped):
            return None
        home, listing = self.feed.home(key), verdict.listing
        listing_id = f"{listing.mls_provider}-{listing.mls_number}-{NOW_MS - 9 * DAY}"
        records = media_records(home, self.feed.shots(key), lambda shot: f"https://photos.example/{key}/{shot.number}")
        photos = tuple(
            _stored(photo, listing_id, missing=home.index % 23 == 5 and photo.order == 2)
            for photo in map_media(records, base_url="https://photos.example/")
        )
        age = 11 * MINUTE if home.index % 9 else 3 * DAY
        return listing.model_copy(
            update={"listing_id": listing_id, "photos": photos, "synced_at": NOW_MS - age, "history": _history(listing)}
        )


def _stored(photo: Photo, listing_id: str, *, missing: bool) -> Photo:
    if missing:
        return photo.model_copy(update={"error": f"{GONE} 2 attempts"})
    key = f"listings/local/{listing_id}/original/photo{photo.order}.jpg"
    return photo.model_copy(update={"key": key, "url": key, "size": 48_000})


def _history(listing: Listing) -> tuple[Change, ...]:
    price = listing.price or 0
    return (
        Change(at="2026-04-28T14:10:00Z", field="price", old=price * 1.04 // 1000 * 1000, new=price),
        Change(at="2026-05-29T08:45:00Z", field="status", old="pending", new=listing.status.value),
    )


def views(listings: int) -> list[ConnectionView]:
    """Four connections, in every state that a connection can be in."""
    lakeside = a_connection("Lakeside MLS", connection_id="lakeside", schedule_minutes=15)
    coast = a_connection("Coast & Valley", "bridge", schedule_minutes=1_440)
    capital = a_connection("Capital Area", "flexmls")
    done, failed = runs(listings)[0], runs(listings)[2]
    return [
        ConnectionView(lakeside, "connected", listings, done, NOW_MS + 4 * MINUTE),
        ConnectionView(coast, "expires soon", 8_412, replace_run(done, 900 * MINUTE), NOW_MS + 540 * MINUTE),
        ConnectionView(capital, "expired", 1_206, replace_run(failed, 2 * DAY)),
        ConnectionView(a_connection("North Ridge", "trestle"), "never imported", 0),
    ]


def replace_run(run: ImportRun, earlier: int) -> ImportRun:
    """The same run, ``earlier`` milliseconds before."""
    ended = (run.finished_at or run.started_at) - earlier
    return run.model_copy(update={"started_at": run.started_at - earlier, "finished_at": ended})


def runs(listings: int) -> list[ImportRun]:
    """Past imports, newest first."""

    def run(name: str, minutes: int, seconds: int, **more: object) -> ImportRun:
        started = NOW_MS - minutes * MINUTE
        data: dict[str, object] = {
            "run_id": name, "user_id": "local", "connection_id": "lakeside", "connection_name": "Lakeside MLS",
            "provider": "reso", "state": RunState.DONE, "started_at": started, "finished_at": started + seconds * 1000,
        }  # fmt: skip
        return ImportRun.model_validate(data | more)

    first = ImportCounts(total=listings, created=listings - 3, failed=3, photos_stored=1_582, photos_failed=9,
                         bytes=61_400_000, attempts_failed_photo=31, attempts_failed_listing=11, pages=13)  # fmt: skip
    again = ImportCounts(total=9, created=2, updated=4, unchanged=3, photos_stored=14, bytes=612_000, pages=1)
    refused = "Flexmls refused the credentials (401). Open the connection with e and enter a new token."
    return [
        run("20260601-1149", 11, 3, counts=again),
        run(RUN, 44, 71, counts=first, problems=12),
        run("20260530-1200", 2_880, 1, connection_name="Capital Area", provider="flexmls", state=RunState.FAILED,
            error=refused),
        run("20260529-0600", 4_680, 19, counts=ImportCounts(total=310, updated=41, unchanged=269, photos_stored=6),
            connection_name="Coast & Valley", provider="bridge", state=RunState.CANCELLED),
    ]  # fmt: skip


def problems(homes: list[Listing]) -> list[Problem]:
    """What failed in the second run: listings, photos, a record put aside."""
    causes = (
        (ProblemKind.LISTING, "mls.lakeside.example answered 503 Service Unavailable.", 3),
        (ProblemKind.PHOTO, GONE, 2),
        (ProblemKind.PHOTO, "The answer is a web page where a photo should be.", 2),
        (ProblemKind.PHOTO, "The photo breaks off: 18,230 of 48,112 bytes came.", 2),
        (ProblemKind.QUARANTINED, "its StandardStatus is unknown: Actve", 1),
    )
    return [
        Problem(kind=kind, mls_number=home.mls_number, listing_key=home.mls_id, error=error, attempts=attempts,
                photo_index=2 if kind is ProblemKind.PHOTO else None, at=NOW_MS - 44 * MINUTE + number * 5_000,
                raw='{"ListingKey": "10007919", "StandardStatus": "Actve"}' if attempts == 1 else None)
        for number, (home, (kind, error, attempts)) in enumerate(zip(homes[::17], causes * 3, strict=False))
    ]  # fmt: skip


def preview(homes: list[Listing]) -> Preview:
    """A dry run over some of the homes."""
    kinds = ("changed", "new", "changed", "new", "unchanged", "changed", "gone", "unchanged", "new", "unchanged")
    rows = []
    for number, home in enumerate(homes[:26]):
        row = PreviewRow(home.mls_number, home.mls_id, kinds[number % len(kinds)], home.address.one_line, home.price,
                         len(home.photos))  # fmt: skip
        price = home.price or 0
        if row.change == "changed":
            found = [Difference("price", price + 12_000, price), Difference("status", "active", "pending")]
            row = replace(row, differences=tuple(found[: 1 + number % 2]))
        elif row.change == "gone":
            row = replace(row, reason="It is no longer in the feed.")
        rows.append(row)
    return Preview(tuple(rows))
