"""Names are asked for once for many connections, and again where they could not be had."""

from __future__ import annotations

import asyncio

import pytest

from mls_tui.reso.net.names import Names
from mls_tui.reso.net.netguard import AddressRefusedError, NetGuard
from mls_tui.reso.net.unanswered import NOT_RESOLVED, SLOW_TO_CONNECT, UnansweredError


class Resolver:
    """Answers with ``answers`` in turn, the last for ever; None is no answer at all."""

    def __init__(self, *answers: list[str] | OSError | None) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, name: str, port: int) -> list[str]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        await asyncio.sleep(0)
        if answer is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(answer, OSError):
            raise answer
        return answer or []


async def addresses(names: Names, host: str = "cdn.test") -> list[str]:
    return [str(info[4][0]) for info in await names.addresses(host, 443)]


async def test_many_connections_at_once_and_soon_after_ask_once() -> None:
    resolver = Resolver(["93.184.216.34", "2606:2800:220:1::1"], ["93.184.216.99"])
    names = Names(NetGuard(), 10.0, resolver)
    told = await asyncio.gather(*(addresses(names) for _ in range(30)))
    assert told == [["93.184.216.34", "2606:2800:220:1::1"]] * 30
    assert await addresses(names) == told[0]
    assert resolver.asked == 1


async def test_one_that_gives_up_takes_the_answer_from_nobody() -> None:
    resolver = Resolver(["93.184.216.34"])
    names = Names(NetGuard(), 10.0, resolver)
    first, second = (asyncio.create_task(addresses(names)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ["93.184.216.34"]
    assert first.cancelled()
    assert resolver.asked == 1


async def test_name_that_could_not_be_had_is_asked_for_again() -> None:
    resolver = Resolver(OSError(), ["93.184.216.34"])
    names = Names(NetGuard(), 10.0, resolver)
    with pytest.raises(UnansweredError, match=NOT_RESOLVED):
        await addresses(names)
    assert await addresses(names) == ["93.184.216.34"]


async def test_private_answer_is_refused_each_time_and_never_kept() -> None:
    resolver = Resolver(["93.184.216.34", "10.0.0.1"], ["93.184.216.34"])
    names = Names(NetGuard(), 10.0, resolver)
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        await addresses(names)
    assert await addresses(names) == ["93.184.216.34"]


async def test_resolver_that_does_not_answer_is_given_up() -> None:
    names = Names(NetGuard(), 0.01, Resolver(None))
    with pytest.raises(UnansweredError, match=SLOW_TO_CONNECT):
        await addresses(names)


@pytest.mark.parametrize("spelled", ["127.0.0.1", "127.1", "::1", "10.0.0.1", "0x7f.1"])
async def test_address_in_place_of_a_name_is_checked_and_not_asked_for(spelled: str) -> None:
    resolver = Resolver(["93.184.216.34"])
    with pytest.raises(AddressRefusedError):
        await addresses(Names(NetGuard(), 10.0, resolver), spelled)
    assert resolver.asked == 0
    assert await addresses(Names(NetGuard(True), 10.0, resolver), "127.0.0.1") == ["127.0.0.1"]
