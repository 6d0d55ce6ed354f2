"""Which records an import asks for: a sweep of its scope, the rest of one cut short, or what changed since. Pure."""

from __future__ import annotations

from mls_tui.domain.connection import Cursor
from mls_tui.importer.options import ImportOptions
from mls_tui.reso.base import FeedQuery


def first_query(options: ImportOptions, cursor: Cursor, since: str | None) -> FeedQuery:
    """The query of the main sweep. ``since`` is the cursor's watermark less the overlap, None where there is none."""
    if options.selective:
        chosen = bool(options.only or options.keys)
        return FeedQuery(
            statuses=frozenset() if chosen else options.scope,
            mls_numbers=options.only,
            keys=options.keys,
            limit=options.limit,
        )
    if is_incremental(options, cursor, since):
        return FeedQuery(since=since)
    if resumes(options, cursor) and cursor.watermark is not None and cursor.last_key is not None:
        return FeedQuery(statuses=options.scope, resume_after=(cursor.watermark, cursor.last_key))
    return FeedQuery(statuses=options.scope)


def is_incremental(options: ImportOptions, cursor: Cursor, since: str | None) -> bool:
    """Whether the scope has been swept before, so that only changes need be asked for."""
    if options.full or options.selective or not cursor.swept or cursor.watermark is None or since is None:
        return False
    return {status.value for status in options.scope} <= set(cursor.statuses)


def resumes(options: ImportOptions, cursor: Cursor) -> bool:
    """Whether an earlier first sweep of the same scope was cut short."""
    scope = {status.value for status in options.scope}
    fresh = options.full or options.selective
    return not fresh and not cursor.swept and cursor.watermark is not None and set(cursor.statuses) == scope
