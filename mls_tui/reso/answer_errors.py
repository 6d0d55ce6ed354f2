"""Turns an answer of an MLS into its JSON object, or into the error that FIELD §3 makes of it. It must do no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from mls_tui.domain.errors import MLSError
from mls_tui.domain.masking import Masker
from mls_tui.reso.answers import Fault, clean, phrase, read_fault
from mls_tui.reso.exchange import Raw

_RETRYABLE = frozenset({408, 425})


def parsed(body: bytes) -> Any:
    """JSON, read as leniently as feeds need: a byte order mark, NaN, huge numbers, bytes that are no UTF-8.

    Raises:
        ValueError: it is no JSON at all.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body.decode("utf-8", "replace"), parse_constant=lambda _: None)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def no_json(host: str, raw: Raw) -> MLSError:
    """The error for a good status whose body cannot be read; a truncated page or a proxy's page may pass."""
    kind = "an empty answer" if not raw.body.strip() else "a web page" if raw.body.lstrip()[:1] == b"<" else "no JSON"
    return MLSError(
        f"{host} answered {phrase(raw.status)} with {kind} where JSON was expected. If this stays, check the base URL.",
        status=raw.status,
        retryable=True,
    )


def refused(host: str, raw: Raw, mask: Masker) -> tuple[Fault, MLSError]:
    """What an error status says, and the error to raise for it (FIELD §3)."""
    fault = read_fault(raw.body, mask)
    retryable = raw.status in _RETRYABLE or raw.status >= 500
    return fault, MLSError(_sentence(host, raw.status, fault), status=raw.status, retryable=retryable)


def error_inside(host: str, raw: Raw, fault: Fault, mask: Masker) -> MLSError:
    """The error for a good status whose body holds one. Its code counts as the status where it looks like one."""
    fault = Fault(clean(fault.code, mask, 60), clean(fault.message, mask))
    status = status_of(fault) or raw.status
    hopeless = 400 <= status < 500 and status not in _RETRYABLE
    said = ": ".join(part for part in (fault.code, fault.message) if part) or "no reason"
    return MLSError(
        f"{host} answered {raw.status} with an error inside ({said}).", status=status, retryable=not hopeless
    )


def status_of(fault: Fault) -> int | None:
    """The HTTP status that an error's code stands for, if it does."""
    return int(fault.code) if len(fault.code) == 3 and fault.code.isascii() and fault.code.isdigit() else None


def _sentence(host: str, status: int, fault: Fault) -> str:
    said = f": {fault.message}" if fault.message else f" (code {fault.code})" if fault.code else ""
    advice = {
        403: " The account may not read this; ask the MLS which resources it is entitled to.",
        404: " Check the base URL and the resource's name if it should be there.",
    }.get(status, "")
    end = "" if said.endswith((".", "!", "?", "…")) else "."
    return f"{host} answered {phrase(status)}{said}{end}{advice}"


def as_object(body: Any) -> Mapping[str, Any] | None:
    """The JSON object of an answer; a bare array counts as its records."""
    if isinstance(body, list):
        return {"value": body}
    return body if isinstance(body, dict) else None
