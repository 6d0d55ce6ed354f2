"""The providers we know (FIELD §6), as data: what differs between them and how sure each fact is. It must never hold
code for one provider; a connection's overrides replace any field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import urlsplit

from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.domain.errors import UsageError
from mls_tui.reso.overrides import apply_overrides
from mls_tui.reso.preset_fields import Limit, MediaMode, ProviderPreset, Sure, TokenAuth

__all__ = [
    "PRESETS",
    "Limit",
    "MediaMode",
    "ProviderPreset",
    "Sure",
    "TokenAuth",
    "counted_host",
    "for_connection",
    "preset",
]

_HOUR = 3600.0
_DAY = 86400.0
_OAUTH = (AuthKind.CLIENT_CREDENTIALS, AuthKind.BEARER)
_GZIP = MappingProxyType({"Accept-Encoding": "gzip"})
_A, _B, _C, _OURS = Sure.A, Sure.B, Sure.C, Sure.OURS


def _graded(*grades: tuple[Sure, str]) -> Mapping[str, Sure]:
    """Each fact's grade, from a grade and the names of its facts."""
    return MappingProxyType({name: grade for grade, names in grades for name in names.split()})


_FLEXMLS = ProviderPreset(
    name="flexmls",
    label="Flexmls (Spark)",
    serves_many=False,
    base_url="https://replication.sparkapi.com/Reso/OData",
    auths=(AuthKind.BEARER, AuthKind.REFRESH_TOKEN),
    sure=(_A,),
    sureness=_graded(
        (_A, "base_url auths token_url page_size page_size_without_media overlap_minutes serves_many"),
        (_OURS, "api_limits"),
    ),
    token_url="https://sparkplatform.com/openid/token",  # noqa: S106 - an address
    page_size=1000,
    overlap_minutes=20,
    api_limits=(Limit(4, 1.0),),
    notes=(
        "1,000 records a page on the replication host, 25 with Media on any other (A).",
        "4 requests a second is our guess; the host answers 429, or 503 with code 1550, with Retry-After.",
    ),
)

_BRIDGE = ProviderPreset(
    name="bridge",
    label="Bridge Data Output",
    serves_many=False,
    base_url="https://api.bridgedataoutput.com/api/v2/OData/{dataset}",
    auths=(AuthKind.BEARER,),
    sure=(_A,),
    sureness=_graded(
        (_A, "base_url auths media_mode page_size page_size_without_media replication replication_page_size"),
        (_A, "timestamp_field system_field api_limits serves_many"),
    ),
    media_mode=MediaMode.INLINE,
    page_size=200,
    page_size_without_media=200,
    replication="Property/replication",
    replication_page_size=2000,
    timestamp_field="BridgeModificationTimestamp",
    system_field=None,
    api_limits=(Limit(334, 60.0), Limit(5000, _HOUR)),
    notes=("A whole copy uses /Property/replication: 2,000 records a page, the next page in the Link header (A).",),
    required_fields=("dataset",),
)

_TRESTLE = ProviderPreset(
    name="trestle",
    label="Trestle (Cotality)",
    serves_many=True,
    base_url="https://api.cotality.com/trestle/odata",
    auths=_OAUTH,
    sure=(_A, _B),
    sureness=_graded(
        (_A, "base_url auths token_url scope page_size page_size_without_media api_limits serves_many"),
        (_B, "media_limits media_auth"),
    ),
    token_url="https://api.cotality.com/trestle/oidc/connect/token",  # noqa: S106 - an address
    scope="api",
    page_size=1000,
    api_limits=(Limit(180, 60.0), Limit(7200, _HOUR)),
    media_limits=(Limit(480, 60.0), Limit(18000, _HOUR)),
    media_auth=True,
    notes=("A page's cursor dies after 5 idle minutes; the sweep is rebuilt from the last record (A).",),
)

_CRMLS = replace(
    _TRESTLE,
    name="crmls",
    label="CRMLS (through Trestle)",
    serves_many=False,
    sure=(_C,),
    sureness=MappingProxyType(dict.fromkeys([*_TRESTLE.sureness, "system", "serves_many"], _C)),
    system="CRMLS",
    notes=("Reached through Trestle with OriginatingSystemName eq 'CRMLS' (C).",),
)

