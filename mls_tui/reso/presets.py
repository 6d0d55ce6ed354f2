"""The known providers as data, and the settings of a connection that replace a preset's values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from mls_tui.domain.connection import AuthKind, Connection, Cursor
from mls_tui.domain.errors import UsageError
from mls_tui.domain.masking import is_secret_name

Override = str | int | float | bool

NOTHING: Final = "none"
"""The text that clears an optional setting or a list. Empty text in a form means the preset's value."""


class MediaMode(StrEnum):
    """How photos are read: with ``$expand``, from each record as it is, or from a separate resource."""

    EXPAND = "expand"
    INLINE = "inline"
    SEPARATE = "separate"


class TokenAuth(StrEnum):
    """How client id and secret are sent to the token endpoint: in the form, or by HTTP Basic."""

    POST = "post"
    BASIC = "basic"


class TokenBody(StrEnum):
    """The encoding of a token request."""

    FORM = "form"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``limit`` requests (or bytes) in any window of ``seconds``."""

    limit: int
    seconds: float
    unit: str = "requests"


# reading the text of a setting --------------------------------------------------------------------------------

_MOST: Final = 1_000_000
_LONGEST: Final = 2_000
_DAY = 86_400.0
_REQUIRED: Final = object()
"""``Kind.empty`` of a setting that must have a value."""
_NAME = re.compile(r"[A-Za-z_][\w.$-]*(?:/[A-Za-z_][\w.$-]*)*", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+", re.ASCII)
_LIMIT = re.compile(r"(\d+)\s*/\s*(\d+(?:\.\d+)?)\s*(requests|bytes)?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PARAMETER_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_RESERVED_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "content-length", "content-encoding"}
    | {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
"""Headers that a setting may not replace: credentials, and what frames a request (RFC 9110, 7.6.1)."""
PLACEHOLDERS: Final = ("{token}", "{client_secret}", "{password}")
"""Replaced by a secret of the connection in the value of a header or parameter."""
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a setting. ``wanted`` describes a valid value; ``read`` raises ValueError; ``empty`` is the value for
    ``none``, if allowed."""

    wanted: str
    read: Callable[[Override], Any]
    empty: Any = _REQUIRED


def _text(value: Override) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise ValueError
    return value.strip()


def _name(value: Override) -> str:
    text = _text(value)
    if _NAME.fullmatch(text) is None or text.lower() == NOTHING:
        raise ValueError
    return text


def _whole(least: int, most: int, *, empty: Any = _REQUIRED) -> Kind:
    def read(value: Override) -> int:
        number = float("nan") if isinstance(value, bool) else float(value)
        if number != int(number) or not least <= number <= most:
            raise ValueError
        return int(number)

    return Kind(f"a whole number from {least} to {most:,}", read, empty)


def _hosts(value: Override) -> tuple[str, ...]:
    hosts = tuple(word.lower() for word in _words(value))
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError
    return hosts


def _address(value: Override) -> str:
    text = _text(value)
    parts = urlsplit(text.replace("{dataset}", "dataset"))
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0):
        raise ValueError
    if secret_part(text):
        raise ValueError
    return text


def secret_part(address: str) -> str | None:
    """The part of an address that may be a secret, in words; None if there is none. Addresses are not encrypted."""
    parts = urlsplit(address)
    if "@" in parts.netloc:
        return "a user name or password"
    if "#" in address:
        return "a part after #"
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if any(is_secret_name(name) or (len(value) >= 20 and not value.isalpha()) for name, value in pairs):
        return "a secret in its query"
    return None


def _proxy(value: Override) -> str:
    """Settings are not encrypted, so an address with user and password is refused."""
    text = _text(value)
    parts = urlsplit(text)
    words = text.lower() in ("env", "direct")
    if not words and (parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or "@" in text):
        raise ValueError
    return text.lower() if words else text


def _switch(value: Override) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _words(value: Override) -> tuple[str, ...]:
    return tuple(word.strip() for word in _text(value).split(",") if word.strip())


def _auths(value: Override) -> tuple[AuthKind, ...]:
    kinds = tuple(AuthKind(word.lower()) for word in _words(value))
    if not kinds:
        raise ValueError
    return kinds


