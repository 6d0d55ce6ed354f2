"""Which addresses a URL from a feed, a redirect or a user may lead to: public ones, over http or https (SSRF guard).

``AddressGuard`` checks what a URL says; ``GuardedResolver`` checks the answer of the resolver, which is what aiohttp
connects to. Here is also the one rule of what "same origin" means.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import httpx
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

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
    """The URL leads, or would lead, to an address that is not public, or is no URL. Nothing was sent."""

    exit_code = 2


def is_public(address: str | Address) -> bool:
    """Whether packets to it leave for the public internet; False for what cannot be read as an address.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4) is judged by that. Teredo (2001::/32) is never
    public: the host behind it is not the one that is named.
    """
    try:
        plain = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(plain, ipaddress.IPv6Address):
        inner = plain.ipv4_mapped or plain.sixtofour
        if inner is None and plain in _NAT64:
            inner = ipaddress.IPv4Address(int(plain) & 0xFFFFFFFF)
        plain = inner or plain
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


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: ``text`` is what is sent, ``host`` is its ASCII name or address."""

    text: str
    host: str
    origin: Origin


# httpx and aiohttp read these names alike; other characters in a host are read differently, or by one of them only.
_NAME = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII)


# What httpx writes as it reads it: nothing to escape, no dot segment.
_PLAIN_PATH = re.compile(
    r"(?:/(?!\.)(?:[A-Za-z0-9._~!$&()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+(?:\?(?:[A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_LONGEST = 8_000


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """``allow_private`` lifts the check of addresses, and nothing else."""

    allow_private: bool = False

    def target(self, url: str, what: str) -> Target:
        """The URL if it may be requested; ``what`` names it in the message ("photo", "MLS").

        A name passes here, and ``GuardedResolver`` checks what it resolves to. User and password in it are dropped.

        Raises:
            AddressRefusedError: not http or https, no host, or a host that is no public address.
        """
        end = url.find("/", 8)
        if end < 0 or len(url) > _LONGEST or _PLAIN_PATH.fullmatch(url, end) is None:
            return self._parsed(url, what)
        # To parse each photo's address costs more than to send the request: the origin is parsed once.
        root = _parsed_once(self, url[: end + 1], what)
        return Target(root.text[:-1] + url[end:], root.host, root.origin)

    def _parsed(self, url: str, what: str) -> Target:
        parsed = _parsed(url)
        if parsed is None:
            raise _no_url(what)
        host = parsed.raw_host.decode("ascii", "replace")
        if parsed.scheme not in _PORTS or not host:
            raise AddressRefusedError(f"The {what} address must begin with http:// or https:// and name a host.")
        address, name = literal(host), host.rstrip(".").lower()
        if not self.allow_private and (
            name == "localhost" or name.endswith(".localhost") or (address is not None and not is_public(address))
        ):
            raise AddressRefusedError(_refusal(host, str(address) if address else "this machine"))
        if not (_is_name(host) if address is None else _is_plain(host, address)) or not _is_port(parsed.port):
            raise _no_url(what)
        parsed = parsed.copy_with(userinfo=b"") if parsed.userinfo else parsed
        return Target(str(parsed), host, (parsed.scheme, name, parsed.port or _PORTS[parsed.scheme]))

    def moved(self, target: Target, location: str, what: str) -> Target:
        """The target of a redirect.

        Raises:
            AddressRefusedError: as ``target``.
        """
        try:
            return self.target(urljoin(target.text, location), what)
        except ValueError:
            raise _no_url(what) from None

    def refuse(self, host: str, what: str) -> None:
        """Refuse a host that is ``what``, unless private addresses are allowed.

        Raises:
            AddressRefusedError
        """
        if not self.allow_private:
            raise AddressRefusedError(_refusal(host, what))

    def resolved(self, host: str, addresses: Iterable[str]) -> None:
        """Check every address that ``host`` resolves to; one that is not public refuses them all.

        Raises:
            AddressRefusedError
        """
        for address in () if self.allow_private else addresses:
            if not is_public(address):
                raise AddressRefusedError(_refusal(host, address))


@lru_cache(1_000)
def _parsed_once(guard: AddressGuard, root: str, what: str) -> Target:
    return guard._parsed(root, what)


class GuardedResolver(AbstractResolver):
    """aiohttp connects to what this answers, so the address that is checked is the one that is connected to.

    ``exempt`` is the host of a proxy that the user has set: that may be private. ``inner`` replaces the machine's
    resolver in tests. A name may take ``seconds``.
    """

    def __init__(
        self, guard: AddressGuard, *, seconds: float, exempt: Iterable[str] = (), inner: AbstractResolver | None = None
    ) -> None:
        self._guard = guard
        self._seconds = seconds
        self._exempt = frozenset(exempt)
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:  # the codec for names refuses some
            raise OSError("the name cannot be encoded") from error
        if host not in self._exempt:
            self._guard.resolved(host, [each["host"] for each in found])
        return found

    async def close(self) -> None:
        await self._inner.close()


def origin(url: str) -> Origin | None:
    """Scheme, host and port: what a token belongs to. None for what is no URL."""
    parsed = _parsed(url)
    if parsed is None or parsed.scheme not in _PORTS:
        return None
    host = parsed.raw_host.decode("ascii", "replace")
    if literal(host) is None and not _is_name(host):
        return None
    return parsed.scheme, host.rstrip(".").lower(), parsed.port or _PORTS[parsed.scheme]


def same_origin(url: str, other: str) -> bool:
    """Whether both have the same scheme, host and port. False if one of them is no URL."""
    found = origin(url)
    return found is not None and found == origin(other)


def _parsed(url: str) -> httpx.URL | None:
    for spelled in (str, _with_ascii_host):
        try:
            return httpx.URL(spelled(url))
        except (httpx.InvalidURL, ValueError, TypeError):
            continue
    return None


def _with_ascii_host(url: str) -> str:
    """For a host that RFC 5891 does not allow, such as an emoji: its name by RFC 3490, as browsers look it up."""
    try:
        netloc = urlsplit(url).netloc
        user, at, host = netloc.rpartition("@")
        return url.replace(netloc, f"{user}{at}{host.encode('idna').decode()}", 1)
    except (ValueError, TypeError, AttributeError):
        return ""


def _is_name(host: str) -> bool:
    return _NAME.fullmatch(host) is not None and all(
        _is_unicode_label(label[4:]) for label in host.split(".") if label.startswith("xn--")
    )


def _is_unicode_label(punycode: str) -> bool:
    """Also emoji, which RFC 5891 forbids and registries sell (xn--ls8h.la)."""
    try:
        decoded = punycode.encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    return decoded.isprintable() and not decoded.isascii()


def _is_plain(host: str, address: Address) -> bool:
    """aiohttp takes no other spelling of an IPv4 address."""
    return isinstance(address, ipaddress.IPv6Address) or host == str(address)


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port < 65_536


def _no_url(what: str) -> AddressRefusedError:
    return AddressRefusedError(f"The {what} address is not a URL. Nothing was requested.")


def _refusal(host: str, address: str) -> str:
    leads = "is" if literal(host) else "leads to"
    shown = "a private address" if literal(host) else f"{address}, which is not a public address"
    return f"{host} {leads} {shown}; nothing was sent. If that is meant, set {ALLOW_SETTING}."
