"""Media rows to photos in display order (docs/reso-feeds.md, section 5).

If it is not certain that rows are sizes of one photo, each is a photo: one photo twice is better than one lost.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

from mls_tui.domain.listing import Photo
from mls_tui.domain.masking import CREDENTIALS, SIGNATURES
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.values import Fields, Warn, enum_text, silent

MAX_PHOTOS = 500
"""More would not fit into a DynamoDB item (400 KB) with their listing."""
MAX_URL = 4_096

_SQUASH = re.compile(r"[^a-z0-9]+")
_PHOTOS = re.compile(r"photo|image|picture|exterior|interior|aerial|drone|front|primary")
_NO_PHOTOS = re.compile(
    r"video|tour|document|audio|floorplan|plat$|platmap|survey|logo|agent|office|member|brochure|flyer|disclosure|contract"
)
"""MediaCategory is an open list. These patterns are for its words in lower case letters."""
_IMAGE_TYPES = re.compile(r"image|jpe?g|png|gif|webp|avif|heic|heif|tiff?")
_OTHER_TYPES = re.compile(r"pdf|doc|xls|txt|text|html|video|mp4|mpeg|mov|quicktime|avi|wmv|webm|audio|mp3|wav|zip")
_OTHER_RESOURCES = frozenset({"member", "agent", "office", "team", "teams"})
_NOT_PUBLIC = frozenset({"private", "agent", "agentonly", "firm", "firmonly", "office", "officeonly"})
_REFUSED = (("ResourceName", _OTHER_RESOURCES), ("Permission", _NOT_PUBLIC), ("MediaStatus", frozenset({"deleted"})))
_SPARK_SIZES = ("UriLarge", "Uri2048", "Uri1600", "Uri1280", "Uri1024", "Uri800", "Uri640", "Uri300", "UriThumb")
URL_FIELDS = ("MediaURL", "MediaUrl", *_SPARK_SIZES)
_CAPTIONS = ("ShortDescription", "LongDescription", "MediaCaption", "Caption", "Name")
_SIGNED_SEGMENT = re.compile(rf"/[^/]*\b(?:{CREDENTIALS}|{SIGNATURES}|expires)=[^/]*", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f]+")
PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[1-9]\d{0,3}|:[1-5]\d{4}|:6[0-4]\d{3})?/[!-~]*", re.ASCII)
"""A URL that needs no parsing, like nearly all."""


def map_media(
    rows: Sequence[RawRecord], record: RawRecord | None = None, *, base_url: str, warn: Warn = silent
) -> tuple[Photo, ...]:
    """The photos of a listing in display order; ``order`` counts from 0, ``url`` is the original URL.

    Rows that are not public photos are skipped. ``record`` is the listing: its PhotosCount and timestamps are used if
    the rows are ambiguous. ``warn`` is called for each unusable row.
    """
    if not isinstance(rows, (list, tuple)) or not rows:
        return ()
    own = Fields(record if isinstance(record, Mapping) else {}, silent)
    found = [row for place, raw in enumerate(rows) if (row := _row(place, raw, base_url, warn)) is not None]
    kept = largest_of_each(_without_repeats(found), own.whole("PhotosCount"))
    if len(kept) > MAX_PHOTOS:
        warn(f"more than {MAX_PHOTOS} photos; the rest is left out")
    shown = sorted(kept, key=lambda row: row.rank)[:MAX_PHOTOS]
    changed = own.timestamp("PhotosChangeTimestamp") or own.timestamp("ModificationTimestamp")
    identities = Counter((row.media_key, row.modified) for row in shown)
    return tuple(
        _photo(row, order, changed, shared=identities[row.media_key, row.modified] > 1)
        for order, row in enumerate(shown)
    )


def _photo(row: Row, order: int, changed: str | None, *, shared: bool) -> Photo:
    """A photo that shares its key with others is identified by its order. One without a timestamp gets that of the last
    change of the listing's photos."""
    key = None if shared else row.media_key
    return Photo(
        url=row.url,
        caption=row.caption,
        order=order,
        original_url=plain_url(row.url),
        media_key=key,
        media_modified=row.modified or changed,
    )