def _pairs(value: Override, sign: str) -> list[tuple[str, str]]:
    parts = [part.partition(sign) for part in _text(value).split(";") if part.strip()]
    if not all(found for _, found, _ in parts):
        raise ValueError
    return [(name.strip(), content.strip()) for name, _, content in parts]


def _headers(value: Override) -> dict[str, str]:
    headers = dict(_pairs(value, ":"))
    for name, content in headers.items():
        if _HEADER_NAME.fullmatch(name) is None or name.lower() in _RESERVED_HEADERS:
            raise ValueError
        bare = content.replace("{token}", "")
        open_secret = is_secret_name(name) and bare == content
        if not content.isascii() or not content.isprintable() or open_secret or {*"{}"} & {*bare}:
            raise ValueError
    return headers


def _parameters(value: Override) -> tuple[tuple[str, str], ...]:
    parameters = _pairs(value, "=")
    for name, content in parameters:
        bare = content
        for placeholder in PLACEHOLDERS:
            bare = bare.replace(placeholder, "")
        is_plain_secret = is_secret_name(name) and bare == content
        if _PARAMETER_NAME.fullmatch(name) is None or not content.isprintable() or is_plain_secret or {*"{}"} & {*bare}:
            raise ValueError
    return tuple(parameters)


def _limits(value: Override) -> tuple[Limit, ...]:
    limits = []
    for part in _words(value):
        match = _LIMIT.fullmatch(part)
        if match is None or int(match[1]) < 1 or not 0 < float(match[2]) <= _DAY:
            raise ValueError
        limits.append(Limit(int(match[1]), float(match[2]), (match[3] or "requests").lower()))
    return tuple(limits)


def _choice(of: type[StrEnum]) -> Kind:
    words = list(of)
    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", lambda value: of(_text(value).lower()))


_RESOURCE = Kind("the name of a resource, such as Property", _name)
_FIELD = Kind("the name of a field, such as ListingKey", _name)
_YES_NO = Kind("yes or no", _switch)
_LINE = Kind("text on one line", _text, None)
_ADDRESS = Kind("an address such as https://api.example.org/odata", _address, "")
_LIMITS = Kind("limits such as 2/1, 7200/3600, 4000000000/3600 bytes", _limits, ())
_HEADERS = Kind("headers such as User-Agent: MyFeed/1.0; X-Feed: idx; no Authorization or Cookie", _headers, {})
PARAMETERS: Final = Kind(
    "parameters such as Class=Residential; Region=West; write a secret as {token}, {client_secret} or {password}",
    _parameters,
    (),
)


_PROXY = Kind(
    "env, direct, or the address of a proxy such as http://proxy.example.com:3128, without user and password, which "
    "belong into MLS_TUI_PROXY",
    _proxy,
    None,
)


def _optional(kind: Kind) -> Kind:
    return replace(kind, empty=None)


# the settings of a preset -----------------------------------------------------------------------------------------

PAGES, LIMITS, PHOTOS, NAMES, SIGN_IN = (
    "Pages and time", "Limits and headers", "Photos", "Resources and fields", "Signing in"
)  # fmt: skip


