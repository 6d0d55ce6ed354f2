"""Reads a page of a feed leniently (rows, total, next link) and decides whether a next link may be followed. It must
never let a link lead to another origin, where the token would leak, or round in a circle (FIELD §1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from mls_tui.domain.errors import MLSError, PagingError
from mls_tui.reso.base import RawRecord

_PORTS: Final = {"http": 80, "https": 443}
_NEXT_NAMES: Final = ("@odata.nextLink", "@nextLink", "odata.nextLink", "__next", "nextLink")
_COUNT_NAMES: Final = ("@odata.count", "@count", "odata.count", "__count")
_MOST_RECORDS: Final = 1_000_000_000
_LINK_HEADER = re.compile(r"<([^>]*)>([^<]*)")
_OFFSET_NAMES: Final = frozenset({"$skip", "skip", "offset", "page", "_page"})
_CURSOR_NAMES: Final = frozenset({"$skiptoken", "skiptoken", "cursor", "next"})


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One answer of a collection: rows as served, the raw next link, the feed's count where it is a number."""

    url: str
    rows: tuple[RawRecord, ...]
    next_link: str | None = None
    total: int | None = None


def read_page(url: str, body: Any, headers: Mapping[str, str]) -> FeedPage:
    """The page an answer holds: OData v4, Spark's ``D.Results``, OData v2's ``d.results`` or Bridge's ``bundle``.

    Raises:
        MLSError: the answer holds no list of records.
    """
    envelope = _envelope(body)
    items = next((envelope[name] for name in ("value", "Results", "results", "bundle") if name in envelope), None)
    if items is None and envelope is not body:
        items = []
    if isinstance(items, Mapping):
        items = [items]
    if not isinstance(items, list):
        raise MLSError(
            "The MLS answered without a list of records. Check that the base URL is the address of its RESO Web API."
        )
    link = next((envelope[name] for name in _NEXT_NAMES if envelope.get(name)), None)
    pagination = envelope.get("Pagination")
    if not isinstance(link, str) or not link.strip():
        link = _link_header(headers) or (_page_link(url, pagination) if isinstance(pagination, Mapping) else None)
    return FeedPage(url, tuple(flattened(item) for item in items), link, _total(envelope, pagination))


def flattened(item: Any) -> RawRecord:
    """A record as one flat map: Spark's ``StandardFields`` merged up. What is no record at all is kept to be shown."""
    if not isinstance(item, Mapping):
        return {"value": item}
    standard = item.get("StandardFields")
    if not isinstance(standard, Mapping):
        return item
    outer = {name: value for name, value in item.items() if name not in ("StandardFields", "Id")}
    merged = {**outer, **standard}
    if "ListingKey" not in merged and item.get("Id") is not None:
        merged["ListingKey"] = item["Id"]
    return merged


def _envelope(body: Any) -> Mapping[str, Any]:
    if isinstance(body, list):
        return {"value": body}
    if not isinstance(body, Mapping):
        return {}
    for name in ("D", "d"):
        inner = body.get(name)
        if isinstance(inner, Mapping):
            return inner
        if isinstance(inner, list):
            return {"value": inner}
    return body


def _total(envelope: Mapping[str, Any], pagination: Any) -> int | None:
    value = next((envelope[name] for name in _COUNT_NAMES if envelope.get(name) is not None), None)
    if value is None and isinstance(pagination, Mapping):
        value = pagination.get("TotalRows")
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,15}\s*", value):
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < _MOST_RECORDS else None


def _link_header(headers: Mapping[str, str]) -> str | None:
    """``Link: <url>; rel="next"`` (RFC 8288), and Bridge's bare ``link`` header."""
    text = next((value for name, value in headers.items() if name.lower() == "link"), "")
    for match in _LINK_HEADER.finditer(text):
        if re.search(r"""rel\s*=\s*["']?[^"']*\bnext\b""", match[2], re.IGNORECASE):
            return match[1].strip() or None
    bare = text.strip()
    return bare if bare.lower().startswith(("http://", "https://")) else None


def _page_link(url: str, pagination: Mapping[str, Any]) -> str | None:
    """Spark's native pages are numbered: the same request with the next ``_page``."""
    try:
        current, last = int(pagination.get("CurrentPage") or 0), int(pagination.get("TotalPages") or 0)
    except (TypeError, ValueError):
        return None
    if not 0 < current < last:
        return None
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "_page"]
    return urlunsplit(parts._replace(query=_encoded([*query, ("_page", str(current + 1))])))


def _encoded(query: list[tuple[str, str]]) -> str:
    return urlencode(query, safe="$,()':").replace("+", "%20")


def next_url(page: FeedPage, base_url: str) -> str | None:
    """The absolute address of the next page, on the connection's own origin; None on the last page.

    A link that differs only in saying http for an https server (a proxy's slip) is followed over https.

    Raises:
        PagingError: the link leads to another origin.
    """
    if not page.next_link:
        return None
    raw = page.next_link.strip().replace(" ", "%20")
    try:
        target = urlsplit(urljoin(page.url, raw))
        same = _same_origin(target, urlsplit(base_url))
    except ValueError:
        raise PagingError(
            "The MLS sent a next-page link that cannot be read, so paging stopped. What was read is kept. Try again "
            "later, and tell the provider if it stays so."
        ) from None
    if not same or "@" in target.netloc:
        raise PagingError(
            f"The MLS sent a next-page link to another server ({target.hostname or target.scheme}). It was not "
            "followed, so that the access token stays with the MLS. Ask the provider, or correct the base URL."
        )
    base = urlsplit(base_url)
    return urlunsplit(target._replace(scheme=base.scheme, netloc=base.netloc, fragment=""))


def _same_origin(target: Any, base: Any) -> bool:
    if (target.hostname or "").lower() != (base.hostname or "").lower():
        return False
    ports = (target.port or _PORTS.get(target.scheme), base.port or _PORTS.get(base.scheme))
    if target.scheme == base.scheme:
        return ports[0] == ports[1]
    return (target.scheme, base.scheme) == ("http", "https") and target.port in (None, 80, ports[1])


def fingerprint(url: str) -> int:
    """Equal for two spellings of one address: order and encoding of the query do not matter."""
    parts = urlsplit(url)
    return hash((parts.path, tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))))


def is_offset(url: str) -> bool:
    """True where the link counts rows or pages, so that rows shift when the feed changes (FIELD §1)."""
    names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return bool(names & _OFFSET_NAMES) and not names & _CURSOR_NAMES
