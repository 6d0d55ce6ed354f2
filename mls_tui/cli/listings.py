"""``mls-tui listings``, ``show`` and ``delete``: what is stored, one listing of it, and less of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.results import Deletion
from mls_tui.cli.output import plain_text, print_json, say
from mls_tui.cli.running import data_of, fail, json_option, with_workspace
from mls_tui.domain.errors import MlsTuiError, UsageError, sentence
from mls_tui.domain.listing import Listing, ListingStatus

_SORTS: dict[str, Callable[[Listing], Any]] = {
    "price": lambda each: each.price,
    "date": lambda each: each.list_date,
    "city": lambda each: each.address.city,
    "status": lambda each: each.status.value,
    "beds": lambda each: each.bedrooms,
    "baths": lambda each: each.bathrooms,
    "sqft": lambda each: each.square_feet,
    "number": lambda each: each.mls_number,
    "synced": lambda each: each.synced_at,
    "photos": lambda each: each.photos_stored,
}

_STATUSES = click.Choice([*(status.value for status in ListingStatus), "all"])


@click.command()
@click.option("--status", "statuses", multiple=True, type=_STATUSES, help="Only this status; may be repeated.")
@click.option("--search", metavar="TEXT", help="As the interface's filter: words, city:austin price:<500k beds:>=3.")
@click.option("--sort", metavar="FIELD", help=f"One of {', '.join(_SORTS)}; a leading - turns it round.")
@json_option("Print an array.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--parquet", metavar="FILE", help="Write a Parquet file.")
@click.pass_context
def listings(
    ctx: click.Context,
    statuses: tuple[str, ...],
    search: str | None,
    sort: str | None,
    as_json: bool,
    as_csv: bool,
    parquet: str | None,
) -> None:
    """Print what is stored."""
    if as_json + as_csv + (parquet is not None) > 1:
        raise click.UsageError("--json, --csv and --parquet exclude each other.")
    answer = with_workspace(ctx, lambda ws: actions.get_imported_listings(ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    try:
        chosen = _chosen(found, statuses, search, sort)
    except UsageError as error:
        fail(str(error), error.exit_code, as_json=as_json)
    _print(chosen, as_json=as_json, as_csv=as_csv, parquet=parquet)


def _chosen(every: list[Listing], statuses: tuple[str, ...], search: str | None, sort: str | None) -> list[Listing]:
    from mls_tui.search import parse
    from mls_tui.search import search as matching

    found = [listing for listing in every if not statuses or {"all", listing.status.value} & {*statuses}]
    if search:
        query = parse(search)
        if query.problem is not None:
            raise UsageError(query.problem)
        found = matching(found, query)
    if not sort:
        return found
    field, backwards = sort.removeprefix("-"), sort.startswith("-")
    if field not in _SORTS:
        raise UsageError(f"There is no sort field {field!r}. Known: {', '.join(_SORTS)}.")
    value = _SORTS[field]
    known = [listing for listing in found if value(listing) is not None]
    unknown = [listing for listing in found if value(listing) is None]
    return [*sorted(known, key=value, reverse=backwards), *unknown]


def _print(chosen: list[Listing], *, as_json: bool, as_csv: bool, parquet: str | None) -> None:
    from mls_tui.export import write_listings

    if parquet:
        try:
            write_listings(chosen, Path(parquet).expanduser(), "parquet")
        except MlsTuiError as error:
            fail(sentence(error), error.exit_code)
        say(f"Wrote {len(chosen)} listings to {parquet}")
    elif as_json:
        print_json([listing.to_data() for listing in chosen])
    elif as_csv:
        write_listings(chosen, sys.stdout, "csv")
        sys.stdout.flush()
    else:
        for listing in chosen:
            click.echo(_line(listing))
        say(f"{len(chosen)} listings" if chosen else "No listings. `mls-tui import CONNECTION` brings them in.")


def _line(listing: Listing) -> str:
    price = f"{listing.price:>12,}" if listing.price is not None else f"{'—':>12}"
    facts = f"{_or(listing.bedrooms)} bd {_or(listing.bathrooms)} ba"
    photos = f"{listing.photos_stored}/{len(listing.photos)} photos"
    parts = (f"{listing.mls_number:<14}", f"{listing.status.value:<8}", price, f"{facts:<14}", f"{photos:<13}")
    return f"{'  '.join(plain_text(part).ljust(len(part)) for part in parts)}  {plain_text(listing.address.one_line)}"


def _or(value: object) -> str:
    return "—" if value is None else str(value)


@click.command()
@click.argument("listing")
@json_option("Print its Data map.")
@click.pass_context
def show(ctx: click.Context, listing: str, as_json: bool) -> None:
    """Print one listing, by listing id or MLS number."""
    answer = with_workspace(ctx, lambda ws: actions.get_listing(listing, ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    data = found.to_data()
    if as_json:
        print_json(data)
        return
    for name, value in data.items():
        for label, text in _rows(name, value):
            click.echo(f"{label:<24} {plain_text(text)}")


def _rows(name: str, value: Any) -> list[tuple[str, object]]:
    """A field as lines of text: parts of an address together, one line a photo or change."""
    if name == "address":
        return [(name, ", ".join(str(part) for part in value.values()))]
    if name == "photos":
        lines = [_photo_line(photo) for photo in value]
        return [(f"photo {number}", line) for number, line in enumerate(lines)]
    if name == "history":
        return [("change", f"{each['at']}: {each['field']} {each.get('old')} → {each.get('new')}") for each in value]
    return [(name, ", ".join(value) if isinstance(value, list) else value)]


def _photo_line(photo: dict[str, Any]) -> str:
    if "key" in photo:
        return f"{photo['key']} ({photo.get('size', 0):,} bytes) {photo.get('caption', '')}"
    return f"missing: {photo.get('error', 'not fetched yet')}"


@click.command()
@click.argument("listings", nargs=-1, required=True, metavar="LISTING...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@click.pass_context
def delete(ctx: click.Context, listings: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete listings, by listing id or MLS number: rows, marks and photos. There is no way back."""
    if not yes:
        if not sys.stdin.isatty():
            fail("Deleting needs --yes where nobody can be asked.", 2, as_json=as_json)
        if not click.confirm(f"Delete {len(listings)} listings with their photos?", default=False, err=True):
            say("Nothing was deleted.")
            return
    answer = with_workspace(ctx, lambda ws: actions.delete_named(listings, ws), as_json=as_json)
    if as_json and answer.data is not None:
        print_json(_deletion(answer.data, answer.error))
        sys.exit(answer.exit_code)
    if answer.error is not None:
        fail(plain_text(answer.error), answer.exit_code, as_json=as_json)
    say(answer.message)


def _deletion(deletion: Deletion, error: str | None) -> dict[str, Any]:
    deleted = [listing.listing_id for listing in deletion.deleted]
    data = {"deleted": deleted, "photos": deletion.photos, "failures": deletion.failures}
    return {"success": error is None, **({"error": error} if error else {}), "data": data}
