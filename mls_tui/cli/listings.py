"""``mls-tui listings``, ``show`` and ``delete``: what is stored, one listing of it, and less of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click
import orjson

from mls_tui import actions
from mls_tui.actions.results import Deletion
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.output import json_text, plain_text, print_json, say
from mls_tui.cli.running import data_of, fail, json_option, with_workspace
from mls_tui.domain.errors import UsageError
from mls_tui.domain.wording import plural
from mls_tui.export import open_export
from mls_tui.search import STATUSES, Query, parse
from mls_tui.storage.summaries import Selection, Summary

_SORTS = ("price", "listed", "city", "status", "beds", "baths", "sqft", "number", "synced", "photos", "address", "type")
_KEYS = {"number": "mls", "date": "listed"}
"""Sort fields that the summaries name otherwise."""

_STATUSES = click.Choice([*STATUSES, "all"])
LINES_AT_ONCE = 1_000


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

    target = Path(parquet or "").expanduser().absolute()

    async def work(workspace: Workspace) -> None:
        wanted = await _selection(workspace, statuses, search, sort)
        if parquet:
            count = await _export(workspace, wanted, target, "parquet")
            say(f"Wrote {plural(count, 'listing')} to {target}")
        elif as_json or as_csv:
            await _export(workspace, wanted, sys.stdout, "json" if as_json else "csv")
            sys.stdout.flush()
        else:
            await _print(workspace, wanted)

    with_workspace(ctx, work, as_json=as_json)


async def _selection(
    workspace: Workspace, statuses: tuple[str, ...], search: str | None, sort: str | None
) -> Selection:
    field, backwards = (sort or "id").removeprefix("-"), (sort or "").startswith("-")
    if sort and field not in {*_SORTS, *_KEYS}:
        raise UsageError(f"There is no sort field {field!r}. Known: {', '.join(_SORTS)}.")
    query = Query()
    if search:
        stored = await workspace.store.connections(workspace.user_id)
        query = parse(search, {each.connection_id: each.name for each in stored})
        if query.problem is not None:
            raise UsageError(query.problem)
    chosen = () if "all" in statuses else statuses
    return Selection(query, chosen, _KEYS.get(field, field), backwards)


async def _chosen_rows(workspace: Workspace, wanted: Selection) -> Sequence[int]:
    summaries = await actions.open_summaries(workspace)
    await summaries.refresh()
    return (await summaries.select(wanted)).rows


async def _export(workspace: Workspace, wanted: Selection, target: Path | IO[str], file_format: str) -> int:
    rows = None if wanted == Selection(sort="id", descending=False) else await _chosen_rows(workspace, wanted)
    with open_export(target, file_format, dump=_safe_json) as export:
        async for batch in actions.listing_data(workspace, rows):
            export.add(batch)
    return export.count


def _safe_json(data: dict[str, Any]) -> bytes:
    body = orjson.dumps(data)
    return body if body.isascii() and b"\x7f" not in body else json_text(data).encode()


async def _print(workspace: Workspace, wanted: Selection) -> None:
    rows = await _chosen_rows(workspace, wanted)
    summaries = await actions.open_summaries(workspace)
    for first in range(0, len(rows), LINES_AT_ONCE):
        for summary in await summaries.read(rows[first : first + LINES_AT_ONCE]):
            click.echo(_line(summary))
    count = len(rows)
    say(plural(count, "listing") if count else "No listings. `mls-tui import CONNECTION` brings them in.")


def _line(summary: Summary) -> str:
    price = "—" if summary.price is None else f"{summary.price:,.0f}{summary.per}"
    facts = f"{_or(summary.beds)} bd {_or(summary.baths)} ba"
    photos = f"{summary.photos}/{summary.photos_total} photos"
    region = " ".join(part for part in (summary.state, summary.zip) if part)
    address = ", ".join(part for part in (summary.street, summary.city, region) if part)
    parts = (f"{summary.mls_number:<14}", f"{summary.status:<8}", f"{price:>12}", f"{facts:<14}", f"{photos:<13}")
    return f"{'  '.join(plain_text(part).ljust(len(part)) for part in parts)}  {plain_text(address)}"


def _or(value: float | None) -> str:
    return "—" if value is None else f"{value:g}"


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
            fail("Deleting needs --yes if stdin is not a terminal.", 2, as_json=as_json)
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
