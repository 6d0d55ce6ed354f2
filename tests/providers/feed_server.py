"""A RESO Web API server: ``FeedServer`` answers a URL as its ``Quirks`` say. It shares no code with the client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from zlib import crc32

from mls_tui.domain.listing import parse_timestamp
from tests.providers.filters import FilterError, matches, tokens
from tests.providers.quirks import Fault, Quirks, Record

BASE = "http://mls.test/odata"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The request uses an option that this server does not support."""


class FeedServer:
    """Serves ``records``, which may contain ``Media``. ``base`` is its URL in next links."""

    def __init__(self, records: Iterable[Record], quirks: Quirks | None = None, *, base: str = BASE) -> None:
        self.records = [dict(record) for record in records]
        self.quirks = quirks or Quirks()
        self.base = base
        self.asked: list[str] = []
        self.requests = 0
        self.extra: dict[str, list[Record]] = {}
        self.tokens_accepted = {self.quirks.token}
        self._is_empty = False
        self._cursors: dict[str, tuple[dict[str, str], Any]] = {}

    # the wire --------------------------------------------------------------------------------------------------

    def answer(self, url: str, token: str | None = None) -> Reply:
        """The reply to a GET of an absolute URL."""
        parts = urlsplit(url)
        if parts.path.endswith("/OpenHouse") and "OpenHouse" not in self.extra:
            return Reply(404, {"error": {"message": "no such resource"}})  # counted by tests of its own
        self.asked.append(url)
        path = unquote(parts.path).removeprefix(urlsplit(self.base).path).strip("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if token is not None and token not in self.tokens_accepted:
            return Reply(401, {"error": {"code": "401", "message": "The token is not valid"}})
        try:
            return self._route(url, path, query)
        except (RefusedError, FilterError) as error:
            return Reply(self.quirks.refusal, {"error": {"code": "x", "message": str(error)}})

    def _route(self, url: str, path: str, query: dict[str, str]) -> Reply:
        quirks = self.quirks
        if path == quirks.media_resource:
            return self._media(query)
        if path in self.extra:
            where = query.get("$filter", "")
            return Reply(200, {"value": [row for row in self.extra[path] if not where or matches(where, row)]})
        if path.startswith(f"{quirks.property_resource}("):
            return self._entity(path, query)
        if path not in (quirks.property_resource, quirks.replication):
            return Reply(404, {"error": {"code": "404", "message": f"no resource {path}"}})
        self.requests += 1
        change = quirks.changes.get(self.requests)
        if change is not None:
            change(self.records)
        fault = quirks.faults.get(self.requests)
        if fault is not None and fault.status != 200:
            return Reply(fault.status, fault.body or {"error": {"message": "fault"}}, fault.headers)
        return self._collection(url, path, query, fault)

    # pages -----------------------------------------------------------------------------------------------------

    def _collection(self, url: str, path: str, query: dict[str, str], fault: Fault | None) -> Reply:
        after: Any = None
        if "$skiptoken" in query:
            query, after = self._cursors[query["$skiptoken"]]
        self._refuse(query)
        rows = self._ordered(self._filtered(query), query)
        size = self._size(path, query)
        start = self._start(rows, query, after)
        self._is_empty = fault is not None and fault.empty
        shown = [] if self._is_empty else rows[start : start + size]
        more = start + len(shown) < len(rows) or (self.quirks.full_last_link and len(shown) == size)
        body = self._wrapped([self._shown(row, query) for row in shown], len(rows), start, size, query)
        link = self._link(path, query, start + len(shown), shown[-1] if shown else after, size) if more else None
        if fault and fault.link:
            link = self._spoiled(fault.link, url, link)
        headers = {}
        if link and self.quirks.link == "header":
            headers["Link"] = f'<{link}>; rel="next"'
        elif link and self.quirks.envelope == "value":
            body["@odata.nextLink"] = link
        return Reply(200, body, headers)

    def _refuse(self, query: Mapping[str, str]) -> None:
        for option in self.quirks.refuse & set(query):
            raise RefusedError(f"{option} is not supported" if self.quirks.names_refused else "Bad request")
        words = tokens(query.get("$filter", ""))
        for word in ("or", "gt"):
            if word in self.quirks.refuse and word in words:
                raise RefusedError(f"operator {word} is not supported" if self.quirks.names_refused else "Bad request")
        self._refuse_untyped(words)
        if "status" in self.quirks.refuse and any("'Active Under Contract'" in word for word in words):
            raise RefusedError("not a value of the enumeration StandardStatus")

    def _refuse_untyped(self, words: list[str]) -> None:
        named = self.quirks.status_type
        literals = [words[place + 2] for place, word in enumerate(words) if word == "StandardStatus"]
        if named and any(not literal.startswith(f"{named}'") for literal in literals):
            kinds = f" Found operand types '{named}' and 'Edm.String' for operator kind 'Equal'."
            told = kinds if self.quirks.names_refused else ""
            raise RefusedError(f"A binary operator with incompatible types was detected.{told}")

    def _filtered(self, query: Mapping[str, str]) -> list[Record]:
        where = query.get("$filter", "")
        if not where or "$filter" in self.quirks.ignore:
            return list(self.records)
        if "or" in self.quirks.ignore and "or" in tokens(where):
            return list(self.records)
        return [row for row in self.records if matches(where, row)]

    def _ordered(self, rows: list[Record], query: Mapping[str, str]) -> list[Record]:
        if "$orderby" in query and "$orderby" not in self.quirks.ignore:
            return sorted(rows, key=self._sort_key)
        if self.quirks.in_stored_order:
            return rows
        return sorted(rows, key=lambda row: crc32(str(row.get("ListingKey")).encode()))

    def _sort_key(self, row: Record) -> tuple[float, Any]:
        at = parse_timestamp(str(row.get(self.quirks.timestamp_field)))
        return (at.timestamp() if at else 0.0, row.get("ListingKey"))

    def _size(self, path: str, query: Mapping[str, str]) -> int:
        most = self.quirks.replication_page_size if path == self.quirks.replication else self.quirks.page_size
        if "$top" not in query or "$top" in self.quirks.ignore:
            return min(most, self.quirks.default_page_size if "$top" not in query else most)
        return min(most, int(query["$top"]))

    def _start(self, rows: list[Record], query: Mapping[str, str], after: Any) -> int:
        if isinstance(after, int):
            return after
        if after is not None:
            if "$orderby" in query and "$orderby" not in self.quirks.ignore:
                return sum(1 for row in rows if self._sort_key(row) <= self._sort_key(after))
            keys = [row.get("ListingKey") for row in rows]
            return keys.index(after.get("ListingKey")) + 1 if after.get("ListingKey") in keys else 0
        if "$skip" in self.quirks.ignore and self.quirks.link not in ("skip",):
            return 0
        if "_page" in query:
            return (int(query["_page"]) - 1) * self._size("?", query)
        return int(query.get("$skip") or 0)

    def _link(self, path: str, query: dict[str, str], offset: int, last: Any, size: int) -> str | None:
        style = self.quirks.link
        if style == "none":
            return None
        if style in ("skip", "page"):
            options = {**query, "$skip": str(offset)}
            if self._is_empty:
                options["empty"] = str(self.requests)
            return f"{self.base}/{path}?" + "&".join(f"{name}={quote(value)}" for name, value in options.items())
        token = f"c{len(self._cursors)}"
        self._cursors[token] = (query, offset if style == "opaque" else dict(last) if last else None)
        return f"{path}?$skiptoken={token}" if style == "relative" else f"{self.base}/{path}?$skiptoken={token}"

    def _spoiled(self, kind: str, url: str, link: str | None) -> str | None:
        return {
            "self": url,
            "first": self.asked[0],
            "elsewhere": "https://elsewhere.example/odata/Property?$skip=100",
            "changing": f"{url}&nonce={self.requests}",
            "none": None,
        }.get(kind, link)

    def _wrapped(self, rows: list[Record], count: int, start: int, size: int, query: Mapping[str, str]) -> Record:
        if self.quirks.envelope == "D":
            pages = max(1, -(-count // size))
            pagination = {"TotalRows": count, "PageSize": size, "TotalPages": pages, "CurrentPage": start // size + 1}
            return {"D": {"Success": True, "Results": rows, "Pagination": pagination}}
        body: Record = {"@odata.context": f"{self.base}/$metadata#Property", "value": rows}
        styles = {"true": count, "string": str(count), "high": count + 50, "low": max(0, count - 50), "page": len(rows)}
        if "$count" in query and self.quirks.count != "none":
            body["@odata.count"] = styles[self.quirks.count]
        return body

    # records ---------------------------------------------------------------------------------------------------

    def _shown(self, row: Record, query: Mapping[str, str]) -> Record:
        inline = self.quirks.media == "inline" or (self.quirks.media == "expand" and "$expand" in query)
        shown = {name: value for name, value in row.items() if name != "Media" or inline}
        if "$select" in query and "$select" not in self.quirks.ignore:
            names = query["$select"].split(",")
            shown = {name: value for name, value in shown.items() if name in names}
        if self.quirks.media_page_size and "Media" in shown:
            held = shown["Media"]
            shown["Media"] = held[: self.quirks.media_page_size]
            if len(held) > self.quirks.media_page_size:
                where = quote(f"ResourceRecordKey eq '{row['ListingKey']}'")
                shown["Media@odata.nextLink"] = f"{self.base}/Media?$filter={where}&$skip={self.quirks.media_page_size}"
        return shown

    def _entity(self, path: str, query: Mapping[str, str]) -> Reply:
        key, _, below = path.partition("(")[2].partition(")")
        row = next((row for row in self.records if str(row["ListingKey"]) == key.strip("'").replace("''", "'")), None)
        if row is None or not self.quirks.entities:
            return Reply(404, {"error": {"code": "404", "message": "not found"}})
        if below == "/Media":
            return Reply(200, {"value": row.get("Media", [])})
        return Reply(200, self._shown(row, query))

    def _media(self, query: Mapping[str, str]) -> Reply:
        if self.quirks.media == "none":
            return Reply(404, {"error": {"message": "no Media resource"}})
        self._refuse(query)
        rows = [
            {**media, "ResourceRecordKey": row["ListingKey"]} for row in self.records for media in row.get("Media", [])
        ]
        where = query.get("$filter", "")
        found = [row for row in rows if not where or matches(where, row)]
        return Reply(200, {"value": found[int(query.get("$skip") or 0) :]})
