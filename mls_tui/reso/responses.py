"""Reads HTTP responses: their JSON, as tolerantly as feeds require, and error bodies of every known shape.

No I/O. See docs/reso-feeds.md, section 3 (Errors).
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson

from mls_tui.domain.errors import MLSError
from mls_tui.domain.masking import Masker

SPARK_THROTTLED = "1550"

_MESSAGES = ("message", "Message", "error_description", "detail", "title")
_OAUTH_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\S ]+|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(slots=True)
class Response:
    """A response. Header names are in lower case; ``content`` is the decompressed body, until it is parsed into
    ``body``, a JSON object."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says; both may be empty. ``message`` is one masked line."""

    code: str = ""
    message: str = ""


def phrase(status: int) -> str:
    """``503 Service Unavailable``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def fault_in(body: Any) -> Fault | None:
    """The error in a parsed body, also of a success status: ``{"error": …}`` or Spark's ``D.Success=false``."""
    if not isinstance(body, Mapping):
        return None
    spark = body.get("D")
    if isinstance(spark, Mapping) and spark.get("Success") is False:
        return Fault(_text(spark.get("Code")), _text(spark.get("Message")))
    error = body.get("error") or body.get("odata.error") or body.get("errors") or body.get("fault")
    if not error:
        return None
    if isinstance(error, list):
        error = error[0]
    if not isinstance(error, Mapping):
        code = body.get("code") or body.get("status") or (error if _OAUTH_CODE.fullmatch(_text(error)) else "")
        return Fault(_text(code), _text(body.get("error_description") or error))
    message = error.get("message")
    if isinstance(message, Mapping):  # OData 2 and 3 wrap it with its language
        message = message.get("value")
    texts = (message, *(error.get(name) for name in ("details", "detail", "faultstring")))
    return Fault(_text(error.get("code")), next(filter(None, map(_text, texts)), "") or _messages_by_field(error))


def _messages_by_field(errors: Mapping[str, Any]) -> str:
    """ASP.NET's ``{"Audience": ["The Audience field is required."]}`` as one line."""
    lines = []
    for name, said in list(errors.items())[:5]:
        texts = said if isinstance(said, list) else [said]
        if name not in ("code", "target", "type") and (text := " ".join(_text(each) for each in texts[:5]).strip()):
            lines.append(f"{name}: {text}" if name else text)
    return "; ".join(lines)


def read_fault(raw: bytes, mask: Masker) -> Fault:
    """The error in the body of an error response: JSON of any known shape, HTML or text."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Fault("", clean(_TAG.sub(" ", _text_of(raw, None)), mask))
    found = fault_in(body)
    if found is None and isinstance(body, Mapping):
        found = Fault(_text(body.get("code")), _text(_first(body, _MESSAGES)))
    return Fault(clean(found.code, mask, 60), clean(found.message, mask)) if found else Fault()


def _first(body: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((body[name] for name in names if body.get(name)), None)


def clean(text: str, mask: Masker, length: int = 200) -> str:
    """One masked line of printable characters, at most ``length``."""
    line = " ".join(_UNPRINTABLE.sub(" ", mask(text)).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def seconds_until(text: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After or reset header: delta seconds, epoch seconds or milliseconds, HTTP date or ISO 8601.

    Negative for the past; None for what cannot be read.
    """
    if not text or not text.strip():
        return None
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return _seconds_until_date(text, now)
    if not math.isfinite(number):
        return None
    if number > 1e11:
        number /= 1000
    return number - now.timestamp() if number > 1e9 else number


def _seconds_until_date(text: str, now: datetime) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return None


def _text(value: Any) -> str:
    if value is None or isinstance(value, Mapping | list | bool):
        return ""
    return str(value)[:2048]


# ---- The errors to raise

_RETRYABLE = frozenset({408, 425})


def error_for_body(host: str, status: int, body: bytes) -> MLSError:
    """The error for a success status with a body that is no JSON. Retryable: it may be truncated or from a proxy."""
    kind = "an empty answer" if not body.strip() else "a web page" if body.lstrip()[:1] == b"<" else "no JSON"
    return MLSError(
        f"{host} answered {phrase(status)} with {kind} where JSON was expected. If this stays, check the base URL.",
        status=status,
        retryable=True,
    )