def _entry(default: Any, kind: Kind, group: str, about: str) -> Any:
    """A dataclass field for a setting: its default, type, group in the form, and help text."""
    metadata = {"kind": kind, "group": group, "help": about}
    if isinstance(default, dict):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPreset:
    """What differs between providers. ``Connection.overrides`` can replace every setting."""

    name: str
    label: str
    notes: tuple[str, ...] = ()

    page_size: int = _entry(200, _whole(1, _MOST), PAGES, "records of a page that carries photos")
    page_size_without_media: int = _entry(1000, _whole(1, _MOST), PAGES, "records of a page without photos")
    replication: str | None = _entry(
        None, _optional(_RESOURCE), PAGES, "collection for whole copies, below the server's address"
    )
    replication_page_size: int = _entry(2000, _whole(1, _MOST), PAGES, "records of a page of that collection")
    keys_per_filter: int = _entry(25, _whole(1, 1_000), PAGES, "keys in one filter")
    overlap_minutes: int = _entry(
        5, _whole(0, 527_040), PAGES, "minutes before the last change at which an import begins"
    )
    max_watermark_age_days: int | None = _entry(
        None, _whole(0, 36_600, empty=None), PAGES, "days without an import after which everything is read again"
    )
    read_timeout_seconds: int = _entry(120, _whole(1, 3_600), PAGES, "seconds to wait for the server's answer")
    order_by: bool = _entry(True, _YES_NO, PAGES, "whether the server takes $orderby")
    count: bool = _entry(True, _YES_NO, PAGES, "whether the server takes $count")

    api_limits: tuple[Limit, ...] = _entry(
        (Limit(2, 1.0),), _LIMITS, LIMITS, "requests/seconds: 2/1, 7200/3600, 4000000000/3600 bytes"
    )
    media_limits: tuple[Limit, ...] = _entry((), _LIMITS, LIMITS, "the same for photos; none: adapt to the photo host")
    headers: Mapping[str, str] = _entry(
        {}, _HEADERS, LIMITS, "Name: value; Name: value. {token} stands for the access token"
    )
    media_headers: Mapping[str, str] = _entry({}, _HEADERS, LIMITS, "the same for photos")
    proxy: str | None = _entry(
        None, _PROXY, LIMITS, "this connection's own proxy; env uses HTTPS_PROXY or HTTP_PROXY, direct uses none"
    )
    query_parameters: tuple[tuple[str, str], ...] = _entry(
        (), PARAMETERS, LIMITS, "added to every request: Class=Residential; key={client_secret}"
    )

    media_mode: MediaMode = _entry(  # noqa: RUF009 - a field
        MediaMode.EXPAND, _choice(MediaMode), PHOTOS, "expand, inline (in each record) or separate (a resource)"
    )
    media_resource: str = _entry("Media", _RESOURCE, PHOTOS, "the resource of photos, and its name in a record")
    media_parent_field: str = _entry("ResourceRecordKey", _FIELD, PHOTOS, "the field of a photo that names its listing")
    media_auth: bool = _entry(False, _YES_NO, PHOTOS, "whether photo requests carry the access token")
    media_token_hosts: tuple[str, ...] = _entry(
        (),
        Kind("host names separated by commas, such as media.example.org", _hosts, ()),
        PHOTOS,
        "photo hosts, besides the server, to which the token is sent (https only)",
    )
    media_once: bool = _entry(False, _YES_NO, PHOTOS, "whether a photo address works only once")

    property_resource: str = _entry("Property", _RESOURCE, NAMES, "the resource of listings")
    member_resource: str = _entry("Member", _RESOURCE, NAMES, "the resource of agents")
    open_house_resource: str = _entry("OpenHouse", _RESOURCE, NAMES, "the resource of open houses")
    office_resource: str = _entry("Office", _RESOURCE, NAMES, "the resource of offices")
    timestamp_field: str = _entry("ModificationTimestamp", _FIELD, NAMES, "when a record changed")
    key_field: str = _entry("ListingKey", _FIELD, NAMES, "the key of a record")
    number_field: str = _entry("ListingId", _FIELD, NAMES, "the MLS number")
    status_field: str = _entry("StandardStatus", _FIELD, NAMES, "the status")
    agent_field: str = _entry("ListAgentKey", _FIELD, NAMES, "the listing agent's key")
    system_field: str | None = _entry("OriginatingSystemName", _optional(_FIELD), NAMES, "which MLS a record is from")
    system: str | None = _entry(None, _LINE, NAMES, "the MLS whose records are read")
    dataset: str | None = _entry(None, _LINE, NAMES, "replaces {dataset} in the address")
    serves_many: bool = _entry(
        False, _YES_NO, NAMES, "whether it serves several MLSs, which may use the same MLS numbers"
    )

    auths: tuple[AuthKind, ...] = _entry(
        (AuthKind.BEARER,),
        Kind(f"one or more of {', '.join(AuthKind)}, separated by commas", _auths),
        SIGN_IN,
        "bearer, client_credentials, password, refresh_token",
    )
    token_url: str | None = _entry(None, _optional(_ADDRESS), SIGN_IN, "where tokens are requested")
    token_auth: TokenAuth = _entry(  # noqa: RUF009 - a field
        TokenAuth.POST, _choice(TokenAuth), SIGN_IN, "post (in the form) or basic (HTTP Basic)"
    )
    token_body: TokenBody = _entry(  # noqa: RUF009 - a field
        TokenBody.FORM, _choice(TokenBody), SIGN_IN, "form or json: how a token is asked for"
    )
    token_parameters: tuple[tuple[str, str], ...] = _entry(
        (), PARAMETERS, SIGN_IN, "added to every request for a token: audience=https://api.example.org; resource=x"
    )
    scope: str | None = _entry(None, _LINE, SIGN_IN, "OAuth2 scope")
    revocation_url: str | None = _entry(None, _optional(_ADDRESS), SIGN_IN, "where tokens are revoked (RFC 7009)")
    base_url: str = _entry("", _ADDRESS, SIGN_IN, "the server; may hold {dataset}")
    required_fields: tuple[str, ...] = _entry(
        (),
        Kind("names separated by commas", _words, ()),
        SIGN_IN,
        "settings that a connection must have: base_url, dataset, mls_system",
    )


