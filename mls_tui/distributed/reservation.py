"""Slots in time, given away to all workers from one row (GCRA). Pure, but for the row's own reads and writes: it must
never give the same stretch of time to two.

Why no window holds more than its limit. Slots are ``T = (W + grace) / L`` apart at least, for a limit of L requests in
any W seconds; what differs between machines changes nothing of that, as each slot is counted on from the one before it
in the row. A slot for the time t is used only while the worker's clock reads [t, t + grace / 2], else dropped. The
provider then counts the request within [t - s, t + grace / 2 + s + f], where s is how far that clock is off and f how
long a request is under way: an interval of at most ``grace``, as long as 2 s + f ≤ grace / 2. So whatever is counted in
a window [a, a + W) has its slot in an interval of W + grace, open at one end, and at most (W + grace) / T = L slots
T apart lie in one. ``s`` is kept small by NTP (Amazon Time Sync: below 1 ms on EC2 and Fargate); with the default grace
of 0.5 s it may be 50 ms while requests reach the provider within 150 ms. A machine whose clock is wrong by minutes is
refused by AWS itself, and so cannot spoil the row.

Limits on bytes are kept by charging what was received: each byte moves ``bytes_at`` on by ``(W + 60) / (7/8 · L)``
seconds. The eighth left over is room for bodies that are still on their way, 60 s the time they may take.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mls_tui.domain import keys
from mls_tui.domain.clock import Clock
from mls_tui.reso.preset_fields import Limit
from mls_tui.storage.dynamodb.table import Condition, ConditionFailedError, Table
from mls_tui.storage.items import pk

GRACE_SECONDS = 0.5
SECOND = 1_000_000
"""The row counts whole microseconds: no machine rounds them differently from another."""
_BODY_SECONDS = 60
_LEARNED_SECONDS = 3600
"""How long a limit that one worker learned from headers binds the others; whoever sees it again renews it."""
_KEPT_SECONDS = 8 * 86400
"""After so long without a request a row says nothing any more: no window is longer than a day."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """The row. Times are epoch microseconds, each the first that is free again; ``spacing`` is what workers learned
    beyond the preset; revision 0 is a row that is not there."""

    next_at: int = 0
    bytes_at: int = 0
    paused_until: int = 0
    why: str = ""
    spacing: int = 0
    spacing_until: int = 0
    revision: int = 0

    def paused_for(self, now: int) -> int:
        return max(0, self.paused_until - now)


class SlotRow(Protocol):
    """One row with compare-and-set. Both calls block and raise StorageError."""

    def read(self) -> SlotState: ...

    def swap(self, seen: SlotState, wanted: SlotState) -> SlotState | None:
        """Write ``wanted`` if the row is still as ``seen``: None. Else nothing is written: the row as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """What one kind of host allows. ``spacing`` and ``learned`` are microseconds between two requests: of all limits
    known here, and of those that only headers told of (0: none); ``per_byte`` is microseconds a byte."""

    spacing: int = 0
    learned: int = 0
    per_byte: float = 0.0

    @property
    def unlimited(self) -> bool:
        return not self.spacing and not self.per_byte


def rate_of(limits: Iterable[Limit], preset: Iterable[Limit], grace: float) -> Rate:
    """``limits`` are those that hold now, ``preset`` those that every worker knows without being told."""
    now = list(limits)
    spacing, known = _spacing(now, grace), _spacing(preset, grace)
    per_byte = max(
        ((each.seconds + _BODY_SECONDS) / (each.limit * 7 / 8) for each in now if each.unit == "bytes"), default=0.0
    )
    return Rate(spacing, spacing if spacing > known else 0, per_byte * SECOND)


def _spacing(limits: Iterable[Limit], grace: float) -> int:
    each = ((limit.seconds + grace) / limit.limit for limit in limits if limit.unit == "requests")
    return math.ceil(max(each, default=0.0) * SECOND)


@dataclass(frozen=True, slots=True)
class Reservation:
    """``slots`` are yours once ``state`` is written; empty where the first would be ``wait`` seconds away: too long.

    ``state`` is then what is to be written all the same, or the state as it was.
    """

    state: SlotState
    slots: Sequence[int]
    wait: float


