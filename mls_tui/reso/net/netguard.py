"""Which addresses a URL from a feed or a user may lead to (issue "A hostile feed"): public ones, over http or https.
It must never resolve a name twice nor let an unusual spelling of a private address through."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import urljoin

import httpx

from mls_tui.domain.errors import MLSError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Origin = tuple[str, str, int]

ALLOW_SETTING = "MLS_TUI_ALLOW_PRIVATE_HOSTS=1"

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Spelled out because ``is_global`` differs between Python's patch releases.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


class AddressRefusedError(MLSError):
    """The URL leads, or would lead, to an address that is not public. Nothing was sent.

    A matter of configuration, hence its exit code: either the address is wrong or MLS_TUI_ALLOW_PRIVATE_HOSTS.
    """

    exit_code = 2


def unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (IPv4-mapped, NAT64, 6to4), else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return address


def is_public(address: str | Address) -> bool:
    """Whether packets to it leave for the public internet; False for whatever cannot be read as an address.

    Teredo (2001::/32) is never public: the host behind it is not the one that is named.
    """
    try:
        plain = unmapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    if any(plain in network for network in _NOT_PUBLIC if network.version == plain.version):
        return False
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def literal(host: str) -> Address | None:
    """The address that ``host`` spells, in any spelling that a C library takes (127.1, 0x7f.1, 2130706433, 0177.0.0.1).

    None for a name.
    """
    bare = host.strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except (OSError, UnicodeError, ValueError):
        return None


# Addresses that httpx writes as it reads them: nothing to escape, no dot segment, no name to fold.
_AS_IT_IS = re.compile(
    r"(https?://[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[1-9][0-9]{3,4})?)"
    r"(?:/(?!\.)(?:[A-Za-z0-9._~!$&()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+(?:\?(?:[A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
# Any other host is read in one way by httpx and in another, or not at all, by who connects to it.
_NAME = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_LONGEST = 8_000
_KNOWN_ORIGINS = 1_000


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked for, as it will be sent."""

    text: str
    host: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class NetGuard:
    """The rule for one connection. ``allow_private`` lifts the check of addresses, and nothing else."""

    allow_private: bool = False
    _known: dict[str, tuple[str, Origin]] = field(default_factory=dict, compare=False, repr=False)
    """Scheme, name and port of addresses that passed, to host and origin."""

    def url(self, text: str, what: str) -> httpx.URL:
        """The parsed URL, if it may be asked for; ``what`` names it in the message ("photo", "MLS").

        A name passes here and is checked again, by ``addresses``, when it is resolved.

        Raises:
            AddressRefusedError: not http or https, no host, or a host that is no public address.
        """
        try:
            url = httpx.URL(text)
            host = url.host  # decoded, which some do not survive
        except (httpx.InvalidURL, ValueError, TypeError):
            raise no_url(what) from None
        if url.scheme not in _PORTS or not host:
            raise AddressRefusedError(f"The {what} address must begin with http:// or https:// and name a host.")
        name = host.rstrip(".").lower()
        spelled = literal(name)
        if not self.allow_private and (
            name == "localhost" or name.endswith(".localhost") or (spelled is not None and not is_public(spelled))
        ):
            raise AddressRefusedError(self._refusal(host, str(spelled) if spelled else "this machine"))
        if not _can_be_asked(url):
            raise no_url(what)
        return url.copy_with(userinfo=b"") if url.userinfo else url  # a feed's user and password are not sent

    def target(self, text: str, what: str) -> Target:
        """As ``url``, for one of many addresses below a few origins: what is plain is not parsed again and again.

        Raises:
            AddressRefusedError: as ``url``.
        """
        plain = _AS_IT_IS.fullmatch(text) if len(text) <= _LONGEST else None
        known = self._known.get(plain[1]) if plain else None
        if known is not None:
            return Target(text, *known)
        url = self.url(text, what)
        found = url.host, origin(url)
        if plain and len(self._known) < _KNOWN_ORIGINS:
            self._known[plain[1]] = found
        return Target(str(url), *found)

    def moved(self, target: Target | httpx.URL, location: str, what: str) -> str:
        """Where a redirect leads; to be checked as any other address.

        Raises:
            AddressRefusedError: nowhere.
        """
        try:
            return urljoin(target.text if isinstance(target, Target) else str(target), location)
        except ValueError:
            raise no_url(what) from None

    def addresses(self, host: str, found: list[str]) -> None:
        """Check every answer of the resolver for ``host``; one that is not public refuses them all.

        Raises:
            AddressRefusedError
        """
        if self.allow_private:
            return
        for address in found:
            if not is_public(address):
                raise AddressRefusedError(self._refusal(host, address))

    def _refusal(self, host: str, address: str) -> str:
        leads = "is" if literal(host) else "leads to"
        shown = "a private address" if literal(host) else f"{address}, which is not a public address"
        return f"{host} {leads} {shown}; nothing was sent. If that is meant, set {ALLOW_SETTING}."


def no_url(what: str) -> AddressRefusedError:
    return AddressRefusedError(f"The {what} address is not a URL. Nothing was requested.")


def _can_be_asked(url: httpx.URL) -> bool:
    host, port = url.raw_host.decode("ascii", "replace"), url.port
    known = literal(host) is not None if ":" in host else _NAME.fullmatch(host) is not None
    return known and (port is None or 0 < port < 65_536)


def origin(url: httpx.URL) -> Origin:
    """Scheme, host and port: what a token belongs to."""
    return url.scheme, url.host.rstrip(".").lower(), url.port or _PORTS.get(url.scheme, 0)
