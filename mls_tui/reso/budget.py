"""A connection's rate budget, shared by all its tasks and kept from one run to the next (FIELD §6, "limits"). It must
never let more out than the provider's limits, whatever the burst or the restart."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from mls_tui.domain.clock import Clock
from mls_tui.reso.base import Window
from mls_tui.reso.budget_host import HostBudget, OnWait, Slot
from mls_tui.reso.presets import Limit

__all__ = ["Budget", "HostKind", "RateBudget", "Slot"]

_VERSION = 1
_LONGEST_PAUSE = 3600.0


class HostKind(StrEnum):
    """Whose requests are counted together."""

    API = "api"
    MEDIA = "media"


class Budget(Protocol):
    """What HTTP asks of a rate budget: of one process (``RateBudget``), or one that many machines share."""

    async def acquire(self, kind: HostKind, reserve: int = 0, on_wait: OnWait | None = None) -> Slot: ...
    def pause(self, kind: HostKind, seconds: float, why: str) -> None: ...
    def paused_for(self, kind: HostKind) -> float: ...
    def window_end(self, kind: HostKind) -> float: ...
    def observe(self, kind: HostKind, headers: Mapping[str, str]) -> None: ...
    def windows(self) -> list[Window]: ...
    def dump(self) -> str: ...


class RateBudget:
    """Windows of the API and of its photos, apart. ``state`` is what an earlier ``dump()`` gave, None at first."""

    def __init__(
        self, limits_api: Sequence[Limit], limits_media: Sequence[Limit], clock: Clock, state: str | None = None
    ) -> None:
        self._clock = clock
        self._hosts = {
            HostKind.API: HostBudget(HostKind.API.value, limits_api, clock),
            HostKind.MEDIA: HostBudget(HostKind.MEDIA.value, limits_media, clock),
        }
        if state:
            self._restore(state)

    async def acquire(self, kind: HostKind, reserve: int = 0, on_wait: OnWait | None = None) -> Slot:
        """Wait for leave to send one request; use the slot as ``async with await budget.acquire(…) as slot:``.

        ``reserve`` is how many bytes the answer may have, for limits that count bytes. Cancellable at any moment.
        """
        return await self._hosts[kind].acquire(reserve, on_wait)

    def host(self, kind: HostKind) -> HostBudget:
        """The part of one kind of host."""
        return self._hosts[kind]

    def pause(self, kind: HostKind, seconds: float, why: str) -> None:
        """Send nothing to this kind of host for ``seconds``."""
        self._hosts[kind].pause(seconds, why)

    def paused_for(self, kind: HostKind) -> float:
        """Seconds left of its pause, 0 where there is none."""
        return self._hosts[kind].paused_for()

    def window_end(self, kind: HostKind) -> float:
        """Seconds to wait after a 429 that does not say how long."""
        return self._hosts[kind].window_end()

    def observe(self, kind: HostKind, headers: Mapping[str, str]) -> None:
        """Learn limits from an answer's headers; names in lower case."""
        self._hosts[kind].observe(headers)

    def windows(self) -> list[Window]:
        """All windows as they stand, for the gauge."""
        return [window for host in self._hosts.values() for window in host.windows()]

    def dump(self) -> str:
        """The counts as JSON text of bounded size, for ``state`` after a restart. Holds no secret."""
        at = self._clock.now().timestamp()
        return json.dumps({"v": _VERSION, "at": at, "hosts": {kind.value: h.dump() for kind, h in self._hosts.items()}})

    def _restore(self, state: str) -> None:
        """What cannot be read is left out: a damaged state must not stop an import."""
        try:
            saved = json.loads(state)
            # A clock that was set back counts as no time at all: rather too long a wait than too short a one.
            # So is the last millisecond, as epoch seconds are too coarse to be sure of it.
            since = max(0.0, self._clock.now().timestamp() - float(saved["at"]) - 0.001)
            for kind, host in self._hosts.items():
                kept = saved["hosts"].get(kind.value) or {}
                windows = [_window(row, since) for row in kept.get("windows", [])]
                host.restore(windows, min(float(kept.get("paused", 0.0)), _LONGEST_PAUSE) - since)
        except (ValueError, KeyError, TypeError, AttributeError):
            return


def _window(row: Any, since: float) -> tuple[float, str, int, list[tuple[float, int]]]:
    seconds, unit, limit, ages = row
    read = [(float(age) + since, int(count)) for age, count in ages]
    if not 0 < float(seconds) <= 86400.0 or not all(math.isfinite(age) for age, _ in read):
        raise ValueError("not a window")
    return float(seconds), str(unit), int(limit), read