def error_for_status(host: str, status: int, body: bytes, mask: Masker) -> tuple[Fault, MLSError]:
    """What an error response says, and the error to raise for it."""
    fault = read_fault(body, mask)
    retryable = status in _RETRYABLE or (status >= 500 and status != 501)
    return fault, MLSError(_sentence(host, status, fault), status=status, retryable=retryable)


def error_for_fault(host: str, status: int, fault: Fault, mask: Masker) -> MLSError:
    """The error for a success status whose body holds an error. Its code replaces the status if it looks like one."""
    fault = Fault(clean(fault.code, mask, 60), clean(fault.message, mask))
    meant = int(fault.code) if len(fault.code) == 3 and fault.code.isascii() and fault.code.isdigit() else status
    hopeless = 400 <= meant < 500 and meant not in _RETRYABLE
    said = ": ".join(part for part in (fault.code, fault.message) if part) or "no reason"
    return MLSError(f"{host} answered {status} with an error inside ({said}).", status=meant, retryable=not hopeless)


_WANTS_PARAMETER = re.compile(r"\b(?:required|missing|must be (?:given|specified|provided|supplied))\b", re.IGNORECASE)
_PARAMETER_ADVICE = (
    " If every request needs a parameter of its own, set it for this connection: --set query_parameters='Name=value'."
)


def _sentence(host: str, status: int, fault: Fault) -> str:
    said = f": {fault.message}" if fault.message else f" (code {fault.code})" if fault.code else ""
    advice = {
        403: " The account may not read this; ask the MLS which resources it is entitled to.",
        400: _PARAMETER_ADVICE if _WANTS_PARAMETER.search(fault.message) else "",
        404: " Check the base URL and the resource's name if it should be there.",
    }.get(status, "")
    end = "" if said.endswith((".", "!", "?", "…")) else "."
    return f"{host} answered {phrase(status)}{said}{end}{advice}"


# ---- JSON

MAX_VALUES = 2_000_000
"""Twice as many as in a page of 64 MB with 1,000 listings and their Media. 21 million take 5 GB of memory."""
MAX_ROWS = 100_000
UNREADABLE = "@mls-tui.unreadable"
"""This field of a record holds the reason why one of its values could not be read. The record is quarantined."""

_ROWS = ("value", "Results", "results", "bundle")
_MAX_DIGITS = 400
"""A longer number has no meaning in a feed; Python refuses more than 4,300 digits."""
_MAX_DEPTH = 64
# Possessive quantifiers: linear time, and no memory for each escape, also for hostile text.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[][{},]|-?[0-9][0-9.eE+-]*+', re.DOTALL)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CHARSETS = re.compile(r"(?:utf|iso|windows|cp|latin|us|ascii|gb|big5|shift|euc|koi8|mac)[\w-]{0,20}", re.ASCII)


class PageTooLargeError(MLSError):
    """More values or rows than a page may have. Its status, 413, makes the pager request smaller pages."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The MLS sent a page of more than {what}; it was not read, to keep memory bounded. "
            "Check the base URL, or ask the provider what it sends.",
            status=413,
        )


def parse_json(body: bytes, content_type: str = "") -> Any:
    """The JSON of a response, in the charset of its Content-Type, else UTF-8, else Windows-1252.

    NaN becomes None. If one value of a record cannot be read (thousands of digits, a thousand levels deep), that record
    is marked ``UNREADABLE`` and the others are kept.

    Raises:
        ValueError: it is no JSON.
        PageTooLargeError: it has too many values.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise PageTooLargeError(f"{MAX_VALUES:,} values")
    charset = _charset(body, content_type)
    data = body.removeprefix(b"\xef\xbb\xbf") if charset is None else _text_of(body, charset)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data if isinstance(data, str) else _text_of(data, None)
    try:
        return _lenient(text)
    except (ValueError, RecursionError):
        return _parse_records(text)


def with_records(body: Any) -> Mapping[str, Any] | None:
    """The JSON object of a response; an array becomes ``{"value": [...]}``. None for other values.

    Raises:
        PageTooLargeError: it has too many rows.
    """
    if not isinstance(body, list | dict):
        return None
    found: dict[str, Any] = {"value": body} if isinstance(body, list) else body
    envelopes = [found, *(found[name] for name in ("D", "d") if isinstance(found.get(name), dict))]
    lists = [each for envelope in envelopes for each in envelope.values() if isinstance(each, list)]
    if any(len(each) > MAX_ROWS for each in lists):
        raise PageTooLargeError(f"{MAX_ROWS:,} rows")
    return found


