"""The address of a record. It must never write the word "None", nor a street that the seller withholds."""

from __future__ import annotations

import re

from mls_tui.domain.listing import Address
from mls_tui.reso.mapping.fields import Fields

_STREET_PARTS = ("StreetDirPrefix", "StreetName", "StreetSuffix", "StreetDirSuffix", "UnitNumber")

_WORD = re.compile(r"[^\W_]+")
_PLUS_FOUR = re.compile(r"\d{4}")


def address_of(fields: Fields) -> Address:
    """UnparsedAddress, else its parts in order (FIELD §4). InternetAddressDisplayYN=false withholds the street."""
    city = fields.word("City", "PostalCity")
    state = fields.word("StateOrProvince")
    postal = _postal_code(fields)
    country = fields.word("Country")
    return Address(
        street=_street(fields, tuple(part for part in (city, state, postal, country) if part)),
        city=city,
        state=state,
        zip=postal,
        country=country,
    )


def withheld(fields: Fields) -> bool:
    """Whether the seller wants the street, and what would show it on a map, left out; null means it may be shown."""
    return fields.flag("InternetAddressDisplayYN") is False


def _street(fields: Fields, region: tuple[str, ...]) -> str | None:
    if withheld(fields):
        return None
    whole = fields.text("UnparsedAddress")
    if whole is not None:
        words = (word for word in whole.split(" ") if word.strip(",").lower() not in ("none", "null"))
        return _without_region(" ".join(words), region) or None
    parts = (fields.text("StreetNumber", "StreetNumberNumeric"), *(fields.text(name) for name in _STREET_PARTS))
    return " ".join(part for part in parts if part) or None


def _without_region(street: str, region: tuple[str, ...]) -> str:
    """``12 Oak St, Austin, TX 78701`` -> ``12 Oak St``: UnparsedAddress may repeat what stands in City and the like."""
    head, comma, tail = street.partition(",")
    if not comma:
        return street
    known = {"us", "usa"}.union(*(_WORD.findall(part.casefold()) for part in region))
    while region and comma:
        words = _WORD.findall(tail.casefold())
        if words and all(word in known or _PLUS_FOUR.fullmatch(word) for word in words):
            return head.strip()
        following, comma, tail = tail.partition(",")
        head = f"{head},{following}"
    return street.rstrip(", ")


def _postal_code(fields: Fields) -> str | None:
    """A JSON number has lost the leading zeros of New England: 1234 is 01234."""
    raw = fields.record.get("PostalCode")
    text = fields.text("PostalCode")
    if text is not None and isinstance(raw, (int, float)) and text.isdigit():
        return text.zfill(5)
    return text