_SETTINGS: Final[Mapping[str, Field[Any]]] = {each.name: each for each in fields(ProviderPreset) if each.metadata}
SETTING_NAMES: Final = tuple(_SETTINGS)
COMMON_SETTINGS: Final = (
    "page_size", "overlap_minutes", "api_limits", "query_parameters", "media_mode", "media_resource"
)  # fmt: skip
"""The settings that the form shows first; the others are under "more settings"."""

_HOUR = 3600.0
_OAUTH = (AuthKind.CLIENT_CREDENTIALS, AuthKind.BEARER)

_FLEXMLS = ProviderPreset(
    name="flexmls",
    label="Flexmls (Spark)",
    base_url="https://replication.sparkapi.com/Reso/OData",
    auths=(AuthKind.BEARER, AuthKind.REFRESH_TOKEN),
    token_url="https://sparkplatform.com/openid/token",  # noqa: S106 - an address
    page_size=1000,
    overlap_minutes=20,
    api_limits=(Limit(4, 1.0),),
    notes=(
        "1,000 records a page on the replication host, 25 with Media on any other.",
        "4 requests a second is our guess; the host answers 429, or 503 with code 1550, with Retry-After.",
    ),
)

_BRIDGE = ProviderPreset(
    name="bridge",
    label="Bridge Data Output",
    base_url="https://api.bridgedataoutput.com/api/v2/OData/{dataset}",
    media_mode=MediaMode.INLINE,
    page_size=200,
    page_size_without_media=200,
    replication="Property/replication",
    timestamp_field="BridgeModificationTimestamp",
    system_field=None,
    api_limits=(Limit(334, 60.0), Limit(5000, _HOUR)),
    notes=("A whole copy uses /Property/replication: 2,000 records a page, the next page in the Link header.",),
    required_fields=("dataset",),
)

_TRESTLE = ProviderPreset(
    name="trestle",
    label="Trestle (Cotality)",
    serves_many=True,
    base_url="https://api.cotality.com/trestle/odata",
    auths=_OAUTH,
    token_url="https://api.cotality.com/trestle/oidc/connect/token",  # noqa: S106 - an address
    scope="api",
    page_size=1000,
    api_limits=(Limit(180, 60.0), Limit(7200, _HOUR)),
    media_limits=(Limit(480, 60.0), Limit(18000, _HOUR)),
    media_auth=True,
    notes=("A page's cursor expires after 5 idle minutes; the import then goes on from the last record.",),
)

_CRMLS = replace(
    _TRESTLE,
    name="crmls",
    label="CRMLS (through Trestle)",
    serves_many=False,
    system="CRMLS",
    notes=("Reached through Trestle with OriginatingSystemName eq 'CRMLS'.",),
)