def _row(place: int, raw: object, base_url: str, warn: Warn) -> Row | None:
    if not isinstance(raw, Mapping):
        warn("a Media row is no JSON object")
        return None
    if not _is_public_photo(raw):
        return None
    url = _url(raw, base_url)
    if url is None:
        warn("MediaURL is missing or unusable")
        return None
    fields = Fields(raw, silent)
    preferred = _yes(raw.get("PreferredPhotoYN")) or _yes(raw.get("Primary"))
    order = fields.number("Order", low=-1e9, high=1e9)
    return Row(
        place=place,
        url=url,
        preferred=preferred,
        order=None if order is None else float(order),
        media_key=fields.text("MediaKey", "MediaKeyNumeric", "Id"),
        object_id=fields.text("MediaObjectID"),
        modified=fields.text("MediaModificationTimestamp", "ModificationTimestamp", max_bytes=64),
        caption=fields.text(*_CAPTIONS, max_bytes=250),
        size_name=fields.word("ImageSizeDescription"),
        width=fields.positive("ImageWidth"),
        height=fields.positive("ImageHeight"),
    )


def _without_repeats(rows: list[Row]) -> list[Row]:
    """Identical rows are one photo."""
    return list({(row.media_key, row.order, row.modified, row.url): row for row in reversed(rows)}.values())[::-1]


def _is_public_photo(raw: Mapping[str, Any]) -> bool:
    for name, others in _REFUSED:
        if name in raw and _words(raw[name]) & others:
            return False
    kinds = [raw[name][:100].lower() for name in ("MimeType", "MediaType") if isinstance(raw.get(name), str)]
    if any(map(_OTHER_TYPES.search, kinds)):
        return False
    shown = _shows_photos(_words(raw.get("MediaCategory")))
    return any(map(_IMAGE_TYPES.search, kinds)) if shown is None else shown


@lru_cache(1024)
def _shows_photos(categories: frozenset[str]) -> bool | None:
    """Whether Media of these categories are photos; None if the type of the file decides."""
    if any(map(_NO_PHOTOS.search, categories)):
        return False
    return True if not categories or any(map(_PHOTOS.search, categories)) else None


def _words(value: object) -> frozenset[str]:
    """The members of an enumeration or a list of them, in lower case without spaces or signs."""
    if isinstance(value, str):
        return _short(value) if len(value) < 50 else _members(value[:500].split(","))
    return _members(value) if isinstance(value, (list, tuple)) else frozenset()


@lru_cache(1024)
def _short(text: str) -> frozenset[str]:
    """Cached, because the photos of a feed have the same few words."""
    return _members(text.split(","))


def _members(found: Sequence[object]) -> frozenset[str]:
    parts = (part for part in found if isinstance(part, str))
    return frozenset(_SQUASH.sub("", enum_text(part).lower()) for part in parts) - {"", "none", "null"}


def _yes(value: object) -> bool:
    return value is not None and Fields({"": value}, silent).flag("") is True


def _url(raw: Mapping[str, Any], base_url: str) -> str | None:
    """An absolute http(s) URL, or None. A relative one is resolved against ``base_url``."""
    text = next((value for name in URL_FIELDS if isinstance(value := raw.get(name), str) and value.strip()), None)
    if text is None or len(text) > MAX_URL:
        return None
    if PLAIN_URL.fullmatch(text) and "&amp;" not in text:
        return text
    text = text.strip().replace("&amp;", "&").replace(" ", "%20")
    if _UNSAFE_IN_URL.search(text):
        return None
    try:
        url = text if text.startswith(("https://", "http://")) else urljoin(base_url.rstrip("/") + "/", text)
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        url.encode()
    except ValueError:
        return None
    return url if usable else None


def plain_url(url: str) -> str:
    """``url`` without user, query, fragment and signed path segments, which may contain a token: ``originalUrl``.

    MLS Grid puts ``/token=…&expires=…/`` into the path.
    """
    if not any(mark in url for mark in "@?#="):
        return url
    parts = urlsplit(url)
    path = _SIGNED_SEGMENT.sub("", parts.path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))


# several sizes of one photo ----------------------------------------------------------------------------------