def _charset(body: bytes, content_type: str) -> str | None:
    """The charset to try first; None for UTF-8."""
    found = _CHARSET.search(content_type)
    name = found[1].lower() if found else json.detect_encoding(body[:4])
    try:
        known = codecs.lookup(name).name if _CHARSETS.fullmatch(name) else "utf-8"
    except LookupError:
        return None
    return {"utf-8": None, "utf-8-sig": None, "ascii": None, "iso8859-1": "cp1252"}.get(known, known)


def _text_of(body: bytes, charset: str | None) -> str:
    return body.decode(charset, "replace") if charset else body.decode("utf-8", "mls-tui.windows-1252")


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("mls-tui.windows-1252", _as_windows_1252)


def _lenient(text: str) -> Any:
    return json.loads(text, parse_constant=lambda _: None, parse_int=_whole_number)


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _parse_records(text: str) -> Any:
    """Parse the records one by one. Raises ValueError if there is no complete list of records."""
    names, start, end, items = _list_of_records(text)
    records = [_record(item) for item in items]
    if not names:
        return records
    try:
        body = _lenient(f"{text[:start]}[]{text[end:]}")
        (body if len(names) == 1 else body[names[0]])[names[-1]] = records
    except (RecursionError, LookupError, TypeError):
        raise ValueError("no envelope of records") from None
    return body


def _list_of_records(text: str) -> tuple[list[str], int, int, list[str]]:
    """The first list of records: the names that lead to it, its start and end, and the text of each record."""
    names: list[str] = []
    depth, began, key, item = 0, -1, "", -1
    items: list[str] = []
    for found in _TOKEN.finditer(text):
        part = found[0]
        if began < 0:
            if part[0] == '"':
                key = part
            elif part == "[" and (depth == 0 or (depth == len(names) + 1 and _is_rows(key))):
                names += [orjson.loads(key)] if depth else []
                began, item, base = found.start(), found.end(), depth + 1
                depth += 1
            elif part == "{":
                names += [orjson.loads(key)] if depth == len(names) + 1 and key in ('"D"', '"d"') else []
                depth += 1
            elif part in "]}":
                depth -= 1
            continue
        if part in "[{":
            depth += 1
        elif part in "]}":
            depth -= 1
            if depth < base:
                last = text[item : found.start()]
                return names, began, found.end(), [*items, last] if items or last.strip() else items
        elif part == "," and depth == base:
            items.append(text[item : found.start()])
            item = found.end()
    raise ValueError("no whole list of records")


def _is_rows(key: str) -> bool:
    return key.strip('"') in (*_ROWS, "D", "d")


def _record(text: str) -> Any:
    """One record. A value that cannot be read is left out, and the record is marked ``UNREADABLE``."""
    for read in (orjson.loads, _lenient):
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    reasons: list[str] = []
    try:
        record = orjson.loads("".join(_without_unreadable(text, reasons.append)))
    except ValueError:
        reasons, record = [*reasons, "it is not JSON"], None
    reason = reasons[0] if reasons else "it is not JSON"
    return {**record, UNREADABLE: reason} if isinstance(record, dict) else {UNREADABLE: reason}


def _without_unreadable(text: str, note: Callable[[str], object]) -> Iterator[str]:
    """The text of a record in parts, with ``null`` for numbers that are too long and values nested too deep."""
    depth, done = 0, 0
    for found in _TOKEN.finditer(text):
        part = found[0]
        if part in "]}":
            depth -= 1
            if depth == _MAX_DEPTH:
                yield "null"
                done = found.end()
        elif part in "[{":
            if depth == _MAX_DEPTH:
                note(f"it holds a value nested more than {_MAX_DEPTH} deep")
                yield text[done : found.start()]
            depth += 1
        elif len(part) > _MAX_DIGITS and part[0] != '"' and depth <= _MAX_DEPTH:
            note(f"it holds a number of more than {_MAX_DIGITS} digits")
            yield text[done : found.start()]
            yield "null"
            done = found.end()
    yield text[done:]