_MLSGRID = ProviderPreset(
    name="mlsgrid",
    label="MLS Grid",
    serves_many=True,
    base_url="https://api.mlsgrid.com/v2",
    page_size=1000,
    page_size_without_media=5000,
    order_by=False,
    count=False,
    headers=MappingProxyType({"Accept-Encoding": "gzip"}),
    media_headers=MappingProxyType({"User-Agent": "{token}"}),
    api_limits=(Limit(2, 1.0), Limit(7200, _HOUR), Limit(40000, _DAY), Limit(4_000_000_000, _HOUR, "bytes")),
    media_limits=(Limit(2, 1.0), Limit(4_000_000_000, _HOUR, "bytes")),
    media_token_hosts=("media.mlsgrid.com",),
    media_once=True,
    max_watermark_age_days=7,
    notes=(
        "A 429 can suspend the account.",
        "Photo addresses are signed, work once and expire after an hour.",
        "Photos want the token as User-Agent; it is sent to media.mlsgrid.com alone. If photos are refused, add their "
        "host to media_token_hosts.",
    ),
    required_fields=("mls_system",),
)

_BRIGHT = ProviderPreset(
    name="bright",
    label="Bright MLS",
    base_url="https://bright-reso.brightmls.com/RESO/OData/bright",
    auths=_OAUTH,
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
    auths=(AuthKind.BEARER, AuthKind.CLIENT_CREDENTIALS, AuthKind.PASSWORD, AuthKind.REFRESH_TOKEN),
    notes=("2 requests a second is our guess; limits that the server announces are kept.",),
    required_fields=("base_url",),
)

PRESETS: Mapping[str, ProviderPreset] = MappingProxyType(
    {each.name: each for each in (_FLEXMLS, _BRIDGE, _TRESTLE, _CRMLS, _MLSGRID, _BRIGHT, _RESO)}
)
_GUESSED_LIMITS = frozenset({"flexmls", "bright", "reso"})
"""Providers that publish no limits."""


def preset(name: str) -> ProviderPreset:
    """The preset of this name. Raises UsageError that lists the known ones."""
    found = PRESETS.get(name.strip().lower())
    if found is None:
        raise UsageError(f"Unknown provider {name!r}. Known providers: {', '.join(PRESETS)}.")
    return found


def guessed_limits(base: ProviderPreset) -> bool:
    """Whether the preset's limits are our guess, because the provider publishes none."""
    return base.name in _GUESSED_LIMITS


# the settings of a connection --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a connection. ``value`` and ``default`` (the preset's value) are text as for ``--set``; ``wanted``
    describes a valid value; ``mine``: the user has set it."""

    name: str
    group: str
    help: str
    wanted: str
    value: str
    default: str
    mine: bool = False

    @property
    def common(self) -> bool:
        return self.name in COMMON_SETTINGS


def preset_settings(base: ProviderPreset) -> tuple[Setting, ...]:
    """The settings of a preset without changes."""
    return tuple(_setting(base, base, name) for name in SETTING_NAMES)


def settings_of(connection: Connection) -> tuple[Setting, ...]:
    """The settings that an import of this connection uses. Raises UsageError like ``for_connection``."""
    base, used = preset(connection.provider), for_connection(connection)
    own = own_fields(base).items()
    mine = {name for name, column in own if name != "base_url" and getattr(connection, column)}
    mine |= set(connection.overrides) | ({"base_url"} if own_base_url(connection) else set())
    return tuple(_setting(base, used, name, mine=name in mine) for name in SETTING_NAMES)


def _setting(base: ProviderPreset, used: ProviderPreset, name: str, *, mine: bool = False) -> Setting:
    about = _SETTINGS[name].metadata
    value, default = (setting_text(getattr(each, name)) for each in (used, base))
    return Setting(name, about["group"], about["help"], about["kind"].wanted, value, default, mine)


def apply_overrides(base: ProviderPreset, overrides: Mapping[str, Override]) -> ProviderPreset:
    """A copy of ``base`` with each named setting replaced.

    Lists are text: ``headers`` is ``Name: value; Name: value``, ``query_parameters`` is ``name=value; name=value``,
    limits are ``<limit>/<seconds> [bytes]`` separated by commas, ``auths``, ``media_token_hosts`` and
    ``required_fields`` are names separated by commas. Empty text or ``none`` clears an optional setting or a list.
    ``setting_text`` is the reverse.

    Raises:
        UsageError: an unknown setting, or an invalid value; the message describes a valid one.
    """
    return replace(base, **{name: read_override(name, value) for name, value in overrides.items()})


def read_override(name: str, value: Override) -> Any:
    """The value of one setting, typed as in the preset. Raises UsageError like ``apply_overrides``."""
    if name not in _SETTINGS:
        known = ", ".join(sorted(SETTING_NAMES))
        raise UsageError(f"{name!r} is not a setting of a provider preset. Known settings: {known}.")
    kind: Kind = _SETTINGS[name].metadata["kind"]
    if isinstance(value, str) and value.strip().lower() in ("", NOTHING) and kind.empty is not _REQUIRED:
        return kind.empty
    try:
        return kind.read(value)
    except (ValueError, TypeError, OverflowError):
        shown = "as it is" if set("=:@?&") & set(str(value)) else repr(value)  # else it may hold a secret
        raise UsageError(f"Setting {name!r} cannot be {shown}: it must be {kind.wanted}.") from None


def setting_text(value: Any) -> str:
    """A preset's value as text that ``apply_overrides`` reads back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, "", (), {}):
        return NOTHING
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {content}" for name, content in value.items())
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        return "; ".join(f"{name}={content}" for name, content in value)
    if isinstance(value, tuple):
        return ", ".join(_limit_text(each) if isinstance(each, Limit) else str(each) for each in value)
    return str(value)


