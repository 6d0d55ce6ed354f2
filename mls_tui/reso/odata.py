"""Writes URLs for an OData v4 server (RESO Web API Core 2.0) and reads its pages.

Text from a feed or a user gets into a filter only through ``quoted``, ``timestamp_literal`` or ``key_literal``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from mls_tui.domain.errors import MLSError, PagingError
from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.addresses import same_origin
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.statuses import status_filter_words
from mls_tui.reso.presets import ProviderPreset

Key = str | int
"""A ListingKey as served. Some servers declare it as a number; their filters take it without quotes."""

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")
_PLAIN: Final = "$,()':-._~"


class StatusForm(StrEnum):
    """How StandardStatus values are written in a filter, in the order of the attempts."""

    ANY = "any"
    """Every value and its synonyms from older dictionaries, with and without spaces."""
    BOTH = "both"
    """The RESO DD 2.0 values, with and without spaces."""
    SPACED = "spaced"
    JOINED = "joined"
    TYPED = "typed"
    NONE = "none"


class AgentForm(StrEnum):
    """Which field holds the listing agent, in the order of the attempts."""

    EITHER = "either"
    KEY = "key"
    MLS_ID = "mls_id"


class BoundKind(StrEnum):
    """How a request continues from a (timestamp, key); see ``Bound``."""

    AFTER = "after"
    FROM = "from"
    TIED = "tied"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Bound:
    """A position in the order (timestamp, key) and which records after it are requested.

    AFTER: ``ts gt T or (ts eq T and key gt K)``. FROM: ``ts ge T``. TIED: ``ts eq T and key gt K``. LATER: ``ts gt T``.
    """

    kind: BoundKind
    timestamp: str
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one server supports: at first what the preset says, then less when the server refuses a request."""

    order_by: bool = True
    order_by_key: bool = True
    """Whether ``$orderby`` takes a second field."""
    count: bool = True
    expand: bool = True
    select: bool = True
    since: bool = True
    """Whether the timestamp can be filtered. If not, a sweep for changes reads everything."""
    fractions: bool = True
    """Whether timestamps in filters may have fractions of a second."""
    replication: bool = True
    numeric_keys: bool = False
    timestamp_field: str = "ModificationTimestamp"
    status_form: StatusForm = StatusForm.ANY
    status_type: str = "org.reso.metadata.enums.StandardStatus"
    """The enumeration type of TYPED statuses, until the server names its own."""
    agent_form: AgentForm = AgentForm.EITHER
    page_size: int = 200
    page_size_without_media: int = 1000
    keys_per_filter: int = 25
    bounds_match_links: bool | None = None
    """Whether our bounds give the same rows as the server's ``$skip`` links; None before the comparison."""
    bounds_reliable: bool = True
    """False after a bound has left out a record."""
    count_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a collection, independent of the server's dialect. The filters are joined by ``and``."""

    resource: str
    statuses: frozenset[ListingStatus] = frozenset()
    agent: str | None = None
    system: str | None = None
    since: str | None = None
    bound: Bound | None = None
    keys: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    parent_field: str = "ResourceRecordKey"
    order: bool = True
    count: bool = True
    expand: bool = True
    select: tuple[str, ...] = ()
    top: int | None = None
    skip: int = 0
    day: tuple[str, str] | None = None
    """(field, YYYY-MM-DD): only rows with this date or a later one."""
    descending_by: str | None = None
    """Order by this field, highest first."""
    key_below: Key | None = None
    """Only rows whose ``descending_by`` field is lower than this."""


def quoted(text: str) -> str:
    """An OData string literal: ``O'Hare`` -> ``'O''Hare'``."""
    return "'" + text.replace("'", "''") + "'"


def timestamp_literal(text: str) -> str | None:
    """A DateTimeOffset literal: the text as served, with ``Z`` if it has no time zone (docs/reso-feeds.md, section 4).
    None if it is no timestamp."""
    text = text.strip().replace(" ", "T", 1)
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    if match[1] is None:
        return f"{text}T00:00:00Z"
    return text if match[4] else f"{text}Z"


def key_literal(key: Key, *, numeric: bool = False) -> str:
    """A key as a literal: quoted, unless the server's keys are numbers."""
    if isinstance(key, int) or (numeric and re.fullmatch(r"\d{1,19}", key)):
        return str(key)
    return quoted(key)


def any_of(parts: Iterable[str]) -> str:
    """``(a or b)``; a single part without parentheses."""
    alternatives = list(dict.fromkeys(parts))
    return alternatives[0] if len(alternatives) == 1 else f"({' or '.join(alternatives)})"


