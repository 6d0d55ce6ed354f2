"""The key by which a relisted home is recognised, for what a feed serves and what a store holds alike. Pure, no I/O."""

from __future__ import annotations

import re
from types import MappingProxyType

from mls_tui.domain.listing import Address

_ABBREVIATIONS = (
    *("north=n", "south=s", "east=e", "west=w", "northeast=ne", "northwest=nw", "southeast=se", "southwest=sw"),
    *("street=st", "avenue=ave", "av=ave", "boulevard=blvd", "drive=dr", "road=rd", "lane=ln", "court=ct"),
    *("place=pl", "terrace=ter", "circle=cir", "highway=hwy", "parkway=pkwy", "square=sq", "trail=trl"),
    *("cove=cv", "point=pt", "crossing=xing"),
)
_WORDS = MappingProxyType(dict(pair.split("=") for pair in _ABBREVIATIONS))
_UNIT_WORDS = frozenset({"apartment", "apt", "unit", "suite", "ste", "no", "number"})
_WORD = re.compile(r"[^\W_]+")


def address_key(address: Address) -> str | None:
    """One text for one home however its address is spelled: ``12 North Oak Street #4`` and ``12 N. OAK ST, Unit 4``.

    None where the street, its number, or both ZIP and city are unknown: such homes are never taken for one another.
    """
    if not address.street:
        return None
    words = (word for word in _WORD.findall(address.street.casefold()) if word not in _UNIT_WORDS)
    street = " ".join(_WORDS.get(word, word) for word in words)
    if not any(map(str.isdigit, street)) or not any(map(str.isalpha, street)):
        return None
    digits = re.match(r"\s*(\d{5})\b", address.zip or "")
    place = digits[1] if digits else " ".join(_WORD.findall(f"{address.city or ''} {address.state or ''}".casefold()))
    return f"{street}|{place}" if place and (digits or address.city) else None