def _limit_text(limit: Limit) -> str:
    unit = "" if limit.unit == "requests" else f" {limit.unit}"
    return f"{limit.limit}/{limit.seconds:g}{unit}"


def for_connection(connection: Connection) -> ProviderPreset:
    """The preset with the connection's overrides, then its own addresses, scope and MLS.

    Raises:
        UsageError: the provider is unknown, a setting is invalid, or an address is missing.
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
    """The host whose requests share one rate limit, whatever the path and port."""
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


def own_base_url(connection: Connection) -> str:
    """The base URL that the user set; empty if it is the preset's."""
    without = connection.model_copy(update={"base_url": ""})
    base = preset(connection.provider)
    if not base.base_url:
        return connection.base_url
    return "" if connection.base_url == for_connection(without).base_url else connection.base_url


def own_fields(base: ProviderPreset) -> dict[str, str]:
    """The settings that are stored in a field of Connection instead of ``overrides``: {setting: field}."""
    own = {"base_url": "base_url", "token_url": "token_url", "scope": "scope"}
    return own | {"dataset" if "dataset" in base.required_fields else "system": "mls_system"}


def split_own(base: ProviderPreset, overrides: Mapping[str, Override]) -> tuple[dict[str, str], dict[str, Override]]:
    """Split overrides into those that are stored in a field of Connection (by field name) and all others.

    ``none`` stays an override: an empty field of Connection means the preset's value.
    """
    fields_of = own_fields(base)
    own = {
        name: str(value).strip()
        for name, value in overrides.items()
        if name in fields_of and str(value).strip().lower() not in ("", NOTHING)
    }
    return (
        {fields_of[name]: text for name, text in own.items()},
        {name: value for name, value in overrides.items() if name not in own},
    )


# the feed that a cursor belongs to -----------------------------------------------------------------------------------

_FEED_FIELDS = (
    "name", "property_resource", "timestamp_field", "key_field", "status_field", "system_field", "system", "dataset",
)  # fmt: skip
ANOTHER_FEED = "It points to another feed now: the next import reads all of it."


def feed_identity(connection: Connection) -> str:
    """16 hex digits over what determines the records of a connection: provider, address, dataset, MLS, agent, query
    parameters, and the fields used for the watermark. Not name, secrets, schedule, page sizes, limits or headers.

    Raises:
        UsageError: a setting of the connection is invalid.
    """
    used = for_connection(connection)
    parts = [getattr(used, name) for name in _FEED_FIELDS]
    parts += [used.base_url, connection.agent_key, used.agent_field if connection.agent_key else None]
    parts += [list(pair) for pair in used.query_parameters]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def with_valid_cursor(connection: Connection) -> Connection:
    """The connection with a cursor of its current feed.

    A cursor of another feed is reset, because records older than its watermark would never be read. ``epoch`` is kept,
    so that the photos of an interrupted run are still removed.
    """
    try:
        identity = feed_identity(connection)
    except UsageError:
        return connection  # opening the connection reports the error
    cursor = connection.cursor
    if cursor.feed == identity:
        return connection
    return connection.model_copy(update={"cursor": Cursor(feed=identity, epoch=cursor.epoch)})
