"""The provider's rate limits (docs/reso-feeds.md, 3 and 6), and how many photos are in flight.

Never more requests or bytes in a window than the provider allows, also over a restart or a kill.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import AuthKind, Connection, SecretField
from mls_tui.reso.base import Observer, Paused, Window
from mls_tui.reso.presets import Limit, counted_host, for_connection
from mls_tui.reso.responses import SPARK_THROTTLED, Fault, phrase, seconds_until

SAVE_SECONDS = 5.0
STRIKES = 5
"""After this many 429s in a row the run stops."""

Keep = Callable[[str], Awaitable[None]]

_DAY = 86400.0
_LONGEST_PAUSE = 3600.0
_SHORTEST_PAUSE = 1.0
_NOTICEABLE_SECONDS = 2.0
_NEARLY_FULL = 0.9
_BUCKETS = 60
_MOST_WINDOWS = 8
_UNITS = ("requests", "bytes")


def budget_key(connection: Connection, secrets: Mapping[SecretField, str]) -> str:
    """The name under which a budget is stored: the same for all connections of a user that have the same credential at
    the same API host, as the provider counts them together. A hash, because a token can be part of it.

    Raises UsageError if the connection's settings do not fit its provider.
    """
    who = [connection.auth.value, connection.client_id or "", connection.username or ""]
    if connection.auth is AuthKind.BEARER and not secrets.get(SecretField.REFRESH_TOKEN):
        who.append(secrets.get(SecretField.ACCESS_TOKEN, ""))
    elif not any(who[1:]):
        who.append(connection.connection_id)  # a token that is renewed says nothing lasting about the account
    text = "\n".join([counted_host(for_connection(connection).base_url), *who])
    return f"budget#{hashlib.sha256(text.encode()).hexdigest()[:32]}"


class RateLimits:
    """The limits of one API host and credential: of its API, and of its photos.

    ``state`` is what ``dump()`` returned earlier. ``keep`` stores it: at the first request, before any request that
    leaves 5 s or more after the last save, and at the end. What a killed process may have sent since its last save is
    counted as sent.
    """

    def __init__(self, clock: Clock, state: str | None = None, keep: Keep | None = None) -> None:
        self._clock = clock
        self._state = state
        self._keep = keep
        self._saved_at = float("-inf")
        self._saving = asyncio.Lock()
        self._users = 0
        self.api = RateLimit("api", clock, self)
        self.media = RateLimit("media", clock, self)

    def tighten(self, api: Sequence[Limit], media: Sequence[Limit]) -> RateLimits:
        """Keep to these limits too; the first call continues from the stored state. Returns itself."""
        self.api.tighten(api)
        self.media.tighten(media)
        if self._state:
            self._restore(self._state)
            self._state = None
        return self

    def windows(self) -> list[Window]:
        """The current state of all windows, for the gauge."""
        return [*self.api.windows(), *self.media.windows()]

    def dump(self, *, clean: bool = True) -> str:
        """The state as JSON text of bounded size; holds no secret. ``clean``: nothing is sent after this."""
        hosts = {each.name: each.dump(clean) for each in (self.api, self.media)}
        return json.dumps({"v": 2, "at": self._clock.now().timestamp(), "hosts": hosts})

    def opened(self) -> RateLimits:
        """Called by each user of shared limits, who calls ``close`` once. A new one hears of a wait that the others
        know of."""
        self._users += 1
        self.api.reported = self.media.reported = float("-inf")
        return self

    async def close(self) -> None:
        """Save for the last time."""
        self._users -= 1
        async with self._saving:
            await self._save(clean=self._users <= 0)
            self.save_soon()

    def save_soon(self) -> None:
        """Save before the next request, and before waiting for it."""
        self._saved_at = float("-inf")

    def to_save(self, limit: RateLimit, reserve: int, now: float) -> bool:
        """Whether ``save_if_due`` is to be called before a request to ``limit``."""
        return self._keep is not None and (self._saving.locked() or self._due(limit, reserve, now))

    async def save_if_due(self, limit: RateLimit, reserve: int) -> None:
        """Waits for a save that is under way."""
        async with self._saving:
            if self._due(limit, reserve, self._clock.monotonic()):
                await self._save(reserve)

    def _due(self, limit: RateLimit, reserve: int, now: float) -> bool:
        return now - self._saved_at >= SAVE_SECONDS or limit.unsaved(reserve)

    async def _save(self, reserve: int = 0, *, clean: bool = False) -> None:
        if self._keep is None:
            return
        for each in (self.api, self.media):
            each.begin_period(reserve)
        self._saved_at = self._clock.monotonic()
        try:
            await self._keep(self.dump(clean=clean))
        except BaseException:
            self.save_soon()
            raise

    def _restore(self, state: str) -> None:
        """Ignores what it cannot read: a damaged state must not stop an import."""
        try:
            saved = json.loads(state)
            # Epoch seconds are not exact to the millisecond, and a clock that was set back counts as no time at all.
            since = max(0.0, self._clock.now().timestamp() - float(saved["at"]) - 0.001)
            if since > _DAY:
                return
            for each in (self.api, self.media):
                each.restore(saved["hosts"].get(each.name) or {}, since)
        except (ValueError, KeyError, TypeError, AttributeError):
            return


class Slot:
    """Permission for one request, as an async context manager: leaving it counts the bytes of the body."""

    def __init__(self, limit: RateLimit, host: str, observer: Observer, reserve: int, granted_at: float) -> None:
        self._limit = limit
        self._host = host
        self._observer = observer
        self._reserve = reserve
        self._granted_at = granted_at
        self._bytes = 0
        self._answered = False

    def answered(self, headers: Mapping[str, str] | None = None) -> None:
        """The answer has begun: the server has counted the request. Learns limits from its headers (lower case)."""
        if not self._answered:
            self._answered = True
            self._limit._settle("requests", 1, 1, self._granted_at)
        if headers:
            self._limit.observe(headers)

    def received(self, size: int) -> None:
        """``size`` more bytes of the body have come."""
        self._bytes += size

    def throttled(self, status: int, headers: Mapping[str, str], fault: Fault | None = None) -> bool:
        """Whether the answer asks to slow down (429, or Spark's 503 with code 1550); then its host is paused."""
        limit = self._limit
        # An answer to a request from before the last pause is no new strike, and no proof that the pause helped.
        current = self._granted_at > limit._last_strike
        if status != 429 and (fault is None or fault.code not in (SPARK_THROTTLED, "429")):
            if current:
                limit._strikes = 0
            return False
        if current:
            limit._strikes += 1
            limit._last_strike = limit._clock.monotonic()
        seconds, said = limit._pause_asked(headers)
        why = f"{self._host} answered {phrase(status)}{said}"
        limit.pause(seconds, why)
        self._observer(Paused(limit._clock.now() + timedelta(seconds=seconds), why, self._host))
        return True

    async def __aenter__(self) -> Slot:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answered()
        self._limit._settle("bytes", self._reserve, self._bytes, self._granted_at)
        self._reserve = self._bytes = 0


class RateLimit:
    """The limits of one kind of host: windows of requests and bytes, what the server says is left, and its pauses.

    Headers can only tighten the preset's limits. Times are monotonic seconds.
    """

    def __init__(self, name: str, clock: Clock, owner: RateLimits) -> None:
        self.name = name
        self._clock = clock
        self._owner = owner
        self._preset_limits: dict[tuple[float, str], int] = {}
        self._windows: list[_SlidingWindow] = []
        self._left: dict[str, _Left] = {}
        self._paused_until = 0.0
        self._why = ""
        self.reported = 0.0
        """The end of the pause that was reported last."""
        self._strikes = 0
        self._last_strike = float("-inf")
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._held = dict.fromkeys(_UNITS, 0)
        # The most that may be granted until the next save. A save stores it, and a process that starts after a kill
        # counts it as sent: with 8 requests ahead, a kill costs at most 8 unused requests.
        self._ahead = {"requests": 8, "bytes": 0}
        self._since_save = dict.fromkeys(_UNITS, 0)
        self._peak = dict.fromkeys(_UNITS, 0)
        self._save_began = float("-inf")

    @property
    def tripped(self) -> bool:
        """Whether ``STRIKES`` 429s in a row have tripped this circuit breaker: no further request should be sent."""
        return self._strikes >= STRIKES

    def tighten(self, limits: Sequence[Limit]) -> None:
        for each in limits:
            key = (each.seconds, each.unit)
            self._preset_limits[key] = min(each.limit, self._preset_limits.get(key, each.limit))
            known = self._of(*key)
            for window in known:
                window.limit = min(window.limit, each.limit)
            if not known:
                held = self._held[each.unit]
                self._windows.append(_SlidingWindow(each.limit, each.seconds, each.unit, held=held))

    async def slot(self, host: str, reserve: int, observer: Observer) -> Slot:
        """Wait until one request may leave to ``host``; first come, first served. Cancellable at any moment.

        ``reserve`` is the most bytes that its answer may have, for limits on bytes. The observer hears of waits of 2 s
        or more.
        """
        async with self._turn:
            while True:
                now = self._clock.monotonic()
                if self._owner.to_save(self, reserve, now):
                    await self._owner.save_if_due(self, reserve)
                    now = self._clock.monotonic()
                wait, why = self._wait(now, reserve)
                if wait == 0.0:
                    return self._grant(now, host, reserve, observer)
                self._report(now, wait, why, host, observer)
                await self._sleep(wait)

    def pause(self, seconds: float, why: str) -> None:
        """Send nothing for ``seconds``; a longer pause stays."""
        until = self._clock.monotonic() + max(0.0, seconds)
        if until > self._paused_until:
            self._paused_until, self._why = until, why
            self.reported = until  # the caller has reported it
            self._owner.save_soon()
        self._changed.set()

    def paused_for(self) -> float:
        """Seconds left of the pause, 0 if there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers (lower-case names) of an answer: a lower limit tightens, "none left" waits."""
        found = {name: value for name, value in headers.items() if "limit" in name or "quota" in name}
        if not found:
            return  # nearly every answer
        now = self._clock.monotonic()
        for each in announced(found, self._clock.now()):
            if each.limit and each.seconds:
                self._learn(each.limit, each.seconds)
            if each.remaining is not None:
                self._note_left(now, each, each.remaining)

    def windows(self) -> list[Window]:
        now = self._clock.monotonic()
        return [Window(self.name, each.seconds, each.limit, each.used(now), each.unit) for each in self._windows]

    def dump(self, clean: bool) -> dict[str, object]:
        now = self._clock.monotonic()
        return {
            "windows": [[each.seconds, each.unit, each.limit, each.learned, each.ages(now)] for each in self._windows],
            "unsaved": [0 if clean else self._held[unit] + self._ahead[unit] for unit in _UNITS],
            "paused": self.paused_for(),
        }

    def restore(self, saved: Mapping[str, Any], since: float) -> None:
        """Continue from the ``dump`` of an earlier process, written ``since`` seconds ago."""
        now = self._clock.monotonic()
        unsaved = dict(zip(_UNITS, map(int, saved.get("unsaved", (0, 0))), strict=True))
        # The process saved at least every SAVE_SECONDS while it sent. So what it sent after this save, which may be all
        # of ``unsaved``, was sent in the SAVE_SECONDS after it: a save 100 s ago means 95 s ago at the latest.
        latest = max(0.0, since - SAVE_SECONDS)
        before: dict[tuple[str, float], list[tuple[float, int]]] = {}
        for seconds, unit, limit, learned, ages in saved.get("windows", []):
            if learned and 0 < float(seconds) <= _DAY and not self._of(float(seconds), unit):
                self._learn(int(limit), float(seconds))
            before[unit, float(seconds)] = [(float(age) + since, int(count)) for age, count in ages]
        for window in self._windows:
            # A window of a new length, such as 60 s after saved ones of 1 s and 3600 s, starts with the requests of the
            # next longer window (3600 s), or else of the longest.
            lengths = sorted(seconds for unit, seconds in before if unit == window.unit)
            alike = next((each for each in lengths if each >= window.seconds), lengths[-1] if lengths else None)
            ages = before[window.unit, alike] if alike is not None else []
            window.restore(now, [*ages, (latest, min(window.limit, unsaved[window.unit]))])
        paused = min(float(saved.get("paused", 0.0)), _LONGEST_PAUSE) - since
        if paused > 0:
            self.pause(paused, "the provider asked for a pause before this start")
            self.reported = float("-inf")  # by another run: this one reports it when it waits

    def unsaved(self, reserve: int) -> bool:
        """Whether one more grant is more than the last save has announced."""
        return any(
            self._since_save[window.unit] + (1 if window.unit == "requests" else reserve) > self._ahead[window.unit]
            for window in self._windows
        )

    def begin_period(self, reserve: int) -> None:
        """A save begins: until the next one allow twice what was granted since the one before."""
        for unit, least in (("requests", 8), ("bytes", 4 * reserve)):
            self._ahead[unit] = max(least, 2 * self._peak[unit], self._ahead[unit] // 2)
            self._since_save[unit] = self._peak[unit] = 0
        self._save_began = self._clock.monotonic()

    def _settle(self, unit: str, held: int, spent: int, granted_at: float) -> None:
        """What was reserved for a request has ended and is ``spent`` now."""
        now = self._clock.monotonic()
        self._held[unit] -= held
        if granted_at >= self._save_began:
            self._since_save[unit] += spent - held
        for window in self._windows:
            if window.unit == unit:
                window.settle(now, _share(window, held), spent)
        self._changed.set()

    def _grant(self, now: float, host: str, reserve: int, observer: Observer) -> Slot:
        for unit, size in (("requests", 1), ("bytes", reserve)):
            self._held[unit] += size
            self._since_save[unit] += size
            self._peak[unit] = max(self._peak[unit], self._since_save[unit])
            for window in self._windows:
                if window.unit == unit:
                    window.held += _share(window, size)
        for left in self._left.values():
            left.count -= 1
        return Slot(self, host, observer, reserve, now)

    def _wait(self, now: float, reserve: int) -> tuple[float | None, str]:
        """The longest of all waits and its reason; None if only the end of a request in flight can tell."""
        longest, why = max(0.0, self._paused_until - now), self._why
        for name, left in list(self._left.items()):
            if left.until <= now:
                del self._left[name]
            elif left.count <= 0 and left.until - now > longest:
                longest, why = left.until - now, "the provider says that no request is left"
        for window in self._windows:
            wait = window.wait(now, 1 if window.unit == "requests" else _share(window, reserve))
            if wait is None:
                return None, ""
            if wait > longest:
                longest, why = wait, f"{window.limit:,} {window.unit} in {window.seconds:g} s are used up"
        return longest, why

    def _report(self, now: float, wait: float | None, why: str, host: str, observer: Observer) -> None:
        if wait is None or wait < _NOTICEABLE_SECONDS or now + wait <= self.reported + 1.0:
            return
        self.reported = now + wait
        until = self._clock.now() + timedelta(seconds=wait)
        observer(Paused(until, why, host, answered=self._paused_until > now))

    async def _sleep(self, seconds: float | None) -> None:
        """Until the time is over or something has changed."""
        self._changed.clear()
        waits: list[asyncio.Task[object]] = [asyncio.ensure_future(self._changed.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _pause_asked(self, headers: Mapping[str, str]) -> tuple[float, str]:
        """How long a 429 asks to wait; without Retry-After until the window ends, doubled with each further 429."""
        asked = seconds_until(headers.get("retry-after"), self._clock.now())
        if asked is None or asked < 0:
            seconds = self._window_end() * 2 ** max(0, self._strikes - 1)
            return min(max(seconds, _SHORTEST_PAUSE), _LONGEST_PAUSE), ""
        seconds = min(max(asked, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        return seconds, f", to wait {math.ceil(seconds)} s"

    def _window_end(self) -> float:
        """Seconds until a (nearly) full window frees, else the shortest window's length; 1 if there is none."""
        now = self._clock.monotonic()
        requests = [window for window in self._windows if window.unit == "requests"]
        full = [window.frees_in(now) for window in requests if window.used(now) >= window.limit * _NEARLY_FULL]
        return max(full, default=min((window.seconds for window in requests), default=1.0))

    def _of(self, seconds: float, unit: str) -> list[_SlidingWindow]:
        return [window for window in self._windows if window.seconds == seconds and window.unit == unit]

    def _learn(self, limit: int, seconds: float) -> None:
        granted = self._preset_limits.get((seconds, "requests"))
        limit = max(1, limit if granted is None else min(limit, granted))
        known = self._of(seconds, "requests")
        for window in known:
            window.limit = limit
        if not known and len(self._windows) < _MOST_WINDOWS:
            self._windows.append(_SlidingWindow(limit, seconds, learned=True, held=self._held["requests"]))

    def _note_left(self, now: float, said: Announced, remaining: int) -> None:
        seconds = said.reset if said.reset is not None else said.seconds
        if seconds is None:
            return
        before = self._left.get(said.name)
        count = remaining - self._held["requests"]
        if before and abs(before.until - (now + seconds)) < 2.0:
            count = min(count, before.count)  # answers may come in another order than they were written
        self._left[said.name] = _Left(count, now + seconds)


@dataclass(slots=True)
class _Left:
    count: int
    until: float


class _SlidingWindow:
    """At most ``limit`` requests or bytes in any span of ``seconds``, counted in sixty buckets.

    What is held (sent, and not yet answered) counts in full. It is spent when it is answered, as the server may have
    counted it at any moment until then, and counts from the end of its bucket on: a little too long, never too short.
    """

    def __init__(
        self, limit: int, seconds: float, unit: str = "requests", *, learned: bool = False, held: int = 0
    ) -> None:
        self.limit = max(1, limit)
        self.seconds = seconds
        self.unit = unit
        self.learned = learned
        self.held = held
        self._width = seconds / _BUCKETS
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0

    def wait(self, now: float, size: int) -> float | None:
        """Seconds until ``size`` more fit; None if only the end of something held can tell."""
        self._forget(now)
        over = self._total + self.held + min(size, self.limit) - self.limit
        if over <= 0:
            return 0.0
        for end, count in self._spent:
            over -= count
            if over <= 0:
                return max(0.0, end + self.seconds - now)
        return None

    def settle(self, now: float, held: int, spent: int) -> None:
        self.held -= held
        self._add((math.floor(now / self._width) + 1) * self._width, spent)

    def used(self, now: float) -> int:
        self._forget(now)
        return self._total + (self.held if self.unit == "requests" else 0)

    def frees_in(self, now: float) -> float:
        """Seconds until the oldest of what is spent no longer counts."""
        self._forget(now)
        return max(0.0, self._spent[0][0] + self.seconds - now) if self._spent else self.seconds

    def ages(self, now: float) -> list[tuple[float, int]]:
        """What is spent, as (seconds ago, amount); at most sixty-one pairs."""
        self._forget(now)
        return [(now - end, count) for end, count in self._spent]

    def restore(self, now: float, ages: Iterable[tuple[float, int]]) -> None:
        """Add the ``ages`` of an earlier process; a time in the future counts as now."""
        read = sorted(ages, reverse=True)
        if not all(math.isfinite(age) for age, _ in read):
            raise ValueError("not a window")
        for age, count in read:
            self._add(now - max(age, -self._width), count)
        self._forget(now)

    def _add(self, end: float, count: int) -> None:
        if count <= 0:
            return
        if self._spent and self._spent[-1][0] >= end - 1e-9:
            end, before = self._spent.pop()
            self._spent.append((end, before + count))
        else:
            self._spent.append((end, count))
        self._total += count

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] + self.seconds <= now:
            self._total -= self._spent.popleft()[1]


def _share(window: _SlidingWindow, size: int) -> int:
    """How much of a window is reserved: a body's size is known only afterwards, so at most a quarter."""
    return min(size, window.limit // 4) if window.unit == "bytes" else size


# Limits in headers ------------------------------------------------------------------------------------------------

_NAME = re.compile(r"^(?:x-)?(?P<scope>[a-z]+(?:-[a-z]+)?-)??(?:rate-?limit|quota)(?:-(?P<rest>[a-z-]+))?$")
_WINDOW = re.compile(r"\bw(?:indow)?\s*=\s*(\d+)")
_PART = re.compile(r"\b(limit|remaining|reset|q|r|t)\s*=\s*(\d+)")
_PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": _DAY}
# Bridge names its two windows by their purpose: 5,000 an hour for the application, a fifteenth of it a minute.
_SCOPES = {**_PERIODS, "application": 3600.0, "burst": 60.0}
_REMAINING = ("remaining", "available", "left")
_LONGEST_RESET = 3600.0
_HIGHEST_LIMIT = 100_000_000


@dataclass(frozen=True, slots=True)
class Announced:
    """One limit as a server announces it; each part may be missing. ``reset`` and ``seconds`` are in seconds."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    seconds: float | None = None


def announced(headers: Mapping[str, str], now: datetime) -> list[Announced]:
    """Every limit in these headers (names in lower case): X-RateLimit-*, RateLimit-* (IETF drafts), Bridge's
    Application- and Burst-RateLimit-*, Trestle's Hour- and Minute-Quota-*. Absurd numbers are ignored."""
    found: dict[str, Announced] = {}
    for name, value in headers.items():
        match = _NAME.match(name)
        if match is None or "byte" in name:
            continue
        words = [word for word in (match["rest"] or "").split("-") if word]
        scope = (match["scope"] or "").rstrip("-")
        period = next((word for word in words if word in _PERIODS), "")
        key = period or scope
        entry = found.get(key) or Announced(key, seconds=_SCOPES.get(key))
        found[key] = _with(entry, [word for word in words if word != period], value, now)
    return [each for each in found.values() if each.limit is not None or each.remaining is not None]


def _with(entry: Announced, words: list[str], value: str, now: datetime) -> Announced:
    window = _WINDOW.search(value)
    if window and 0 < int(window[1][:9]) <= _DAY:
        entry = replace(entry, seconds=float(window[1]))
    if not words or words == ["policy"]:
        parts = {name[0]: text for name, text in _PART.findall(value.replace("reset", "t").replace("remaining", "r"))}
        limit = _number(parts.get("l") or parts.get("q") or (value if words and not parts else ""))
        left, reset = _number(parts.get("r", "")), seconds_until(parts.get("t"), now)
        return replace(
            entry,
            limit=entry.limit if limit is None else limit,
            remaining=entry.remaining if left is None else left,
            reset=entry.reset if reset is None else _bounded(reset),
        )
    if "limit" in words:
        return replace(entry, limit=_number(value))
    if any(word in _REMAINING for word in words):
        return replace(entry, remaining=_number(value))
    if any(word.startswith("reset") for word in words):
        return replace(entry, reset=_bounded(seconds_until(value, now)))
    return entry


def _number(text: str) -> int | None:
    match = re.match(r"\s*(\d{1,9})(?:\.0*)?\b", text)
    return min(int(match[1]), _HIGHEST_LIMIT) if match else None


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_RESET)


# Photos in flight -------------------------------------------------------------------------------------------------

_SHARE_OF_NEW = 0.1
_RISEN = 2.0
_SLACK_SECONDS = 0.05
_ON_ERROR = 0.5
_ON_LATENCY = 0.85


class InFlight:
    """A semaphore for photos on their way from the MLS to the store, by additive increase and multiplicative decrease.

    It grows by one a photo until the first sign of trouble, then by one a round (as many photos as are allowed at
    once); it halves on a failure and shrinks when latency has risen to twice its best, once a round. No further photo
    begins while ``bytes_at_most`` of them are in memory.
    """

    def __init__(self, start: int = 8, lowest: int = 1, highest: int = 64, bytes_at_most: int = 128_000_000) -> None:
        self._lowest = max(1, lowest)
        self._highest = max(self._lowest, highest)
        self._allowed = float(min(max(start, self._lowest), self._highest))
        self._bytes_at_most = bytes_at_most
        self._bytes = 0
        self._count = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._discovering = True
        self._since_decrease = 0
        self._latency: float | None = None
        self._best: float | None = None

    @property
    def allowed(self) -> int:
        return int(self._allowed)

    @property
    def count(self) -> int:
        """Photos in flight now."""
        return self._count

    async def begin(self) -> Flight:
        """Wait for a turn. The caller calls ``end`` on the result when the photo is stored or has failed."""
        if self._waiting or not self._free:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(0)
                elif turn in self._waiting:  # else a photo that ended in between has removed it already
                    self._waiting.remove(turn)
                raise
        else:
            self._count += 1
        return Flight(self)

    @property
    def _free(self) -> bool:
        return self._count < self.allowed and self._bytes < self._bytes_at_most

    def _ok(self, seconds: float, size: int) -> None:
        self._bytes += size
        self._since_decrease += 1
        self._latency = seconds if self._latency is None else self._latency + _SHARE_OF_NEW * (seconds - self._latency)
        # The best rises slowly, so that one lucky answer does not hold the limit down for ever.
        self._best = self._latency if self._best is None else min(self._best * 1.001, self._latency)
        if self._latency > self._best * _RISEN + _SLACK_SECONDS:
            self._decrease(_ON_LATENCY)
        elif self._count + 1 >= self.allowed:
            step = 1.0 if self._discovering else 1.0 / max(1.0, self._allowed)
            self._allowed = min(float(self._highest), self._allowed + step)
        self._wake()

    def _failed(self) -> None:
        self._since_decrease += 1
        self._decrease(_ON_ERROR)

    def _decrease(self, factor: float) -> None:
        if not self._discovering and self._since_decrease < self.allowed:
            return  # photos begun before the last decrease still report the old trouble
        self._discovering = False
        self._since_decrease = 0
        self._allowed = max(float(self._lowest), self._allowed * factor)

    def _leave(self, size: int) -> None:
        self._count -= 1
        self._bytes -= size
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._free:
            turn = self._waiting.popleft()
            if not turn.done():
                self._count += 1
                turn.set_result(None)


class Flight:
    """One photo in flight."""

    def __init__(self, limit: InFlight) -> None:
        self._limit = limit
        self._size = 0

    def fetched(self, seconds: float, size: int) -> None:
        """The download took ``seconds``; its ``size`` bytes stay in memory until the end."""
        self._size = size
        self._limit._ok(seconds, size)

    def end(self, *, failed: bool = False) -> None:
        """``failed`` in a way that fewer at once may help (time-out, reset, 429, 5xx)."""
        if failed:
            self._limit._failed()
        self._limit._leave(self._size)