_MLSGRID = ProviderPreset(
    name="mlsgrid",
    label="MLS Grid",
    serves_many=True,
    base_url="https://api.mlsgrid.com/v2",
    auths=(AuthKind.BEARER,),
    sure=(_A, _B),
    sureness=_graded(
        (_A, "base_url auths headers media_headers page_size page_size_without_media order_by count api_limits"),
        (_A, "max_watermark_age_days serves_many"),
        (_B, "media_limits media_once media_token_hosts"),
    ),
    page_size=1000,
    page_size_without_media=5000,
    order_by=False,
    count=False,
    headers=_GZIP,
    media_headers=MappingProxyType({"User-Agent": "{token}"}),
    api_limits=(Limit(2, 1.0), Limit(7200, _HOUR), Limit(40000, _DAY), Limit(4_000_000_000, _HOUR, "bytes")),
    media_limits=(Limit(2, 1.0), Limit(4_000_000_000, _HOUR, "bytes")),
    media_token_hosts=("media.mlsgrid.com",),
    media_once=True,
    max_watermark_age_days=7,
    notes=(
        "A 429 can suspend the account: the limits are kept with nothing to spare.",
        "Photo addresses are signed, used once and live an hour (B).",
        "Photos want the token as User-Agent (A); it is sent to media.mlsgrid.com alone (B). Where photos are refused, "
        "put their host into media_token_hosts.",
    ),
    required_fields=("mls_system",),
)

_BRIGHT = ProviderPreset(
    name="bright",
    label="Bright MLS",
    serves_many=False,
    base_url="https://bright-reso.brightmls.com/RESO/OData/bright",
    auths=_OAUTH,
    sure=(_B, _C),
    sureness=_graded(
        (_B, "base_url auths headers property_resource media_resource media_mode page_size serves_many"),
        (_C, "token_url media_headers member_resource office_resource"),
        (_OURS, "page_size_without_media api_limits"),
    ),
    token_url="https://okta.brightmls.com/oauth2/default/v1/token",  # noqa: S106 - an address
    property_resource="BrightProperties",
    media_resource="BrightMedia",
    member_resource="BrightMembers",
    office_resource="BrightOffices",
    media_mode=MediaMode.SEPARATE,
    page_size=1000,
    headers=MappingProxyType({"User-Agent": "Bright WebAPI/1.0"}),
    media_headers=MappingProxyType({"User-Agent": "Bright WebAPI/1.0"}),
    notes=("Limits are unknown; 2 requests a second is our guess.",),
)

_RESO = ProviderPreset(
    name="reso",
    label="Any RESO Web API server",
    serves_many=True,
    base_url="",
    auths=(AuthKind.BEARER, AuthKind.CLIENT_CREDENTIALS, AuthKind.PASSWORD, AuthKind.REFRESH_TOKEN),
    sure=(_A,),
    sureness=_graded((_A, "auths serves_many")),
    notes=("2 requests a second is our guess; limits that the server announces are kept.",),
    required_fields=("base_url",),
)

PRESETS: Mapping[str, ProviderPreset] = MappingProxyType(
    {each.name: each for each in (_FLEXMLS, _BRIDGE, _TRESTLE, _CRMLS, _MLSGRID, _BRIGHT, _RESO)}
)


def preset(name: str) -> ProviderPreset:
    """The preset of this name. Raises UsageError that lists the known ones."""
    found = PRESETS.get(name.strip().lower())
    if found is None:
        raise UsageError(f"Unknown provider {name!r}. Known providers: {', '.join(PRESETS)}.")
    return found


def for_connection(connection: Connection) -> ProviderPreset:
    """The preset as this connection uses it: its overrides, then its own addresses, scope and MLS.

    Raises:
        UsageError: the provider is unknown, an override does not fit, or an address is missing.
    """
    base = apply_overrides(preset(connection.provider), connection.overrides)
    dataset = base.dataset or connection.mls_system
    return replace(
        base,
        base_url=_base_url(connection.base_url or base.base_url, dataset, connection),
        token_url=connection.token_url or base.token_url,
        scope=connection.scope or base.scope,
        dataset=dataset if "dataset" in base.required_fields else base.dataset,
        system=(connection.mls_system or base.system) if base.system_field else None,
    )


def counted_host(base_url: str) -> str:
    """Whose requests are counted together: what is asked of the same host, whatever the path or the port."""
    return urlsplit(base_url).hostname or ""


def _base_url(template: str, dataset: str | None, connection: Connection) -> str:
    if "{dataset}" in template:
        if not dataset:
            raise UsageError(
                f"Connection {connection.name!r} needs the name of its dataset; give it with --mls, for example "
                "--mls actris."
            )
        template = template.replace("{dataset}", dataset)
    if not template:
        raise UsageError(
            f"Connection {connection.name!r} needs the address of its RESO server; give it with --base-url."
        )
    return template.rstrip("/")
