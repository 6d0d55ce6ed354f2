"""From a host's name to addresses that may be connected to. It must never hand on an answer that the guard has not
checked, nor ask the same thing for each of many connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohappyeyeballs import AddrInfoType

from mls_tui.reso.net.netguard import NetGuard, literal
from mls_tui.reso.net.unanswered import NOT_RESOLVED, SLOW_TO_CONNECT, UnansweredError

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses: what tests put in place of the machine's resolver."""

_KEPT_SECONDS = 10.0
"""An import opens its connections in bursts; a host that moves is found after this."""

Addresses = Sequence[AddrInfoType]


class Names:
    """``seconds`` is how long a name may take."""

    def __init__(self, guard: NetGuard, seconds: float, lookup: Lookup | None = None) -> None:
        self._guard = guard
        self._seconds = seconds
        self._lookup = lookup
        self._asked: dict[tuple[str, int], asyncio.Future[Addresses]] = {}

    async def addresses(self, host: str, port: int) -> Addresses:
        """Every address of ``host``; all of them are public, unless private ones are allowed.

        Raises:
            UnansweredError: there is none, or no answer.
            AddressRefusedError: one of them is not public.
        """
        key = host, port
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(host, port))
            self._asked[key].add_done_callback(lambda asked: self._keep(key, asked))
        return await asyncio.shield(self._asked[key])

    def _keep(self, key: tuple[str, int], asked: asyncio.Future[Addresses]) -> None:
        """For a while; what failed is asked for again by the next attempt."""
        if asked.cancelled() or asked.exception() is not None:
            del self._asked[key]
        else:
            asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._asked.pop, key)

    async def _ask(self, host: str, port: int) -> Addresses:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._found(host, port)
        except TimeoutError:
            raise UnansweredError(SLOW_TO_CONNECT) from None
        except (OSError, UnicodeError):  # the codec of names refuses some
            raise UnansweredError(NOT_RESOLVED) from None
        self._guard.addresses(host, [str(info[4][0]) for info in found])
        return found

    async def _found(self, host: str, port: int) -> Addresses:
        ask, stream = asyncio.get_running_loop().getaddrinfo, socket.SOCK_STREAM
        if literal(host) is not None:
            return await ask(host, port, type=stream, flags=socket.AI_NUMERICHOST)
        if self._lookup is None:
            return await ask(host, port, type=stream, flags=socket.AI_ADDRCONFIG)
        found = [
            await ask(each, port, type=stream, flags=socket.AI_NUMERICHOST) for each in await self._lookup(host, port)
        ]
        return [info for infos in found for info in infos]
