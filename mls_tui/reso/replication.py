"""Which collection a sweep reads: the provider's replication collection for a whole copy, where it has one (FIELD §1).
It must leave every narrower question to the plain collection."""

from __future__ import annotations

from dataclasses import replace

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import FeedQuery
from mls_tui.reso.feed import Feed
from mls_tui.reso.odata import Request


def replicated(feed: Feed, query: FeedQuery, request: Request) -> Request | None:
    """The request as a whole copy asks it; None for a sweep that is narrower or was cut short."""
    path, preset = feed.preset.replication, feed.preset
    narrow = query.since or query.resume_after or query.limit is not None
    if path is None or narrow or not feed.dialect.replication:
        return None
    return replace(request, resource=path, order=False, count=False, expand=False, top=preset.replication_page_size)


def not_offered(error: MLSError) -> bool:
    """True where this server, or this contract, has no replication collection."""
    return error.status in (400, 403, 404, 405, 501)
