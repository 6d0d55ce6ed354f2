"""Media rows to photos in display order (FIELD §5). It must never lose a photo that is not provably another size of
one it keeps, nor take a URL for a photo's identity."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from mls_tui.domain.listing import Photo
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.fields import Fields, Warn, silent
from mls_tui.reso.mapping.sizes import Row, largest_of_each
from mls_tui.reso.mapping.values import enum_text

MAX_PHOTOS = 500
"""More would not fit an item of 400 KB with the rest of the listing."""
MAX_URL = 4_096

_SQUASH = re.compile(r"[^a-z0-9]+")
_PHOTO_CATEGORIES = frozenset({"photo", "photos", "propertyphoto", "propertyphotos"})
_OTHER_TYPES = re.compile(r"pdf|doc|xls|txt|text|html|video|mp4|mpeg|mov|quicktime|avi|wmv|webm|audio|mp3|wav|zip")
_OTHER_RESOURCES = frozenset({"member", "agent", "office", "team", "teams"})
_NOT_PUBLIC = frozenset({"private", "agent", "agentonly", "firm", "firmonly", "office", "officeonly"})
_SPARK_SIZES = ("UriLarge", "Uri2048", "Uri1600", "Uri1280", "Uri1024", "Uri800", "Uri640", "Uri300", "UriThumb")
URL_FIELDS = ("MediaURL", "MediaUrl", *_SPARK_SIZES)
_CAPTIONS = ("ShortDescription", "LongDescription", "MediaCaption", "Caption", "Name")
_SIGNED_SEGMENT = re.compile(r"/[^/]*\b(?:token|signature|sig|expires)=[^/]*", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f]+")
PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[1-9]\d{0,3}|:[1-5]\d{4}|:6[0-4]\d{3})?/[!-~]*", re.ASCII)
"""A URL that can be used as it is written, as nearly all are."""


def map_media(
    rows: Sequence[RawRecord], record: RawRecord | None = None, *, base_url: str, warn: Warn = silent
) -> tuple[Photo, ...]:
    """The photos of a listing in display order, ``order`` dense from 0, ``url`` the whole original URL.

    Rows that are no public photo of the home are left out. ``record`` is the listing they belong to: its PhotosCount
    and timestamps decide where rows are unclear. Never raises; what is wrong is warned of.
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
    """A key that several photos share identifies none of them: then the order does. Neither of them is enough alone
    (FIELD §5): without a timestamp of its own, a photo is as old as the last change of its listing's photos."""
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
    preferred = any(_yes(raw.get(name)) for name in ("PreferredPhotoYN", "Primary"))
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
    """A row served twice, word for word, is one photo."""
    return list({(row.media_key, row.order, row.modified, row.url): row for row in reversed(rows)}.values())[::-1]


def _is_public_photo(raw: Mapping[str, Any]) -> bool:
    if _words(raw.get("ResourceName")) & _OTHER_RESOURCES or _words(raw.get("Permission")) & _NOT_PUBLIC:
        return False
    if "deleted" in _words(raw.get("MediaStatus")):
        return False
    categories = _words(raw.get("MediaCategory"))
    if categories:
        return bool(categories & _PHOTO_CATEGORIES)
    kind = raw.get("MediaType")
    return not (isinstance(kind, str) and _OTHER_TYPES.search(kind[:100].lower()))


def _words(value: object) -> frozenset[str]:
    """The members of an enumeration or a list of them, in lower case without spaces or signs."""
    if isinstance(value, str):
        return _short(value) if len(value) < 50 else _members(value[:500].split(","))
    return _members(value) if isinstance(value, (list, tuple)) else frozenset()


@lru_cache(1024)
def _short(text: str) -> frozenset[str]:
    """Remembered: every photo of a feed says the same few words."""
    return _members(text.split(","))


def _members(found: Sequence[object]) -> frozenset[str]:
    parts = (part for part in found if isinstance(part, str))
    return frozenset(_SQUASH.sub("", enum_text(part).lower()) for part in parts) - {"", "none", "null"}


def _yes(value: object) -> bool:
    return value is not None and Fields({"": value}, silent).flag("") is True


def _url(raw: Mapping[str, Any], base_url: str) -> str | None:
    """An absolute http(s) URL; a relative one is below ``base_url``. None where there is none."""
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
    """Without user, query, fragment and signed path segments, which may hold a token: what is stored as
    ``originalUrl``. MLS Grid writes ``/token=…&expires=…/`` into the path (seen in clients)."""
    if not any(mark in url for mark in "@?#="):
        return url
    parts = urlsplit(url)
    path = _SIGNED_SEGMENT.sub("", parts.path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
