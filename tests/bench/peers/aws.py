"""The AWS side that several peers share: credentials for the bench's servers, and an item as tutorials write it."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

REGION = "us-east-1"
BUCKET = "bucket"


def credentials() -> None:
    """Any credentials: the bench's servers do not look at signatures."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": REGION}


def item_of(record: dict[str, Any], photos: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of a listing, with the project's keys and the fields that everyone maps."""
    number = record["ListingId"]
    return {
        "PK": "USER#bench",
        "SK": f"LISTING#{number}",
        "GSI1PK": f"MLS#reso#{number}",
        "GSI1SK": "STATUS#active",
        "EntityType": "Listing",
        "Data": {
            "mlsNumber": number,
            "mlsId": record["ListingKey"],
            "address": {
                "street": record["UnparsedAddress"],
                "city": record["City"],
                "state": record["StateOrProvince"],
                "zip": record["PostalCode"],
            },
            "price": Decimal(str(record["ListPrice"] or 0)),
            "bedrooms": record.get("BedroomsTotal"),
            "bathrooms": Decimal(str(record.get("BathroomsTotalInteger") or 0)),
            "squareFeet": Decimal(str(record.get("LivingArea") or 0)),
            "status": "active",
            "description": record.get("PublicRemarks"),
            "photos": photos,
        },
    }
