"""What a server's answer says: errors read leniently from bodies of any shape (FIELD §3), waits read from headers, and
secrets masked. It must never raise on a body, nor let a token through."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson

from mls_tui.domain.masking import Masker

READ_AT_MOST = 2048
SPARK_THROTTLED = "1550"

_OAUTH_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\S ]+|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: the parsed JSON object, and the headers with lower-case names."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says: its code (text, may be empty) and its message (masked, one line, may be empty)."""

    code: str = ""
    message: str = ""


def phrase(status: int) -> str:
    """``503 Service Unavailable``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def fault_in(body: Any) -> Fault | None:
    """The error that a parsed body holds, whatever its status: ``{"error": …}`` or Spark's ``D.Success=false``."""
    if not isinstance(body, Mapping):
        return None
    spark = body.get("D")
    if isinstance(spark, Mapping) and spark.get("Success") is False:
        return Fault(_text(spark.get("Code")), _text(spark.get("Message")))
    error = body.get("error") or body.get("odata.error") or body.get("errors")
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
    return Fault(_text(error.get("code")), _text(message or error.get("details")))


def read_fault(raw: bytes, mask: Masker) -> Fault:
    """What the first 2 kB of an error body say: JSON of any known shape, HTML or text; empty where they say nothing."""
    head = raw[:READ_AT_MOST]
    try:
        body = orjson.loads(head)
    except orjson.JSONDecodeError:
        return Fault("", clean(_TAG.sub(" ", head.decode("utf-8", "replace")), mask))
    found = fault_in(body)
    if found is None and isinstance(body, Mapping):
        found = Fault(_text(body.get("code")), _text(body.get("message") or body.get("Message") or body.get("title")))
    return Fault(clean(found.code, mask, 60), clean(found.message, mask)) if found else Fault()


def clean(text: str, mask: Masker, length: int = 200) -> str:
    """One masked line of plain characters, at most ``length`` of them."""
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
    return str(value)[:READ_AT_MOST]