def reserve(
    state: SlotState, now: int, rate: Rate, *, count: int, received: int, patience: float, lead: int = 0
) -> Reservation:
    """The next ``count`` slots after everything given away, after the pause, and after ``received`` bytes are paid.

    None is earlier than ``lead`` microseconds from now: so long it may take to write the row.
    """
    after = replace(_with_learned(state, now, rate), bytes_at=_charged(state, now, rate, received))
    start = max(now + lead, after.next_at, after.bytes_at, after.paused_until)
    wait = (start - now) / SECOND
    if wait > patience:
        return Reservation(after if received else state, (), wait)
    spacing = spacing_of(after, now, rate)
    slots = [start + number * spacing for number in range(count)]
    return Reservation(replace(after, next_at=start + count * spacing), slots, wait)


def spacing_of(state: SlotState, now: int, rate: Rate) -> int:
    """The wider of what is known here and what others learned."""
    return max(rate.spacing, state.spacing if state.spacing_until > now else 0)


def paused(state: SlotState, until: int, why: str) -> SlotState:
    """A longer pause stays."""
    return replace(state, paused_until=until, why=why) if until > state.paused_until else state


def _charged(state: SlotState, now: int, rate: Rate, received: int) -> int:
    return max(state.bytes_at, now) + math.ceil(received * rate.per_byte) if received else state.bytes_at


def _with_learned(state: SlotState, now: int, rate: Rate) -> SlotState:
    if rate.learned and (rate.learned >= state.spacing or state.spacing_until <= now):
        return replace(state, spacing=rate.learned, spacing_until=now + _LEARNED_SECONDS * SECOND)
    return state


class DynamoSlotRow:
    """The row ``STATE#<name>`` of a user."""

    def __init__(self, table: Table, user_id: str, name: str, clock: Clock) -> None:
        self._table = table
        self._pk, self._sk = pk(user_id), keys.state_sk(name)
        self._clock = clock

    def read(self) -> SlotState:
        return _state(self._table.get(self._pk, self._sk))

    def swap(self, seen: SlotState, wanted: SlotState) -> SlotState | None:
        now = self._clock.now().timestamp()
        values: dict[str, Any] = {
            ":type": "RateBudget",
            ":next": wanted.next_at,
            ":bytes": wanted.bytes_at,
            ":paused": wanted.paused_until,
            ":why": wanted.why,
            ":spacing": wanted.spacing,
            ":until": wanted.spacing_until,
            ":revision": seen.revision + 1,
            ":at": int(now * 1000),
            ":gone": int(now) + _KEPT_SECONDS,
        }
        condition = "attribute_not_exists(PK)"
        if seen.revision:
            condition, values[":seen"] = "Revision = :seen", seen.revision
        try:
            self._table.update(self._pk, self._sk, _CHANGE, Condition(condition, values, _NAMES))
        except ConditionFailedError as found:
            return _state(found.item)
        return None


_ATTRIBUTES = {
    "EntityType": ":type",
    "NextAt": ":next",
    "BytesAt": ":bytes",
    "PausedUntil": ":paused",
    "Why": ":why",
    "Spacing": ":spacing",
    "SpacingUntil": ":until",
    "Revision": ":revision",
    "UpdatedAt": ":at",
    "ExpiresAt": ":gone",
}
_NAMES = {f"#{number}": name for number, name in enumerate(_ATTRIBUTES)}
_CHANGE = "SET " + ", ".join(f"{alias} = {_ATTRIBUTES[name]}" for alias, name in _NAMES.items())


def _state(item: dict[str, Any] | None) -> SlotState:
    if item is None:
        return SlotState()
    return SlotState(
        next_at=int(item.get("NextAt", 0)),
        bytes_at=int(item.get("BytesAt", 0)),
        paused_until=int(item.get("PausedUntil", 0)),
        why=str(item.get("Why", "")),
        spacing=int(item.get("Spacing", 0)),
        spacing_until=int(item.get("SpacingUntil", 0)),
        revision=int(item.get("Revision", 0)),
    )