def filter_text(request: Request, dialect: Dialect, preset: ProviderPreset) -> str:
    """The ``$filter`` of a request; empty if it asks for everything."""
    parts: list[str] = []
    if request.system and preset.system_field:
        parts.append(f"{preset.system_field} eq {quoted(request.system)}")
    narrow = 0 < len(request.statuses) < len(ListingStatus)  # all statuses mean every record, also Coming Soon
    if narrow and dialect.status_form is not StatusForm.NONE:
        parts.append(_statuses(request.statuses, dialect, preset.status_field))
    if request.agent:
        parts.append(_agent(request.agent, dialect.agent_form, preset.agent_field))
    since = timestamp_literal(request.since) if request.since and dialect.since else None
    if since and not dialect.fractions:
        since = re.sub(r"\.\d+", "", since)
    if since:
        parts.append(f"{dialect.timestamp_field} ge {since}")
    if request.bound:
        parts.append(_bound(request.bound, dialect, preset.key_field))
    if request.keys:
        parts.append(any_of(_eq(preset.key_field, key, dialect) for key in request.keys))
    if request.numbers:
        parts.append(any_of(f"{preset.number_field} eq {quoted(number)}" for number in request.numbers))
    if request.parents:
        parts.append(any_of(_eq(request.parent_field, key, dialect) for key in request.parents))
    if request.day:
        parts.append(f"{request.day[0]} ge {request.day[1]}")
    if request.descending_by and request.key_below is not None:
        parts.append(f"{request.descending_by} lt {key_literal(request.key_below)}")
    return " and ".join(parts)


def _eq(field: str, key: str, dialect: Dialect) -> str:
    return f"{field} eq {key_literal(key, numeric=dialect.numeric_keys)}"


def _statuses(statuses: Iterable[ListingStatus], dialect: Dialect, field: str) -> str:
    # Active has hardly any synonyms in feeds, and each synonym is one more value that a server may refuse.
    synonyms = dialect.status_form is StatusForm.ANY and set(statuses) != {ListingStatus.ACTIVE}
    words = [word for status in sorted(statuses) for word in status_filter_words(status, synonyms=synonyms)]
    return any_of(f"{field} eq {value}" for word in words for value in _spellings(word, dialect))


def _spellings(word: str, dialect: Dialect) -> tuple[str, ...]:
    joined = word.replace(" ", "")
    match dialect.status_form:
        case StatusForm.SPACED:
            return (quoted(word),)
        case StatusForm.JOINED:
            return (quoted(joined),)
        case StatusForm.TYPED:
            return (f"{dialect.status_type}{quoted(joined)}",)
        case _:
            return (quoted(word), quoted(joined))


def _agent(agent: str, form: AgentForm, field: str) -> str:
    fields = {AgentForm.KEY: (field,), AgentForm.MLS_ID: ("ListAgentMlsId",)}.get(form, (field, "ListAgentMlsId"))
    return any_of(f"{each} eq {quoted(agent)}" for each in fields)


def _bound(bound: Bound, dialect: Dialect, key_field: str) -> str:
    field, at = dialect.timestamp_field, timestamp_literal(bound.timestamp)
    key = key_literal(bound.key if bound.key is not None else "", numeric=dialect.numeric_keys)
    match bound.kind:
        case BoundKind.AFTER:
            return f"({field} gt {at} or ({field} eq {at} and {key_field} gt {key}))"
        case BoundKind.FROM:
            return f"{field} ge {at}"
        case BoundKind.TIED:
            return f"{field} eq {at} and {key_field} gt {key}"
        case BoundKind.LATER:
            return f"{field} gt {at}"


def url_of(request: Request, dialect: Dialect, preset: ProviderPreset) -> str:
    """The whole URL of a request; spaces as ``%20``, never ``+`` (docs/reso-feeds.md, section 1)."""
    options: list[tuple[str, str]] = []
    where = filter_text(request, dialect, preset)
    if where:
        options.append(("$filter", where))
    if request.select and dialect.select:
        options.append(("$select", ",".join(dict.fromkeys(request.select))))
    if request.order and dialect.order_by:
        by_key = f",{preset.key_field} asc" if dialect.order_by_key else ""
        options.append(("$orderby", f"{dialect.timestamp_field} asc{by_key}"))
    if request.descending_by:
        options.append(("$orderby", f"{request.descending_by} desc"))
    if request.expand and dialect.expand:
        options.append(("$expand", preset.media_resource))
    if request.top is not None:
        options.append(("$top", str(request.top)))
    if request.skip:
        options.append(("$skip", str(request.skip)))
    if request.count and dialect.count:
        options.append(("$count", "true"))
    return with_query(f"{preset.base_url}/{request.resource}", options)


