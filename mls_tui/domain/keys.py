"""Names of things in storage: provider names, listing ids, item keys and object keys. Pure functions, no I/O.

Every key format is here and nowhere else, and is public (docs/contract.md, DynamoDB and S3): changing one is a breaking
change.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from mls_tui.domain.errors import UnusableRecordError

MAX_COMPONENT_BYTES = 255
"""Longest encoded MLS number or ListingKey. Leaves room in DynamoDB's 1,024-byte sort key and S3's object key."""

LISTING_PREFIX = "LISTING#"
MARK_PREFIX = "LISTINGKEY#"
CONNECTION_PREFIX = "MLSCONNECTION#"
RUN_PREFIX = "IMPORTRUN#"

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")
_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")


def encode_component(text: str) -> str:
    """Percent-encode what is unsafe in a key; letters, digits and ``-._~`` stay as they are."""
    if _PLAIN.fullmatch(text):
        return text  # as nearly all do
    return quote(text, safe="-._~")


def slug(name: str) -> str:
    """``Lakeside MLS`` -> ``lakeside-mls``: lower case, runs of anything but letters and digits become one ``-``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def provider_name(preset: str, *, serves_many: bool, originating_system: str | None) -> str:
    """The MLS a record belongs to: the preset's name, or ``<preset>.<slug>`` for a preset that serves several."""
    system = slug(originating_system) if serves_many and originating_system else ""
    return f"{preset}.{system}" if system else preset


def new_listing_id(provider: str, mls_number: str, first_import_ms: int) -> str:
    """``<provider>-<mlsNumber>-<epoch ms of the first import>``; never changes again.

    Raises:
        UnusableRecordError: the MLS number is empty or too long for a key.
    """
    return f"{provider}-{mls_number_key(mls_number)}-{first_import_ms}"


def mls_number_key(mls_number: str) -> str:
    """The MLS number as it stands inside keys. Raises UnusableRecordError if it is empty or too long."""
    encoded = encode_component(mls_number)
    if not encoded or len(encoded) > MAX_COMPONENT_BYTES:
        raise UnusableRecordError(f"its MLS number cannot be a key ({len(encoded)} bytes encoded)")
    return encoded


def valid_user_id(user_id: str) -> bool:
    """True if the id may stand in item keys and object prefixes as it is (Cognito ids contain ``:``)."""
    return _USER_ID.fullmatch(user_id) is not None


def user_pk(user_id: str) -> str:
    return f"USER#{user_id}"


def listing_sk(listing_id: str) -> str:
    return f"{LISTING_PREFIX}{listing_id}"


def mark_sk(provider: str, listing_key: str, source: str | None = None) -> str:
    """Sort key of the uniqueness mark of a (user, MLS, ListingKey).

    ``source`` is given if another API host already has a listing with this provider and key; its hash then follows the
    provider.
    A ListingKey too long for a sort key is replaced by its hash.
    """
    key = encode_component(listing_key)
    if len(key) > MAX_COMPONENT_BYTES:
        key = f"%sha256-{hashed(listing_key)}"  # never the encoding of a ListingKey
    owner = f"{provider}@{hashed(source)[:16]}" if source else provider
    return f"{MARK_PREFIX}{owner}#{key}"


def connection_sk(connection_id: str) -> str:
    return f"{CONNECTION_PREFIX}{connection_id}"


def run_sk(started_ms: int, run_id: str) -> str:
    """Sorts by start time: epoch milliseconds have 13 digits until the year 2286."""
    return f"{RUN_PREFIX}{started_ms:013d}#{run_id}"


def problem_prefix(run_id: str) -> str:
    return f"RUNPROBLEM#{run_id}#"


def problem_sk(run_id: str, sequence: int) -> str:
    """Sort key of one failed, quarantined or photo problem of a run."""
    return f"{problem_prefix(run_id)}{sequence:08d}"


def state_sk(name: str) -> str:
    """Sort key of a small text kept under a name."""
    return f"STATE#{encode_component(name)}"


def hashed(text: str) -> str:
    """SHA-256 in hex, for what may be longer than a key: a ListingKey alone may have DynamoDB's 1,024 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def gsi1_pk(provider: str, mls_number: str) -> str:
    return f"MLS#{provider}#{mls_number_key(mls_number)}"


def gsi1_sk(status: str) -> str:
    return f"STATUS#{status}"


def user_prefix(user_id: str) -> str:
    """Every object of a user stands below this prefix."""
    return f"listings/{user_id}/"


def listing_prefix(user_id: str, listing_id: str) -> str:
    """Every object of a listing, originals and variants, stands below this prefix."""
    return f"{user_prefix(user_id)}{listing_id}/"


def photo_key(user_id: str, listing_id: str, index: int, extension: str) -> str:
    """``listings/<userId>/<listingId>/original/photo<index>.<extension>``; extension without a dot."""
    return f"{listing_prefix(user_id, listing_id)}original/photo{index}.{extension}"


def variant_name(width: int) -> str:
    """The ``<variant>`` of a rendition ``width`` pixels wide: ``w400``."""
    return f"w{width}"


def variant_key(user_id: str, listing_id: str, variant: str, index: int) -> str:
    return f"{listing_prefix(user_id, listing_id)}{variant}/photo{index}.webp"