_ASPECT_TOLERANCE = 0.06
_SIZE_NAMES = MappingProxyType(
    {
        name: rank
        for rank, names in enumerate(
            (
                "thumb thumbnail icon tiny",
                "small preview",
                "medium midsize",
                "large",
                "xlarge extralarge highres hires highresolution",
                "largest full fullsize original",
            )
        )
        for name in names.split()
    }
)
"""ImageSizeDescription in lower case letters, for rows without a width."""
_NO_WATERMARK = "nowatermark"
"""Renditions with this in their name are not for display."""


class Row(NamedTuple):
    """A Media row that is a public photo with a usable URL. ``place`` is its index in the feed's array."""

    place: int
    url: str
    preferred: bool = False
    order: float | None = None
    media_key: str | None = None
    object_id: str | None = None
    modified: str | None = None
    caption: str | None = None
    size_name: str | None = None
    width: float | None = None
    height: float | None = None

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """Display order: PreferredPhotoYN, then the number of Order, then place."""
        return (not self.preferred, self.order is None, self.order or 0.0, self.place)

    @property
    def largeness(self) -> tuple[float, int]:
        pixels = (self.width or 0.0) * (self.height or self.width or 0.0)
        return pixels, _SIZE_NAMES.get(_letters(self.size_name), -1)


def _letters(name: str | None) -> str:
    return "".join(char for char in (name or "").lower() if char.isalpha())


def largest_of_each(rows: list[Row], photos_count: int | None) -> list[Row]:
    """One row per photo. ``photos_count`` is the record's PhotosCount, if it is known.

    Rows are sizes of one photo if they share an id (MediaObjectID or MediaKey) or an Order, and differ in
    ImageSizeDescription; or if they share an id and an Order and differ in ImageWidth at one aspect ratio. An Order and
    widths alone are not enough, since feeds repeat Order: then PhotosCount must agree, or each Order must come equally
    often.
    """
    rows = [row for row in rows if _NO_WATERMARK not in _letters(row.size_name)]
    rows = _merged(rows, lambda row: row.object_id, _named_apart)
    rows = _merged(rows, lambda row: row.media_key, _named_apart)
    rows = _merged(rows, lambda row: row.order, _named_apart)
    rows = _merged(rows, lambda row: _both(row.object_id, row.order), _measured_apart)
    rows = _merged(rows, lambda row: _both(row.media_key, row.order), _measured_apart)
    if _orders_are_photos(rows, photos_count):
        rows = _merged(rows, lambda row: row.order, _measured_apart)
    return rows


def _both(identity: str | None, order: float | None) -> tuple[str, float] | None:
    return None if identity is None or order is None else (identity, order)


def _merged(rows: list[Row], key: Callable[[Row], Hashable | None], apart: Callable[[list[Row]], bool]) -> list[Row]:
    known = [shared for row in rows if (shared := key(row)) is not None]
    if len(set(known)) == len(known):
        return rows
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        shared = key(row)
        groups[("alone", row.place) if shared is None else ("shared", shared)].append(row)
    return [row for group in groups.values() for row in (_one(group) if len(group) > 1 and apart(group) else group)]


def _one(group: list[Row]) -> list[Row]:
    """The largest row, with the place of the first and the caption of any."""
    first, best = min(group, key=lambda row: row.rank), max(group, key=lambda row: row.largeness)
    caption = best.caption or next((row.caption for row in group if row.caption), None)
    return [best._replace(place=first.place, preferred=first.preferred, order=first.order, caption=caption)]


def _named_apart(group: list[Row]) -> bool:
    names = [row.size_name for row in group]
    return None not in names and _distinct(name.casefold() for name in names if name)


def _measured_apart(group: list[Row]) -> bool:
    return all(row.width for row in group) and _distinct(row.width for row in group) and _one_aspect(group)


def _one_aspect(group: list[Row]) -> bool:
    ratios = [row.width / row.height for row in group if row.width and row.height]
    return not ratios or max(ratios) / min(ratios) <= 1 + _ASPECT_TOLERANCE


def _orders_are_photos(rows: list[Row], photos_count: int | None) -> bool:
    counts: dict[float, int] = defaultdict(int)
    for row in rows:
        if row.order is None:
            return False
        counts[row.order] += 1
    if photos_count:
        return len(counts) == photos_count
    return len(counts) > 1 and min(counts.values()) > 1 and len(set(counts.values())) == 1


def _distinct(values: Iterable[object]) -> bool:
    seen = list(values)
    return len(set(seen)) == len(seen)
