"""The Members and Offices of Lakeside MLS: four agents an office, the same for every seed."""

from __future__ import annotations

import random
from typing import Any

from mls_tui.demo import places

AGENTS_PER_OFFICE = 4
_STAMP = "2025-06-02T08:00:00.000Z"
LOGIN = "demo"
"""MemberLoginId of the first agent, whom the demo's credentials belong to."""


def offices() -> list[dict[str, Any]]:
    """Every Office record, in the order of OfficeKey."""
    found = []
    for place, name in enumerate(places.OFFICES):
        town = places.TOWNS[place % len(places.TOWNS)]
        found.append(
            {
                "OfficeKey": f"O{place + 1:04d}",
                "OfficeMlsId": f"LSO{place + 101}",
                "OfficeName": name,
                "OfficePhone": f"555-01{place:02d}",
                "OfficeEmail": f"hello@office{place + 1}.example",
                "OfficeAddress1": f"{12 + 7 * place} {places.STREETS[place * 3]} Street",
                "OfficeCity": town.name,
                "OfficeStateOrProvince": town.state,
                "OfficePostalCode": town.zips[0],
                "OfficeStatus": "Active",
                "OriginatingSystemName": places.SYSTEM,
                "ModificationTimestamp": _STAMP,
            }
        )
    return found


def members() -> list[dict[str, Any]]:
    """Every Member record, in the order of MemberKey; the first one is the signed-in one (``LOGIN``)."""
    rng = random.Random("lakeside members")
    found = []
    for place in range(len(places.OFFICES) * AGENTS_PER_OFFICE):
        office = place // AGENTS_PER_OFFICE
        first, last = rng.choice(places.FIRST_NAMES), rng.choice(places.LAST_NAMES)
        found.append(
            {
                "MemberKey": f"M{place + 1:05d}",
                "MemberMlsId": f"LSM{place + 2001}",
                "MemberLoginId": LOGIN if place == 0 else f"agent{place + 1}",
                "MemberFirstName": first,
                "MemberLastName": last,
                "MemberFullName": f"{first} {last}",
                "MemberEmail": f"agent{place + 1}@office{office + 1}.example",
                "MemberDirectPhone": f"555-01{place % 100:02d}",
                "MemberStatus": "Active",
                "OfficeKey": f"O{office + 1:04d}",
                "OfficeName": places.OFFICES[office],
                "OriginatingSystemName": places.SYSTEM,
                "ModificationTimestamp": _STAMP,
            }
        )
    return found
