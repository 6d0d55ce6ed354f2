"""How a test server pages, what it refuses or ignores, and which responses it replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
Change = Callable[[list[Record]], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """Replaces a response. ``link`` replaces the next link: ``self``, ``first``, ``elsewhere`` or ``changing``;
    ``empty`` gives no rows and a link to the same place."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    link: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Quirks:
    """``link``: ``skiptoken``, ``relative``, ``skip``, ``page``, ``header``, ``none`` or ``opaque``, a token that hides
    how many rows were passed. ``count``: ``true``,
    ``string``, ``none``, ``high``, ``low`` or ``page``. ``refuse`` and ``ignore`` hold option names, ``or``, ``gt``,
    ``status`` and ``key``. ``faults`` and ``changes`` count the requests for records, from 1."""

    page_size: int = 100
    default_page_size: int = 10
    link: str = "skiptoken"
    count: str = "true"
    refuse: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    refusal: int = 400
    names_refused: bool = True
    faults: Mapping[int, Fault] = field(default_factory=dict)
    changes: Mapping[int, Change] = field(default_factory=dict)
    full_last_link: bool = False
    envelope: str = "value"
    media: str = "expand"
    media_page_size: int = 0
    property_resource: str = "Property"
    media_resource: str = "Media"
    replication: str = ""
    replication_page_size: int = 2000
    timestamp_field: str = "ModificationTimestamp"
    token: str = "token-1"
    entities: bool = True
    in_stored_order: bool = False
    """Where no order is asked for, or heeded: as the records stand, not shuffled."""
    status_type: str = ""
    """The enumeration that literals of StandardStatus must be written in, such as ``RESO.OData.StandardStatus``."""
