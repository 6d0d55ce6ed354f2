"""What a provider preset is made of: plain data about one provider, and how sure each fact is. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from mls_tui.domain.connection import AuthKind


class Sure(StrEnum):
    """How sure a fact of a preset is (FIELD, first paragraph)."""

    A = "A"
    """The standard's or the provider's own text."""
    B = "B"
    """A credible second-hand source."""
    C = "C"
    """Seen in one client only."""
    M = "M"
    """Measured."""
    OURS = "ours"
    """Nobody says: our own choice or guess."""


class MediaMode(StrEnum):
    """How photos come: asked for with ``$expand``, inside each record unasked, or from a resource of their own."""

    EXPAND = "expand"
    INLINE = "inline"
    SEPARATE = "separate"


class TokenAuth(StrEnum):
    """Where a token endpoint wants the client's id and secret: in the form, or as HTTP Basic (FIELD §2)."""

    POST = "post"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``limit`` requests (or bytes) in any window of ``seconds``."""

    limit: int
    seconds: float
    unit: str = "requests"


@dataclass(frozen=True, slots=True)
class ProviderPreset:
    """Facts about one provider; data, never behaviour. Every field can be replaced by ``Connection.overrides``.

    ``base_url`` may hold ``{dataset}``. Header values may hold ``{token}``, which stands for the access token.
    ``page_size`` counts records of a page with Media, ``page_size_without_media`` of one without.
    ``required_fields`` names the fields of a connection that a form must ask for.
    """

    name: str
    label: str
    serves_many: bool
    base_url: str
    auths: tuple[AuthKind, ...]
    sure: tuple[Sure, ...]
    """The letters of the provider's row in FIELD §6, over its facts together."""
    sureness: Mapping[str, Sure] = field(default_factory=dict)
    """How sure each fact is, by the name of its field; those left out have ``STANDARD``'s. Ask ``sure_of``."""
    token_url: str | None = None
    revocation_url: str | None = None
    """Where a token can be revoked (RFC 7009), None where the provider offers nothing of the kind."""
    scope: str | None = None
    token_auth: TokenAuth = TokenAuth.POST
    property_resource: str = "Property"
    media_resource: str = "Media"
    member_resource: str = "Member"
    office_resource: str = "Office"
    media_mode: MediaMode = MediaMode.EXPAND
    media_parent_field: str = "ResourceRecordKey"
    page_size: int = 200
    page_size_without_media: int = 1000
    order_by: bool = True
    count: bool = True
    replication: str | None = None
    """Path below ``base_url`` of a replication collection, for whole copies; None where there is none."""
    replication_page_size: int = 2000
    timestamp_field: str = "ModificationTimestamp"
    key_field: str = "ListingKey"
    number_field: str = "ListingId"
    status_field: str = "StandardStatus"
    agent_field: str = "ListAgentKey"
    system_field: str | None = "OriginatingSystemName"
    system: str | None = None
    """The value of ``system_field`` that this preset always asks for; a connection's ``mls_system`` replaces it."""
    dataset: str | None = None
    keys_per_filter: int = 25
    overlap_minutes: int = 5
    headers: Mapping[str, str] = field(default_factory=dict)
    media_headers: Mapping[str, str] = field(default_factory=dict)
    api_limits: tuple[Limit, ...] = (Limit(2, 1.0),)
    media_limits: tuple[Limit, ...] = ()
    """Empty where no limit is known: the number in flight then adapts to what the host bears."""
    media_auth: bool = False
    """Whether the access token is sent with requests for photos: to the API's own origin, and to ``media_token_hosts``
    of the same provider over https; never elsewhere."""
    media_token_hosts: tuple[str, ...] = ()
    media_once: bool = False
    """Whether a photo's URL is good for one request: a second attempt needs a fresh Media row."""
    max_watermark_age_days: int | None = None
    """Hidden records leave the feed after this many days: an older watermark needs a full run."""
    notes: tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()

    def sure_of(self, fact: str) -> Sure:
        """How sure the fact in this field is."""
        return self.sureness.get(fact) or STANDARD.get(fact, Sure.OURS)


STANDARD: Final[Mapping[str, Sure]] = MappingProxyType(
    dict.fromkeys(
        (
            "serves_many", "property_resource", "media_resource", "member_resource", "office_resource", "media_mode",
            "media_parent_field", "order_by", "count", "timestamp_field", "key_field", "number_field", "status_field",
            "agent_field", "system_field", "headers", "media_headers",
        ),
        Sure.A,
    )
)  # fmt: skip
"""How sure the values are that a preset does not say: the names of the Data Dictionary and the options of OData are
the standard's own text; all others are our choice."""
