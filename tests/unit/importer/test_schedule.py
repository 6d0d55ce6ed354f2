"""A watched import: on time, never two at once, gentle while the MLS is down, ended when it refuses the credentials."""

from __future__ import annotations

import random

import pytest

from mls_tui.domain.errors import UsageError
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.schedule import parse_interval, watch
from tests.clocks import StepClock

DONE = ImportResult(state=RunState.DONE)
DOWN = ImportResult(state=RunState.FAILED, error="down", exit_code=4)
REFUSED = ImportResult(state=RunState.FAILED, error="refused", exit_code=3)
BUSY = ImportResult(state=RunState.CANCELLED, error="another run", exit_code=2)
REMOVED = ImportResult(state=RunState.FAILED, error="no connection", exit_code=2)
STOPPED = ImportResult(state=RunState.INTERRUPTED, error="stopped", exit_code=130)
EVERY = 900.0


class Imports:
    """Imports that take ``seconds`` each and end as the script says, the last as ``refused``."""

    def __init__(self, clock: StepClock, *script: ImportResult, seconds: float = 20.0, jump: float = 0.0) -> None:
        self.clock, self.script, self.seconds, self.jump = clock, list(script), seconds, jump
        self.began: list[float] = []
        self.running = 0

    async def once(self) -> ImportResult:
        assert self.running == 0, "two at once"
        self.running += 1
        self.began.append(self.clock.now().timestamp())
        await self.clock.sleep(self.seconds)
        self.running -= 1
        if self.jump:
            self.clock.jump(self.jump)
        return self.script.pop(0) if self.script else REFUSED

    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.began, self.began[1:], strict=False)]


async def watched(imports: Imports, seed: int = 1) -> tuple[ImportResult, list[tuple[float, str]]]:
    said: list[tuple[float, str]] = []

    def on_wait(wait: float, why: str) -> None:
        said.append((wait, why))

    result = await watch(imports.once, EVERY, clock=imports.clock, on_wait=on_wait, rng=random.Random(seed))
    return result, said


@pytest.mark.parametrize("seed", range(20))
async def test_what_appears_after_an_import_has_read_is_stored_within_the_interval(seed: int) -> None:
    imports = Imports(StepClock(), DONE, DONE, DONE, seconds=40)
    await watched(imports, seed)
    assert len(imports.began) >= 3
    for began, following in zip(imports.began, imports.began[1:], strict=False):
        assert following + imports.seconds - began <= EVERY
        assert following - began >= EVERY * 0.9


async def test_imports_do_not_begin_to_the_second() -> None:
    imports = Imports(StepClock(), *[DONE] * 6)
    await watched(imports)
    assert len({round(gap) for gap in imports.gaps()}) > 3


async def test_an_import_longer_than_the_interval_is_followed_at_once_and_never_overlapped() -> None:
    imports = Imports(StepClock(), DONE, DONE, seconds=2000)
    await watched(imports)
    assert imports.gaps() == [2000, 2000]


async def test_a_machine_that_slept_catches_up_at_once() -> None:
    imports = Imports(StepClock(), DONE, jump=8 * 3600.0)
    await watched(imports)
    assert imports.gaps() == [20 + 8 * 3600]


async def test_a_clock_set_back_does_not_postpone_the_next_import() -> None:
    imports = Imports(StepClock(), DONE, jump=-24 * 3600.0)
    clock = imports.clock
    await watched(imports)
    assert clock.monotonic() < EVERY + 2 * imports.seconds


async def test_waits_double_up_to_an_hour_while_the_mls_is_down_and_then_are_short_again() -> None:
    imports = Imports(StepClock(), *[DOWN] * 5, DONE, DONE)
    _, said = await watched(imports)
    gaps = imports.gaps()
    assert gaps[0] < EVERY
    assert gaps[1:5] == [1800, 3600, 3600, 3600]
    assert all(gap < EVERY for gap in gaps[5:])
    assert "failed 2 times in a row" in said[1][1]
    assert said[-1][1] == ""


@pytest.mark.parametrize("end", [REFUSED, STOPPED, REMOVED], ids=["refused", "stopped", "removed"])
async def test_a_watch_ends_where_another_import_would_end_alike(end: ImportResult) -> None:
    imports = Imports(StepClock(), DONE, end, DONE)
    result, _ = await watched(imports)
    assert (result, len(imports.began)) == (end, 2)


async def test_a_run_beside_it_does_not_end_the_watch() -> None:
    imports = Imports(StepClock(), BUSY, DONE)
    await watched(imports)
    assert len(imports.began) == 3


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("15", 900), ("2h", 7200), ("1d", 86400)])
def test_intervals_are_read(text: str, seconds: float) -> None:
    assert parse_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "59s", "-5m", "soon", "1.5h", "15 m x", "367d", "9" * 5000])
def test_what_is_no_interval_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="15m, 2h or 1d"):
        parse_interval(text)