def with_query(url: str, options: Sequence[tuple[str, str]]) -> str:
    """``url`` with encoded query options. A lone surrogate, which a key may contain but a URL may not, becomes ``?``:
    that sorts before it, so a page that starts there leaves no record out."""
    query = "&".join(f"{name}={quote(value, safe=_PLAIN, errors='replace')}" for name, value in options)
    return f"{url}?{query}" if query else url


def entity_url(preset: ProviderPreset, key: Key, dialect: Dialect, path: str = "") -> str:
    """``{base}/Property('key')``. The key is quoted for OData, then encoded, so that it stays one path segment."""
    literal = quote(key_literal(key, numeric=dialect.numeric_keys), safe="'", errors="replace")
    return f"{preset.base_url}/{preset.property_resource}({literal}){path}"


# reading ----------------------------------------------------------------------------------------------------------

_NEXT_NAMES: Final = ("@odata.nextLink", "@nextLink", "odata.nextLink", "__next", "nextLink")
_COUNT_NAMES: Final = ("@odata.count", "@count", "odata.count", "__count")
_MAX_TOTAL: Final = 1_000_000_000
_LINK_HEADER = re.compile(r"<([^>]*)>([^<]*)")


@dataclass(slots=True)
class FeedPage:
    """One page of a collection: rows as served, the next link as sent, and the server's count if it is a number."""

    url: str
    rows: tuple[RawRecord, ...]
    next_link: str | None = None
    total: int | None = None
    new_rows: list[RawRecord] = field(default_factory=list)
    """Rows that no earlier page held; set by ``Pager``."""
    final: bool = False
    """Whether the page is known to be the last; set by ``Pager``."""


def read_page(url: str, body: Any, headers: Mapping[str, str]) -> FeedPage:
    """The page in a response: OData v4, Spark's ``D.Results``, OData v2's ``d.results`` or Bridge's ``bundle``.

    Raises:
        MLSError: the response holds no list of records.
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
    return FeedPage(url, tuple(flat_record(item) for item in items), link, _total(envelope, pagination))


def flat_record(item: Any) -> RawRecord:
    """A record without nesting: Spark's ``StandardFields`` become fields of the record. What is no JSON object becomes
    ``{"value": …}``, to be shown in quarantine."""
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
    return value if isinstance(value, int) and 0 <= value < _MAX_TOTAL else None


def _link_header(headers: Mapping[str, str]) -> str | None:
    """``Link: <url>; rel="next"`` (RFC 8288), and Bridge's bare ``link`` header."""
    text = next((value for name, value in headers.items() if name.lower() == "link"), "")
    for match in _LINK_HEADER.finditer(text):
        if re.search(r"""rel\s*=\s*["']?[^"']*\bnext\b""", match[2], re.IGNORECASE):
            return match[1].strip() or None
    bare = text.strip()
    return bare if bare.lower().startswith(("http://", "https://")) else None


def _page_link(url: str, pagination: Mapping[str, Any]) -> str | None:
    """Pages of Spark's own API are numbered: the same request with the next ``_page``."""
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
    """The absolute URL of the next page, always on the connection's own origin; None on the last page.

    A link that differs only by http instead of https, as some proxies write it, is followed over https.

    Raises:
        PagingError: the link leads to another origin.
    """
    if not page.next_link:
        return None
    raw = page.next_link.strip().replace(" ", "%20")
    try:
        target, base = urlsplit(urljoin(page.url, raw)), urlsplit(base_url)
        if (target.scheme, base.scheme) == ("http", "https") and target.port in (None, 80, base.port or 443):
            port = f":{base.port}" if base.port else ""
            target = target._replace(scheme="https", netloc=target.netloc.removesuffix(f":{target.port}") + port)
        same = same_origin(urlunsplit(target), base_url)
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
    return urlunsplit(target._replace(scheme=base.scheme, netloc=base.netloc, fragment=""))


def key_of(record: RawRecord, key_field: str, number_field: str) -> Key | None:
    """The record's key as served, else its MLS number; None for a record without either."""
    for name in (key_field, "ListingKey", "ListingKeyNumeric", number_field):
        value = record.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            continue
        if isinstance(value, int) or value.strip():
            return value
    return None
